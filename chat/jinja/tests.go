package jinja

import (
	"math/big"
	"strings"
	"unicode"
)

type testFunc func(e *exec, p pos, v any, a *callArgs) bool

// tests are what may stand after "is"; filled in init, since some call others.
var tests map[string]testFunc

func init() {
	compare := func(op string) testFunc {
		return func(e *exec, p pos, v any, a *callArgs) bool {
			if len(a.list) != 1 {
				e.fail(p, "the test takes one argument")
			}
			return e.compare(p, op, v, a.list[0])
		}
	}
	is := func(f func(v any) bool) testFunc {
		return func(_ *exec, _ pos, v any, _ *callArgs) bool { return f(v) }
	}
	remainder := func(v any, by int64, want int64) bool {
		n, _, isInt, _ := number(v)
		return isInt && by != 0 && ((n%by)+by)%by == want
	}
	defined := func(v any) bool { _, absent := v.(undefined); return !absent }
	mapping := func(v any) bool { _, ok := v.(*Dict); return ok }
	text := func(v any) bool { _, ok := v.(Text); return ok }
	truthBool := func(want bool) testFunc {
		return is(func(v any) bool { b, ok := v.(bool); return ok && b == want })
	}
	tests = map[string]testFunc{
		"boolean":  is(func(v any) bool { _, ok := v.(bool); return ok }),
		"callable": is(func(v any) bool { _, ok := v.(*function); return ok }),
		"defined":  is(defined),
		"divisibleby": func(e *exec, p pos, v any, a *callArgs) bool {
			return remainder(v, e.integer(p, a, 0, "num", 0), 0)
		},
		"even":   is(func(v any) bool { return remainder(v, 2, 0) }),
		"false":  truthBool(false),
		"filter": is(func(v any) bool { t, ok := v.(Text); return ok && filters[t.s] != nil }),
		"float":  is(func(v any) bool { _, ok := v.(float64); return ok }),
		"integer": is(func(v any) bool {
			switch v.(type) {
			case int64, *big.Int:
				return true
			}
			return false
		}),
		"iterable": is(func(v any) bool {
			switch v.(type) {
			case *List, *Dict, Text, undefined:
				return true
			}
			return false
		}),
		"lower":   is(func(v any) bool { return cased(str(v).s, unicode.IsUpper, unicode.IsLower) }),
		"mapping": is(mapping),
		"none":    is(func(v any) bool { return v == nil }),
		"number": is(func(v any) bool {
			_, _, _, ok := number(v)
			_, large := v.(*big.Int)
			return ok || large
		}),
		"odd": is(func(v any) bool { return remainder(v, 2, 1) }),
		"sameas": func(_ *exec, _ pos, v any, a *callArgs) bool {
			return len(a.list) == 1 && typeName(v) == typeName(a.list[0]) && equal(v, a.list[0])
		},
		"sequence": is(func(v any) bool {
			l, ok := v.(*List)
			return ok && !l.lazy || text(v) || mapping(v) || !defined(v)
		}),
		"string":    is(text),
		"test":      is(func(v any) bool { t, ok := v.(Text); return ok && tests[t.s] != nil }),
		"true":      truthBool(true),
		"undefined": is(func(v any) bool { return !defined(v) }),
		"upper":     is(func(v any) bool { return cased(str(v).s, unicode.IsLower, unicode.IsUpper) }),

		"in": func(e *exec, p pos, v any, a *callArgs) bool {
			if len(a.list) != 1 {
				e.fail(p, "the test takes one argument")
			}
			return e.contains(p, a.list[0], v)
		},
	}
	for op, names := range map[string]string{
		"==": "eq equalto ==", "!=": "ne !=", "<": "lt lessthan <", "<=": "le <=", ">": "gt greaterthan >", ">=": "ge >=",
	} {
		for _, name := range strings.Fields(names) {
			tests[name] = compare(op)
		}
	}
}

// cased is Python's islower and isupper: some letter is, and none is the other.
func cased(s string, not, want func(rune) bool) bool {
	return strings.IndexFunc(s, not) < 0 && strings.IndexFunc(s, want) >= 0
}
