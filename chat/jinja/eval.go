package jinja

import (
	"fmt"
	"math"
	"strings"
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

func (e *exec) unary(x *unaryExpr, v any) any {
	if x.op == "not" {
		return !truth(v)
	}
	i, f, isInt, ok := number(v)
	switch {
	case !ok:
		e.fail(x.pos, "bad operand type for unary %s: %q", x.op, typeName(v))
	case x.op == "+" && isInt:
		return i
	case x.op == "+":
		return f
	case isInt:
		return -i
	}
	return -f
}

func (e *exec) binary(x *binaryExpr, s *scope) any {
	l := e.eval(x.l, s)
	switch x.op {
	case "or":
		if truth(l) {
			return l
		}
		return e.eval(x.r, s)
	case "and":
		if !truth(l) {
			return l
		}
		return e.eval(x.r, s)
	}
	r := e.eval(x.r, s)
	if x.op == "~" {
		return e.concat(str(l), str(r))
	}
	if u, ok := l.(undefined); ok {
		e.fail(x.pos, "%s", u.what)
	}
	if u, ok := r.(undefined); ok {
		e.fail(x.pos, "%s", u.what)
	}
	if v, ok := e.sequences(x, l, r); ok {
		return v
	}
	i, f, int1, ok1 := number(l)
	j, g, int2, ok2 := number(r)
	if !ok1 || !ok2 {
		e.fail(x.pos, "unsupported operand types for %s: %q and %q", x.op, typeName(l), typeName(r))
	}
	if int1 && int2 && x.op != "/" {
		return e.integers(x, i, j)
	}
	switch x.op {
	case "+":
		return f + g
	case "-":
		return f - g
	case "*":
		return f * g
	case "**":
		return math.Pow(f, g)
	}
	if g == 0 {
		e.fail(x.pos, "division by zero")
	}
	switch x.op {
	case "/":
		return f / g
	case "//":
		return math.Floor(f / g)
	}
	m := math.Mod(f, g)
	if m != 0 && (m < 0) != (g < 0) {
		m += g
	}
	return m
}

func (e *exec) concat(ts ...Text) Text {
	n := 0
	for _, t := range ts {
		n += len(t.s)
	}
	e.made(n)
	return concat(ts...)
}

// sequences are the operators on strings and lists.
func (e *exec) sequences(x *binaryExpr, l, r any) (any, bool) {
	switch a := l.(type) {
	case Text:
		switch b := r.(type) {
		case Text:
			if x.op == "+" {
				return e.concat(a, b), true
			}
		case int64:
			if x.op == "*" {
				e.made(len(a.s) * int(max(0, min(b, 1<<40))))
				return e.repeat(a, b), true
			}
		}
		if x.op == "%" {
			return e.percent(x.pos, a, r), true
		}
	case *List:
		switch b := r.(type) {
		case *List:
			if x.op == "+" && a.tuple == b.tuple && !a.lazy && !b.lazy {
				e.step(len(a.items) + len(b.items))
				return &List{items: append(a.items[:len(a.items):len(a.items)], b.items...), tuple: a.tuple}, true
			}
		case int64:
			if x.op == "*" && !a.lazy {
				n := max(0, b)
				if n > int64(e.limits.Steps) {
					n = int64(e.limits.Steps)
				}
				e.step(len(a.items) * int(n))
				out := &List{tuple: a.tuple}
				for range n {
					out.items = append(out.items, a.items...)
				}
				return out, true
			}
		}
	case int64:
		if x.op == "*" {
			switch r.(type) {
			case Text, *List:
				return e.sequences(&binaryExpr{x.pos, "*", x.r, x.l}, r, l)
			}
		}
	}
	return nil, false
}

func (e *exec) repeat(t Text, n int64) Text {
	var b builder
	for range max(0, n) {
		b.add(t)
	}
	return b.text()
}

func (e *exec) integers(x *binaryExpr, i, j int64) any {
	overflow := func() any { e.fail(x.pos, "integers beyond 64 bits are not supported"); return nil }
	switch x.op {
	case "+":
		if c := i + j; (c > i) == (j > 0) {
			return c
		}
		return overflow()
	case "-":
		if c := i - j; (c < i) == (j > 0) {
			return c
		}
		return overflow()
	case "*":
		if i == 0 || j == 0 {
			return int64(0)
		}
		if c := i * j; c/j == i && !(i == -1 && j == math.MinInt64) && !(j == -1 && i == math.MinInt64) {
			return c
		}
		return overflow()
	case "**":
		if j < 0 {
			return math.Pow(float64(i), float64(j))
		}
		c := int64(1)
		for range j {
			e.step(1)
			if i != 0 && c != 0 && (c*i)/i != c {
				return overflow()
			}
			c *= i
		}
		return c
	}
	if j == 0 {
		e.fail(x.pos, "integer division or modulo by zero")
	}
	q, m := i/j, i%j
	if m != 0 && (m < 0) != (j < 0) {
		q, m = q-1, m+j
	}
	if x.op == "//" {
		return q
	}
	return m
}

func (e *exec) compare(p pos, op string, l, r any) bool {
	switch op {
	case "==":
		return equal(l, r)
	case "!=":
		return !equal(l, r)
	case "in":
		return e.contains(p, r, l)
	case "not in":
		return !e.contains(p, r, l)
	}
	for _, v := range []any{l, r} {
		if u, ok := v.(undefined); ok {
			e.fail(p, "%s", u.what)
		}
	}
	c, ok := order(l, r)
	if !ok {
		e.fail(p, "%q not supported between instances of %q and %q", op, typeName(l), typeName(r))
	}
	switch op {
	case "<":
		return c < 0
	case "<=":
		return c <= 0
	case ">":
		return c > 0
	}
	return c >= 0
}

func (e *exec) contains(p pos, in, v any) bool {
	switch in := in.(type) {
	case Text:
		t, ok := v.(Text)
		if !ok {
			if u, is := v.(undefined); is {
				e.fail(p, "%s", u.what)
			}
			e.fail(p, "'in <string>' requires string as left operand, not %s", typeName(v))
		}
		return strings.Contains(in.s, t.s)
	case *List:
		e.step(len(in.items))
		for _, item := range in.items {
			if equal(item, v) {
				return true
			}
		}
		return false
	case *Dict:
		return in.find(v) >= 0
	case undefined:
		return false
	}
	e.fail(p, "argument of type %q is not iterable", typeName(in))
	return false
}

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
