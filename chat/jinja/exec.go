package jinja

import (
	"fmt"
	"time"
)

// exec is one run of a template.
type exec struct {
	limits   Limits
	deadline time.Time
	now      func() time.Time
	steps    int
	bytes    int
	depth    int
}

// scope is the variables of a block; what it lacks is looked for in up.
type scope struct {
	vars map[string]any
	up   *scope
}

func (s *scope) get(name string) (any, bool) {
	for ; s != nil; s = s.up {
		if v, ok := s.vars[name]; ok {
			return v, true
		}
	}
	return nil, false
}

func (s *scope) set(name string, v any) {
	if s.vars == nil {
		s.vars = make(map[string]any, 4)
	}
	s.vars[name] = v
}

// control says how a body ended.
type control uint8

const (
	through control = iota
	broken
	continued
)

func (e *exec) fail(p pos, format string, args ...any) {
	panic(&Error{Line: p.line, Column: p.col, Message: fmt.Sprintf(format, args...)})
}

func (e *exec) limit(p pos, format string, args ...any) {
	panic(&Error{Line: p.line, Column: p.col, Message: fmt.Sprintf(format, args...), Limit: true})
}

// catch turns the panic of fail into an error.
func (e *exec) catch(err *error) {
	if cause := recover(); cause != nil {
		x, ok := cause.(*Error)
		if !ok {
			panic(cause)
		}
		*err = x
	}
}

// step counts a node, or n of them.
func (e *exec) step(n int) {
	before := e.steps
	e.steps += n
	if e.steps > e.limits.Steps {
		e.limit(pos{}, "it takes more than %d steps", e.limits.Steps)
	}
	if before>>10 != e.steps>>10 && time.Now().After(e.deadline) {
		e.limit(pos{}, "it takes longer than %v", e.limits.Time)
	}
}

// made counts text that an operation has made or is about to make.
func (e *exec) made(bytes int) {
	e.bytes += bytes
	if e.bytes > e.limits.Bytes {
		e.limit(pos{}, "it makes more than %d bytes of text", e.limits.Bytes)
	}
}

func (e *exec) enter(p pos) {
	if e.depth++; e.depth > e.limits.Depth {
		e.limit(p, "calls are nested more than %d deep", e.limits.Depth)
	}
}

func (e *exec) body(body []node, s *scope, out *builder) control {
	for _, n := range body {
		e.step(1)
		if c := e.node(n, s, out); c != through {
			return c
		}
	}
	return through
}

func (e *exec) node(n node, s *scope, out *builder) control {
	switch n := n.(type) {
	case *textNode:
		e.made(len(n.s))
		out.write(n.s, false)
	case *outputNode:
		t := str(e.eval(n.e, s))
		e.made(len(t.s))
		out.add(t)
	case *ifNode:
		for i, test := range n.tests {
			if truth(e.eval(test, s)) {
				return e.body(n.bodies[i], s, out)
			}
		}
		if len(n.bodies) > len(n.tests) {
			return e.body(n.bodies[len(n.tests)], s, out)
		}
	case *forNode:
		return e.loop(n, s, out)
	case *setNode:
		e.set(n, s)
	case *macroNode:
		s.set(n.name, e.macro(n, s))
	case *callNode:
		f := e.eval(n.call.f, s)
		a := e.args(&n.call.args, s)
		a.names, a.named = append(a.names, "caller"), append(a.named, e.macro(n.macro, s))
		t := str(e.call(n.pos, f, a))
		e.made(len(t.s))
		out.add(t)
	case *filterNode:
		var inner builder
		c := e.body(n.body, &scope{up: s}, &inner)
		var v any = inner.text()
		for _, f := range n.filters {
			v = e.filter(f, v, s)
		}
		out.add(str(v))
		return c
	case *withNode:
		inner := &scope{up: s}
		for i, name := range n.names {
			inner.set(name.names[0], e.eval(n.values[i], s))
		}
		return e.body(n.body, inner, out)
	case *scopeNode:
		return e.body(n.body, s, out)
	case *loopNode:
		if n.next {
			return continued
		}
		return broken
	}
	return through
}

func (e *exec) set(n *setNode, s *scope) {
	var v any
	if n.value != nil {
		v = e.eval(n.value, s)
	} else {
		var inner builder
		e.body(n.body, &scope{up: s}, &inner)
		v = inner.text()
		for _, f := range n.filter {
			v = e.filter(f, v, s)
		}
	}
	if n.target.attr != "" {
		o, _ := s.get(n.target.names[0])
		ns, ok := o.(*namespace)
		if !ok {
			e.fail(n.pos, "cannot assign attribute on non-namespace object")
		}
		ns.vars.Set(Trusted(n.target.attr), v)
		return
	}
	e.assign(n.pos, n.target, v, s)
}

