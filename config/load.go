package config

import (
	"errors"
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// Load gathers the settings: the defaults, then the YAML file (if path is not
// empty), then the environment, then flags (by long name, as text). The
// warnings name the keys of the file that have no meaning here.
func Load(path string, environ func(string) (string, bool), flags map[string]string) (*Config, []string, error) {
	c := Default()
	var warnings []string
	if path != "" {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, nil, fmt.Errorf("configuration: %w", err)
		}
		if warnings, err = c.file(path, text); err != nil {
			return nil, warnings, err
		}
	}
	env, err := c.texts(environ, func(s *Setting) string { return s.Env })
	if err != nil {
		return nil, warnings, fmt.Errorf("environment: %s: %w", env, err)
	}
	name, err := c.texts(func(name string) (string, bool) { v, ok := flags[name]; return v, ok },
		func(s *Setting) string { return s.Flag })
	if err != nil {
		return nil, warnings, fmt.Errorf("--%s: %w", name, err)
	}
	return &c, warnings, nil
}

// texts applies a layer of values that are text; on an error it returns the
// name that failed.
func (c *Config) texts(lookup func(string) (string, bool), name func(*Setting) string) (string, error) {
	l := &layer{c, map[*int]bool{}}
	for _, s := range Settings {
		n := name(s)
		if n == "" {
			continue
		}
		if value, ok := lookup(n); ok {
			v, err := s.parse(value)
			if err == nil {
				err = s.set(l, v)
			}
			if err != nil {
				return n, err
			}
		}
	}
	return "", nil
}

// Check says whether the text is a valid value of the setting.
func (s *Setting) Check(value string) error {
	v, err := s.parse(value)
	if err != nil {
		return err
	}
	c := Default()
	return s.set(&layer{&c, map[*int]bool{}}, v)
}

// parse turns text into a value of the setting's kind.
func (s *Setting) parse(value string) (any, error) {
	var v any = value
	var err error
	switch s.kind {
	case integer:
		v, err = strconv.ParseInt(value, 10, 64)
	case number:
		v, err = strconv.ParseFloat(value, 64)
	case boolean:
		v, err = strconv.ParseBool(value)
	}
	if err != nil {
		return nil, fmt.Errorf("wants %s, found %q", s.kind, value)
	}
	return v, nil
}

// entry is one leaf of a YAML file.
type entry struct {
	key  string
	node ast.Node
}

// file applies a YAML file. Its errors start with path:line:column.
func (c *Config) file(path string, text []byte) ([]string, error) {
	f, err := parser.ParseBytes(text, 0)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if len(f.Docs) > 1 {
		return nil, fmt.Errorf("%s: %d documents in one file; one is wanted", path, len(f.Docs))
	}
	var entries []entry
	for _, doc := range f.Docs {
		if entries, err = leaves(nil, "", doc.Body); err != nil {
			return nil, fmt.Errorf("%s:%w", path, err)
		}
	}
	byKey := map[string]ast.Node{}
	var warnings []string
	for _, e := range entries {
		at := fmt.Sprintf("%s:%s: %s", path, position(e.node), e.key)
		if _, twice := byKey[e.key]; twice {
			return warnings, fmt.Errorf("%s: given twice", at)
		}
		byKey[e.key] = e.node
		switch s := find(e.key); {
		case s == nil:
			warnings = append(warnings, at+": unknown key, ignored")
		case s.Ignored != "":
			warnings = append(warnings, at+": has no meaning here: "+s.Ignored)
		}
	}
	l := &layer{c, map[*int]bool{}}
	for _, s := range Settings {
		node, ok := byKey[s.Key]
		if !ok || s.Ignored != "" {
			continue
		}
		v, err := scalar(node, s.kind)
		if err == nil && v != nil {
			err = s.set(l, v)
		}
		if err != nil {
			return warnings, fmt.Errorf("%s:%s: %s: %w", path, position(node), s.Key, err)
		}
	}
	return warnings, nil
}

