package jinja

import (
	"fmt"
)

// callArgs are the arguments of a call.
type callArgs struct {
	list  []any
	names []string
	named []any
}

// at is a positional argument, nil where there is none.
func (a *callArgs) at(i int) any {
	if i < len(a.list) {
		return a.list[i]
	}
	return nil
}

// get is the argument at position i or called name.
func (a *callArgs) get(i int, name string) (any, bool) {
	if i >= 0 && i < len(a.list) {
		return a.list[i], true
	}
	for j, n := range a.names {
		if n == name {
			return a.named[j], true
		}
	}
	return nil, false
}

func (e *exec) args(a *args, s *scope) *callArgs {
	c := &callArgs{}
	if len(a.list) > 0 {
		c.list = make([]any, len(a.list))
		for i, x := range a.list {
			c.list[i] = e.eval(x, s)
		}
	}
	if len(a.named) > 0 {
		c.names = a.names[:len(a.names):len(a.names)]
		c.named = make([]any, len(a.named))
		for i, x := range a.named {
			c.named[i] = e.eval(x, s)
		}
	}
	return c
}

func (e *exec) eval(x expr, s *scope) any {
	e.step(1)
	switch x := x.(type) {
	case *constExpr:
		return x.v
	case *nameExpr:
		if v, ok := s.get(x.name); ok {
			return v
		}
		if f, ok := globals[x.name]; ok {
			return f
		}
		return undefined{fmt.Sprintf("%q is undefined", x.name)}
	case *listExpr:
		l := &List{items: make([]any, len(x.items)), tuple: x.tuple}
		for i, item := range x.items {
			l.items[i] = e.eval(item, s)
		}
		return l
	case *dictExpr:
		d := &Dict{}
		for i, k := range x.keys {
			key := e.eval(k, s)
			if hashKey(key) == "" {
				e.fail(k.where(), "unhashable type: %q", typeName(key))
			}
			d.Set(key, e.eval(x.values[i], s))
		}
		return d
	case *unaryExpr:
		return e.unary(x, e.eval(x.e, s))
	case *binaryExpr:
		return e.binary(x, s)
	case *compareExpr:
		left := e.eval(x.first, s)
		for i, op := range x.ops {
			right := e.eval(x.rest[i], s)
			if !e.compare(x.pos, op, left, right) {
				return false
			}
			left = right
		}
		return true
	case *condExpr:
		switch {
		case truth(e.eval(x.test, s)):
			return e.eval(x.then, s)
		case x.other != nil:
			return e.eval(x.other, s)
		}
		return undefined{"the inline if-expression evaluated to false and no else section was defined"}
	case *attrExpr:
		return e.attr(x.pos, e.eval(x.e, s), x.name)
	case *indexExpr:
		return e.index(x.pos, e.eval(x.e, s), e.eval(x.i, s))
	case *sliceExpr:
		return e.slice(x, s)
	case *callExpr:
		f := e.eval(x.f, s)
		return e.call(x.pos, f, e.args(&x.args, s))
	case *filterExpr:
		return e.filter(x, e.eval(x.e, s), s)
	case *testExpr:
		return e.test(x, s)
	}
	panic("an expression of no kind")
}

func (e *exec) call(p pos, f any, a *callArgs) any {
	switch f := f.(type) {
	case *function:
		return f.call(e, p, a)
	case undefined:
		e.fail(p, "%s", f.what)
	}
	e.fail(p, "%q object is not callable", typeName(f))
	return nil
}

func (e *exec) filter(x *filterExpr, v any, s *scope) any {
	return e.filterNamed(x.pos, x.name)(e, x.pos, v, e.args(&x.args, s))
}

func (e *exec) test(x *testExpr, s *scope) any {
	v := e.eval(x.e, s)
	return e.testNamed(x.pos, x.name)(e, x.pos, v, e.args(&x.args, s)) != x.not
}
