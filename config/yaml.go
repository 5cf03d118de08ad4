package config

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// file applies a YAML file. Its errors start with path:line:column.
func (c *Config) file(path string, text []byte) ([]string, error) {
	root, err := parseYAML(text)
	if err != nil {
		return nil, fmt.Errorf("%s:%w", path, err)
	}
	tree := &tree{anchors: anchorsOf(root), used: map[*ast.AnchorNode]bool{}}
	entries, err := tree.leaves(nil, "", root)
	if err != nil {
		return nil, fmt.Errorf("%s:%w", path, err)
	}
	byKey := map[string]ast.Node{}
	var warnings []string
	for _, e := range entries {
		at := fmt.Sprintf("%s:%s: %s", path, position(e.node), e.key)
		if _, twice := byKey[e.key]; twice {
			return warnings, fmt.Errorf("%s: given twice", at)
		}
		byKey[e.key] = e.node
		anchor, _ := e.node.(*ast.AnchorNode)
		switch s := find(e.key); {
		case s == nil && anchor != nil && tree.used[anchor]: // there for others to use
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
		value, err := tree.resolve(node)
		if err != nil {
			return warnings, fmt.Errorf("%s:%w", path, err)
		}
		v, err := s.scalar(value)
		if err == nil && v != nil {
			err = s.set(l, v)
		}
		if err != nil {
			return warnings, fmt.Errorf("%s:%s: %s: %w", path, position(node), s.Key, err)
		}
	}
	return warnings, nil
}

// parseYAML reads the one document of a file; nil when it is empty. Its errors
// start with line:column.
func parseYAML(text []byte) (ast.Node, error) {
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	if start := text[:min(len(text), 4)]; bytes.HasPrefix(start, []byte("\xff\xfe")) || bytes.HasPrefix(start, []byte("\xfe\xff")) || bytes.IndexByte(start, 0) >= 0 {
		return nil, errors.New("1:1: the file is in UTF-16 or UTF-32: save it as UTF-8")
	}
	for i, line := range bytes.Split(text, []byte("\n")) {
		if !utf8.Valid(line) || bytes.IndexByte(line, 0) >= 0 {
			return nil, fmt.Errorf("%d:1: the line is not UTF-8 text", i+1)
		}
	}
	f, err := parser.ParseBytes(text, 0)
	if err != nil {
		return nil, syntaxError(err, text)
	}
	if len(f.Docs) == 0 {
		return nil, nil
	}
	root := f.Docs[0].Body
	for _, doc := range f.Docs[1:] {
		if _, directive := root.(*ast.DirectiveNode); !directive {
			return nil, fmt.Errorf("%s: %d documents in one file; one is wanted", position(doc.Body), len(f.Docs))
		}
		root = doc.Body
	}
	return root, nil
}

// syntaxError is the parser's error in one line, with advice on what people
// meet most.
func syntaxError(err error, text []byte) error {
	var syntax interface {
		GetMessage() string
		GetToken() *token.Token
	}
	if !errors.As(err, &syntax) || syntax.GetToken() == nil {
		return fmt.Errorf("1:1: %w", err)
	}
	at := syntax.GetToken().Position
	message := syntax.GetMessage()
	var line []byte
	if lines := bytes.Split(text, []byte("\n")); at.Line >= 1 && at.Line <= len(lines) {
		line = lines[at.Line-1]
	}
	indent := line[:len(line)-len(bytes.TrimLeft(line, " \t"))]
	switch {
	case bytes.IndexByte(indent, '\t') >= 0:
		message = "the line is indented with a tab: YAML takes spaces alone"
	case bytes.Contains(line, []byte("[:")):
		message += ": an IPv6 address in brackets wants quotes"
	}
	return fmt.Errorf("%d:%d: %s", at.Line, at.Column, message)
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

// scalar returns the node's value as the setting's Go type (int64, float64,
// bool, string), or nil for null.
func (s *Setting) scalar(node ast.Node) (any, error) {
	wrong := fmt.Errorf("%w: wants %s, found %s", errType, s.kind, describe(node))
	switch n := node.(type) {
	case *ast.NullNode:
		if n.Token.Type == token.ImplicitNullType {
			return nil, ErrEmpty
		}
		return nil, nil // null and ~ say that it is not set
	case *ast.IntegerNode:
		return s.integerNode(n, wrong)
	case *ast.FloatNode:
		if s.kind == number {
			return n.Value, nil
		}
		if x, err := whole(n.Value); err == nil && s.kind == integer {
			return x, nil
		}
	case *ast.BoolNode:
		if s.kind == boolean {
			return n.Value, nil
		}
	case *ast.StringNode:
		plain := n.Token.Type == token.StringType
		// The parser takes 1e3 and 1e-1 for texts.
		if s.kind == text || strings.TrimSpace(n.Value) == "" || plain && s.kind != boolean {
			if v, err := s.parse(n.Value); err == nil || errors.Is(err, ErrEmpty) {
				return v, err
			}
		}
	case *ast.LiteralNode:
		if s.kind == text {
			return s.parse(n.Value.Value)
		}
	case *ast.SequenceNode:
		if ip := bracketed(n); ip != "" && s.kind == text {
			return ip, nil
		}
	}
	return nil, wrong
}

func (s *Setting) integerNode(n *ast.IntegerNode, wrong error) (any, error) {
	var i int64
	switch v := n.Value.(type) {
	case int64:
		i = v
	case uint64:
		if v > math.MaxInt64 {
			return nil, fmt.Errorf("%d is out of range", v)
		}
		i = int64(v)
	}
	switch s.kind {
	case integer:
		return i, nil
	case number:
		return float64(i), nil
	}
	return nil, wrong
}

// bracketed is an IPv6 address as people write it in an address, [::1], which
// YAML takes for a list; "" for other lists.
func bracketed(n *ast.SequenceNode) string {
	if len(n.Values) != 1 {
		return ""
	}
	s, ok := n.Values[0].(*ast.StringNode)
	if !ok {
		return ""
	}
	if ip, err := netip.ParseAddr(s.Value); err != nil || !ip.Is6() {
		return ""
	}
	return "[" + s.Value + "]"
}

var errType = errors.New("wrong type")

// describe says what a node is, in a person's words.
func describe(n ast.Node) string {
	switch n := n.(type) {
	case *ast.IntegerNode:
		return "the integer " + n.String()
	case *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
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
	}
	return "something else"
}

// position is line:column of a node.
func position(n ast.Node) string {
	if n != nil {
		if t := n.GetToken(); t != nil && t.Position != nil {
			return fmt.Sprintf("%d:%d", t.Position.Line, t.Position.Column)
		}
	}
	return "1:1"
}