func find(key string) *Setting {
	for _, s := range Settings {
		if s.Key == key {
			return s
		}
	}
	return nil
}

// section says whether some setting lies under the key.
func section(key string) bool {
	for _, s := range Settings {
		if strings.HasPrefix(s.Key, key+".") {
			return true
		}
	}
	return false
}

// leaves lists the entries of a mapping and of the mappings in it. What lies
// under an unknown key is one entry.
func leaves(to []entry, key string, node ast.Node) ([]entry, error) {
	switch n := unwrap(node).(type) {
	case nil, *ast.NullNode, *ast.CommentGroupNode:
		return to, nil
	case *ast.MappingNode:
		if key != "" && !section(key) {
			return append(to, entry{key, node}), nil
		}
		for _, v := range n.Values {
			var err error
			if to, err = leaves(to, join(key, v.Key.String()), v.Value); err != nil {
				return nil, err
			}
		}
		return to, nil
	case *ast.MappingValueNode:
		if key != "" && !section(key) {
			return append(to, entry{key, node}), nil
		}
		return leaves(to, join(key, n.Key.String()), n.Value)
	default:
		if key == "" || section(key) {
			what := "the file"
			if key != "" {
				what = key
			}
			return nil, fmt.Errorf("%s: %s wants a mapping, found %s", position(node), what, describe(n))
		}
		return append(to, entry{key, node}), nil
	}
}

func join(key, name string) string {
	name = strings.Trim(name, `"'`)
	if key == "" {
		return name
	}
	return key + "." + name
}

// unwrap takes tags and anchors off a node.
func unwrap(n ast.Node) ast.Node {
	for {
		switch t := n.(type) {
		case *ast.TagNode:
			n = t.Value
		case *ast.AnchorNode:
			n = t.Value
		default:
			return n
		}
	}
}

var errType = errors.New("wrong type")

// scalar returns the node's value as the kind's Go type (int64, float64, bool,
// string), or nil for null.
func scalar(node ast.Node, k kind) (any, error) {
	wrong := fmt.Errorf("%w: wants %s, found %s", errType, k, describe(unwrap(node)))
	var v any
	switch n := unwrap(node).(type) {
	case *ast.NullNode:
		return nil, nil
	case *ast.IntegerNode:
		switch i := n.Value.(type) {
		case int64:
			v = i
		case uint64:
			if i > math.MaxInt64 {
				return nil, fmt.Errorf("%d is out of range", i)
			}
			v = int64(i)
		}
		if i, ok := v.(int64); ok && k == number {
			return float64(i), nil
		}
		if k != integer {
			return nil, wrong
		}
	case *ast.FloatNode:
		if v = n.Value; k != number {
			return nil, wrong
		}
	case *ast.BoolNode:
		if v = n.Value; k != boolean {
			return nil, wrong
		}
	case *ast.StringNode:
		if v = n.Value; k != text {
			return nil, wrong
		}
	case *ast.LiteralNode:
		if v = n.Value.Value; k != text {
			return nil, wrong
		}
	default:
		return nil, wrong
	}
	return v, nil
}

// describe says what a node is, in a person's words.
func describe(n ast.Node) string {
	switch n := n.(type) {
	case *ast.IntegerNode:
		return "the integer " + n.String()
	case *ast.FloatNode:
		return "the number " + n.String()
	case *ast.BoolNode:
		return "the boolean " + n.String()
	case *ast.StringNode:
		return fmt.Sprintf("the text %q", n.Value)
	case *ast.LiteralNode:
		return "a text"
	case *ast.SequenceNode:
		return "a list"
	case *ast.MappingNode, *ast.MappingValueNode:
		return "a mapping"
	case *ast.AliasNode:
		return "an alias, which is not supported here"
	}
	return "something else"
}

// position is line:column of a node.
func position(n ast.Node) string {
	if t := n.GetToken(); t != nil && t.Position != nil {
		return fmt.Sprintf("%d:%d", t.Position.Line, t.Position.Column)
	}
	return "1:1"
}
