package jinja

import (
	"math"
	"strings"
)

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
				if b <= 0 || a.s == "" {
					return Text{}, true
				}
				if b > int64(e.limits.Bytes) { // the product may be beyond an int
					b = int64(e.limits.Bytes) + 1
				}
				e.made(len(a.s) * int(b))
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
