package config

import (
	"fmt"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// tree reads the mappings of a YAML document, with its aliases and merge keys
// replaced by what they stand for.
type tree struct {
	anchors []*ast.AnchorNode // in the order of the document
	used    map[*ast.AnchorNode]bool
	steps   int
}

// maxSteps bounds the reading of a document whose aliases multiply, or go in
// a circle.
const maxSteps = 10000

// entry is one leaf of a YAML file.
type entry struct {
	key  string
	node ast.Node
}

// leaves lists the entries of a mapping and of the mappings in it. What lies
// under an unknown key is one entry.
func (t *tree) leaves(to []entry, key string, node ast.Node) ([]entry, error) {
	value, err := t.resolve(node)
	if err != nil {
		return nil, err
	}
	switch n := value.(type) {
	case nil, *ast.CommentGroupNode:
		return to, nil
	case *ast.NullNode:
		if key == "" || section(key) {
			return to, nil // nothing in it
		}
	case *ast.MappingNode, *ast.MappingValueNode:
		if key != "" && !section(key) {
			break
		}
		pairs, err := t.pairs(n)
		if err != nil {
			return nil, err
		}
		for _, p := range pairs {
			if to, err = t.leaves(to, join(key, p.key), p.value); err != nil {
				return nil, err
			}
		}
		return to, nil
	default:
		if key == "" || section(key) {
			what := "the file"
			if key != "" {
				what = key
			}
			return nil, fmt.Errorf("%s: %s wants a mapping, found %s", position(node), what, describe(n))
		}
	}
	return append(to, entry{key, node}), nil
}

// pair is one entry of a mapping.
type pair struct {
	key   string
	value ast.Node
}

// pairs lists a mapping's own pairs, then those of the mappings that it merges
// (<<) whose keys are new.
func (t *tree) pairs(mapping ast.Node) ([]pair, error) {
	var values []*ast.MappingValueNode
	switch n := mapping.(type) {
	case *ast.MappingNode:
		values = n.Values
	case *ast.MappingValueNode:
		values = []*ast.MappingValueNode{n}
	default:
		return nil, fmt.Errorf("%s: << wants a mapping or a list of them, found %s", position(mapping), describe(mapping))
	}
	var own, merged []pair
	has := map[string]bool{}
	for _, v := range values {
		if _, merge := v.Key.(*ast.MergeKeyNode); !merge {
			key := strings.Trim(v.Key.String(), `"'`)
			own = append(own, pair{key, v.Value})
			has[key] = true
			continue
		}
		more, err := t.merge(v.Value)
		if err != nil {
			return nil, err
		}
		merged = append(merged, more...)
	}
	for _, p := range merged {
		if !has[p.key] {
			own = append(own, p)
			has[p.key] = true
		}
	}
	return own, nil
}

// merge lists the pairs of what a merge key names: a mapping, or several.
func (t *tree) merge(node ast.Node) ([]pair, error) {
	value, err := t.resolve(node)
	if err != nil {
		return nil, err
	}
	list, ok := value.(*ast.SequenceNode)
	if !ok {
		return t.pairs(value)
	}
	var all []pair
	for _, item := range list.Values {
		value, err := t.resolve(item)
		if err != nil {
			return nil, err
		}
		pairs, err := t.pairs(value)
		if err != nil {
			return nil, err
		}
		all = append(all, pairs...)
	}
	return all, nil
}

// resolve takes tags and anchors off a node, and follows aliases.
func (t *tree) resolve(n ast.Node) (ast.Node, error) {
	for {
		if t.steps++; t.steps > maxSteps {
			return nil, fmt.Errorf("%s: the aliases of the file multiply, or go in a circle", position(n))
		}
		switch x := n.(type) {
		case *ast.TagNode:
			n = x.Value
		case *ast.AnchorNode:
			n = x.Value
		case *ast.AliasNode:
			anchor := t.anchor(x)
			if anchor == nil {
				return nil, fmt.Errorf("%s: %s is an alias of an anchor that is not before it", position(n), x)
			}
			t.used[anchor] = true
			n = anchor.Value
		default:
			return n, nil
		}
	}
}

// anchor is the last of the alias's name before it.
func (t *tree) anchor(alias *ast.AliasNode) *ast.AnchorNode {
	var last *ast.AnchorNode
	for _, a := range t.anchors {
		if a.Name.String() == alias.Value.String() && a.GetToken().Position.Offset < alias.GetToken().Position.Offset {
			last = a
		}
	}
	return last
}

type anchorVisitor struct{ anchors *[]*ast.AnchorNode }

func (v anchorVisitor) Visit(n ast.Node) ast.Visitor {
	if a, ok := n.(*ast.AnchorNode); ok {
		*v.anchors = append(*v.anchors, a)
	}
	return v
}

// anchorsOf lists the anchors under a node, in the order of the document.
func anchorsOf(root ast.Node) []*ast.AnchorNode {
	var anchors []*ast.AnchorNode
	if root != nil {
		ast.Walk(anchorVisitor{&anchors}, root)
	}
	return anchors
}

func join(key, name string) string {
	if key == "" {
		return name
	}
	return key + "." + name
}