func (e *exec) assign(p pos, t target, v any, s *scope) {
	if !t.tuple {
		s.set(t.names[0], v)
		return
	}
	items := e.iterate(p, v)
	if len(items) != len(t.names) {
		e.fail(p, "%d values cannot be unpacked into %d names", len(items), len(t.names))
	}
	for i, name := range t.names {
		s.set(name, items[i])
	}
}

func (e *exec) loop(n *forNode, s *scope, out *builder) control {
	items := e.iterate(n.pos, e.eval(n.iter, s))
	if n.test != nil {
		kept := make([]any, 0, len(items))
		for _, item := range items {
			inner := &scope{up: s}
			e.assign(n.pos, n.target, item, inner)
			e.step(1)
			if truth(e.eval(n.test, inner)) {
				kept = append(kept, item)
			}
		}
		items = kept
	}
	if len(items) == 0 {
		return e.body(n.rest, &scope{up: s}, out)
	}
	l := &loopVar{items: items}
	for i, item := range items {
		l.i = i
		e.step(1)
		inner := &scope{up: s, vars: make(map[string]any, 4)}
		inner.vars["loop"] = l
		e.assign(n.pos, n.target, item, inner)
		if e.body(n.body, inner, out) == broken {
			break
		}
	}
	return through
}

// loopVar is the variable loop.
type loopVar struct {
	items []any
	i     int
	last  any // of changed
	asked bool
}

func (l *loopVar) attr(name string) (any, bool) {
	n := len(l.items)
	switch name {
	case "index":
		return int64(l.i + 1), true
	case "index0":
		return int64(l.i), true
	case "revindex":
		return int64(n - l.i), true
	case "revindex0":
		return int64(n - l.i - 1), true
	case "first":
		return l.i == 0, true
	case "last":
		return l.i == n-1, true
	case "length":
		return int64(n), true
	case "depth":
		return int64(1), true
	case "depth0":
		return int64(0), true
	case "previtem":
		if l.i == 0 {
			return undefined{"there is no previous item"}, true
		}
		return l.items[l.i-1], true
	case "nextitem":
		if l.i == n-1 {
			return undefined{"there is no next item"}, true
		}
		return l.items[l.i+1], true
	case "cycle":
		return &function{"cycle", func(e *exec, p pos, a *callArgs) any {
			if len(a.list) == 0 {
				e.fail(p, "no items for cycling given")
			}
			return a.list[l.i%len(a.list)]
		}}, true
	case "changed":
		return &function{"changed", func(_ *exec, _ pos, a *callArgs) any {
			v := &List{items: a.list, tuple: true}
			same := l.asked && equal(l.last, v)
			l.last, l.asked = v, true
			return !same
		}}, true
	}
	return nil, false
}

// macro makes the function that a macro defines. It sees the variables around
// its definition.
func (e *exec) macro(n *macroNode, around *scope) *function {
	return &function{n.name, func(e *exec, p pos, a *callArgs) any {
		e.enter(p)
		defer func() { e.depth-- }()
		inner := &scope{up: around, vars: make(map[string]any, len(n.params)+2)}
		if len(a.list) > len(n.params) {
			inner.vars["varargs"] = &List{items: a.list[len(n.params):], tuple: true}
		}
		used := make([]bool, len(a.names))
		for i, param := range n.params {
			v, ok := a.at(i), i < len(a.list)
			for j, name := range a.names {
				if name == param.name {
					if ok {
						e.fail(p, "macro %q got two values for %q", n.name, param.name)
					}
					v, ok, used[j] = a.named[j], true, true
				}
			}
			switch {
			case ok:
			case param.def != nil:
				v = e.eval(param.def, inner)
			default:
				v = undefined{fmt.Sprintf("parameter %q was not provided", param.name)}
			}
			inner.vars[param.name] = v
		}
		rest := &Dict{}
		for j, name := range a.names {
			switch {
			case used[j]:
			case name == "caller":
				inner.vars["caller"] = a.named[j]
			default:
				rest.Set(Trusted(name), a.named[j])
			}
		}
		inner.vars["kwargs"] = rest
		var out builder
		e.body(n.body, inner, &out)
		return out.text()
	}}
}
