package jinja

import (
	"strings"
)

// node is a statement, expr an expression. Both can print themselves: what is
// printed parses to the same tree.
type node interface{ print(b *strings.Builder) }

type expr interface {
	print(b *strings.Builder)
	where() pos
}

func (p pos) where() pos { return p }

// The statements.
type (
	textNode   struct{ s string }
	outputNode struct{ e expr }
	ifNode     struct {
		tests  []expr // one more body than tests: an else
		bodies [][]node
	}
	forNode struct {
		pos
		target     target
		iter, test expr // test may be nil
		body, rest []node
	}
	setNode struct {
		pos
		target target
		value  expr // nil: body
		body   []node
		filter []*filterExpr // of the body
	}
	macroNode struct {
		pos
		name   string // "": the body of a call block
		params []param
		body   []node
	}
	callNode struct { // {% call f() %}
		pos
		macro *macroNode
		call  *callExpr
	}
	filterNode struct {
		filters []*filterExpr
		body    []node
	}
	withNode struct {
		names  []target
		values []expr
		body   []node
	}
	scopeNode struct{ body []node } // {% generation %}
	loopNode  struct{ next bool }   // break, or continue
)

type param struct {
	name string
	def  expr // nil: undefined
}

// target is what is assigned to: names, or one attribute of a namespace.
type target struct {
	names []string // more than one: unpacked
	attr  string   // names[0].attr
	tuple bool
}

// The expressions.
type (
	constExpr struct {
		pos
		v any
	}
	nameExpr struct {
		pos
		name string
	}
	listExpr struct {
		pos
		items []expr
		tuple bool
	}
	dictExpr struct {
		pos
		keys, values []expr
	}
	unaryExpr struct {
		pos
		op string // "not", "-", "+"
		e  expr
	}
	binaryExpr struct {
		pos
		op   string
		l, r expr
	}
	compareExpr struct { // a < b < c
		pos
		first expr
		ops   []string
		rest  []expr
	}
	condExpr struct {
		pos
		then, test, other expr // other may be nil
	}
	attrExpr struct {
		pos
		e    expr
		name string
	}
	indexExpr struct {
		pos
		e, i expr
	}
	sliceExpr struct {
		pos
		e            expr
		lo, hi, step expr // each may be nil
	}
	callExpr struct {
		pos
		f expr
		args
	}
	filterExpr struct {
		pos
		e    expr // nil in filter blocks
		name string
		args
	}
	testExpr struct {
		pos
		e    expr
		name string
		not  bool
		args
	}
)

type args struct {
	list  []expr
	names []string // of the keyword arguments
	named []expr
}
