package jinja

import (
	"fmt"
)

// iterate is the items that a loop over v takes.
func (e *exec) iterate(p pos, v any) []any {
	var items []any
	switch v := v.(type) {
	case *List:
		items = v.items
	case *Dict:
		items = v.keys
	case undefined:
	case Text:
		for _, c := range v.chars() {
			items = append(items, c)
		}
	default:
		e.fail(p, "%q object is not iterable", typeName(v))
	}
	e.step(len(items) / 8)
	return items
}

// attr is v.name: an attribute if there is one, or else an item.
func (e *exec) attr(p pos, v any, name string) any {
	switch v := v.(type) {
	case undefined:
		e.fail(p, "%s", v.what)
	case *loopVar:
		if x, ok := v.attr(name); ok {
			return x
		}
	case *namespace:
		if x, ok := v.vars.Get(name); ok {
			return x
		}
	case Text:
		if m, ok := strMethods[name]; ok {
			return bind(name, v, m)
		}
	case *List:
		if m, ok := listMethods[name]; ok && !v.lazy {
			return bind(name, v, m)
		}
	case *Dict:
		if m, ok := dictMethods[name]; ok {
			return bind(name, v, m)
		}
		if x, ok := v.Get(name); ok {
			return x
		}
	}
	return undefined{fmt.Sprintf("%q has no attribute %q", typeName(v), name)}
}

// bind makes a method a function.
func bind[T any](name string, v T, m func(e *exec, p pos, v T, a *callArgs) any) *function {
	return &function{name, func(e *exec, p pos, a *callArgs) any { return m(e, p, v, a) }}
}

// index is v[i]: an item if there is one, or else an attribute.
func (e *exec) index(p pos, v, i any) any {
	at := func(n int) (int, bool) {
		k, _, isInt, ok := number(i)
		if !ok || !isInt {
			return 0, false
		}
		if k < 0 {
			k += int64(n)
		}
		return int(k), k >= 0 && k < int64(n)
	}
	switch v := v.(type) {
	case undefined:
		e.fail(p, "%s", v.what)
	case *List:
		if k, ok := at(len(v.items)); ok && !v.lazy {
			return v.items[k]
		}
	case Text:
		if v.ascii() {
			if k, ok := at(len(v.s)); ok {
				return v.slice(k, k+1)
			}
		} else if k, ok := at(v.length()); ok {
			return v.chars()[k]
		}
	case *Dict:
		if k := v.find(i); k >= 0 {
			return v.values[k]
		}
	}
	if name, ok := i.(Text); ok {
		return e.attr(p, v, name.s)
	}
	return undefined{fmt.Sprintf("%q object has no element %s", typeName(v), repr(i))}
}

func (e *exec) slice(x *sliceExpr, s *scope) any {
	v := e.eval(x.e, s)
	part := func(y expr) (int64, bool) {
		if y == nil {
			return 0, false
		}
		switch n := e.eval(y, s).(type) {
		case nil:
			return 0, false
		case int64:
			return n, true
		case undefined:
			e.fail(x.pos, "%s", n.what)
		}
		e.fail(x.pos, "slice indices must be integers or None")
		return 0, false
	}
	lo, hasLo := part(x.lo)
	hi, hasHi := part(x.hi)
	step, hasStep := part(x.step)
	if !hasStep {
		step = 1
	}
	if step == 0 {
		e.fail(x.pos, "slice step cannot be zero")
	}
	var chars []Text
	n := 0
	l, isList := v.(*List)
	t, isText := v.(Text)
	switch {
	case isList && !l.lazy:
		n = len(l.items)
	case isText && t.ascii():
		n = len(t.s)
	case isText:
		chars = t.chars()
		n = len(chars)
	default:
		if u, ok := v.(undefined); ok {
			e.fail(x.pos, "%s", u.what)
		}
		e.fail(x.pos, "%q object cannot be sliced", typeName(v))
	}
	from, to := bounds(int64(n), lo, hasLo, hi, hasHi, step)
	e.step(n / 8)
	if isText && step == 1 {
		to = max(from, to)
		e.made(int(to - from))
		if chars == nil {
			return t.slice(int(from), int(to))
		}
		return concat(chars[from:to]...)
	}
	out := &List{}
	var b builder
	for i := from; step > 0 && i < to || step < 0 && i > to; i += step {
		switch {
		case isList:
			out.items = append(out.items, l.items[i])
		case chars == nil:
			b.add(t.slice(int(i), int(i+1)))
		default:
			b.add(chars[i])
		}
	}
	if isText {
		return b.text()
	}
	out.tuple = l.tuple
	return out
}

// bounds are Python's rules for the ends of a slice of n elements.
func bounds(n, lo int64, hasLo bool, hi int64, hasHi bool, step int64) (from, to int64) {
	least, most := int64(0), n
	if step < 0 {
		least, most = -1, n-1
	}
	clip := func(i int64, has bool, absent int64) int64 {
		if !has {
			return absent
		}
		if i < 0 {
			i += n
		}
		return max(least, min(i, most))
	}
	if step < 0 {
		return clip(lo, hasLo, n-1), clip(hi, hasHi, -1)
	}
	return clip(lo, hasLo, 0), clip(hi, hasHi, n)
}
