package jinja

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

type method[T any] func(e *exec, p pos, v T, a *callArgs) any

// The methods of Python's types; filled in init, since some reach others.
var (
	strMethods  map[string]method[Text]
	listMethods map[string]method[*List]
	dictMethods map[string]method[*Dict]
)

func init() {
	strMethods = map[string]method[Text]{
		"strip":  func(e *exec, p pos, t Text, a *callArgs) any { return stripped(e, p, t, a, true, true) },
		"lstrip": func(e *exec, p pos, t Text, a *callArgs) any { return stripped(e, p, t, a, true, false) },
		"rstrip": func(e *exec, p pos, t Text, a *callArgs) any { return stripped(e, p, t, a, false, true) },
		"split":  func(e *exec, p pos, t Text, a *callArgs) any { return splitText(e, p, t, a, Text.split) },
		"rsplit": func(e *exec, p pos, t Text, a *callArgs) any { return splitText(e, p, t, a, Text.rsplit) },
		"splitlines": func(e *exec, _ pos, t Text, a *callArgs) any {
			return textList(e, t.lines(a.flag(0, "keepends")))
		},
		"partition": func(e *exec, p pos, t Text, a *callArgs) any {
			sep := e.text(p, a, 0, "sep", "")
			i := strings.Index(t.s, sep.s)
			if i < 0 {
				return &List{items: []any{t, Text{}, Text{}}, tuple: true}
			}
			j := i + len(sep.s)
			return &List{items: []any{t.slice(0, i), t.slice(i, j), t.slice(j, len(t.s))}, tuple: true}
		},
		"rpartition": func(e *exec, p pos, t Text, a *callArgs) any {
			sep := e.text(p, a, 0, "sep", "")
			i := strings.LastIndex(t.s, sep.s)
			if i < 0 {
				return &List{items: []any{Text{}, Text{}, t}, tuple: true}
			}
			j := i + len(sep.s)
			return &List{items: []any{t.slice(0, i), t.slice(i, j), t.slice(j, len(t.s))}, tuple: true}
		},
		"startswith": func(e *exec, p pos, t Text, a *callArgs) any { return affix(e, p, t, a, strings.HasPrefix) },
		"endswith":   func(e *exec, p pos, t Text, a *callArgs) any { return affix(e, p, t, a, strings.HasSuffix) },
		"removeprefix": func(e *exec, p pos, t Text, a *callArgs) any {
			if s := e.text(p, a, 0, "prefix", "").s; strings.HasPrefix(t.s, s) {
				return t.slice(len(s), len(t.s))
			}
			return t
		},
		"removesuffix": func(e *exec, p pos, t Text, a *callArgs) any {
			if s := e.text(p, a, 0, "suffix", "").s; strings.HasSuffix(t.s, s) {
				return t.slice(0, len(t.s)-len(s))
			}
			return t
		},
		"replace":    func(e *exec, p pos, t Text, a *callArgs) any { return e.replace(p, t, a) },
		"upper":      func(e *exec, p pos, t Text, a *callArgs) any { return filters["upper"](e, p, t, a) },
		"lower":      func(e *exec, p pos, t Text, a *callArgs) any { return filters["lower"](e, p, t, a) },
		"title":      func(e *exec, p pos, t Text, a *callArgs) any { return filters["title"](e, p, t, a) },
		"capitalize": func(e *exec, p pos, t Text, a *callArgs) any { return filters["capitalize"](e, p, t, a) },
		"find": func(e *exec, p pos, t Text, a *callArgs) any {
			return found(t, e.text(p, a, 0, "sub", ""), strings.Index)
		},
		"rfind": func(e *exec, p pos, t Text, a *callArgs) any {
			return found(t, e.text(p, a, 0, "sub", ""), strings.LastIndex)
		},
		"index": func(e *exec, p pos, t Text, a *callArgs) any {
			i := found(t, e.text(p, a, 0, "sub", ""), strings.Index)
			if i < 0 {
				e.fail(p, "substring not found")
			}
			return i
		},
		"count": func(e *exec, p pos, t Text, a *callArgs) any {
			return int64(strings.Count(t.s, e.text(p, a, 0, "sub", "").s))
		},
		"join": func(e *exec, p pos, t Text, a *callArgs) any {
			return filterJoin(e, p, a.at(0), &callArgs{list: []any{t}})
		},
		"format":    func(e *exec, p pos, t Text, a *callArgs) any { return e.format(p, t, a) },
		"isdigit":   func(_ *exec, _ pos, t Text, _ *callArgs) any { return all(t.s, unicode.IsDigit) },
		"isnumeric": func(_ *exec, _ pos, t Text, _ *callArgs) any { return all(t.s, unicode.IsNumber) },
		"isalpha":   func(_ *exec, _ pos, t Text, _ *callArgs) any { return all(t.s, unicode.IsLetter) },
		"isalnum": func(_ *exec, _ pos, t Text, _ *callArgs) any {
			return all(t.s, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) })
		},
		"isspace": func(_ *exec, _ pos, t Text, _ *callArgs) any { return all(t.s, isSpace) },
		"isupper": func(_ *exec, _ pos, t Text, _ *callArgs) any { return cased(t.s, unicode.IsLower, unicode.IsUpper) },
		"islower": func(_ *exec, _ pos, t Text, _ *callArgs) any { return cased(t.s, unicode.IsUpper, unicode.IsLower) },
		"ljust":   func(e *exec, p pos, t Text, a *callArgs) any { return justified(e, p, t, a, true) },
		"rjust":   func(e *exec, p pos, t Text, a *callArgs) any { return justified(e, p, t, a, false) },
		"zfill": func(e *exec, p pos, t Text, a *callArgs) any {
			return justified(e, p, t, &callArgs{list: []any{a.at(0), Trusted("0")}}, false)
		},
	}
	listMethods = map[string]method[*List]{
		"index": func(e *exec, p pos, l *List, a *callArgs) any {
			for i, item := range l.items {
				if equal(item, a.at(0)) {
					return int64(i)
				}
			}
			e.fail(p, "%s is not in list", repr(a.at(0)))
			return nil
		},
		"count": func(_ *exec, _ pos, l *List, a *callArgs) any {
			n := int64(0)
			for _, item := range l.items {
				if equal(item, a.at(0)) {
					n++
				}
			}
			return n
		},
		"copy":    func(_ *exec, _ pos, l *List, _ *callArgs) any { return l },
		"append":  immutable[*List]("append"),
		"extend":  immutable[*List]("extend"),
		"insert":  immutable[*List]("insert"),
		"pop":     immutable[*List]("pop"),
		"remove":  immutable[*List]("remove"),
		"reverse": immutable[*List]("reverse"),
		"sort":    immutable[*List]("sort"),
		"clear":   immutable[*List]("clear"),
	}

	dictMethods = map[string]method[*Dict]{
		"get": func(_ *exec, _ pos, d *Dict, a *callArgs) any {
			if i := d.find(a.at(0)); i >= 0 {
				return d.values[i]
			}
			v, _ := a.get(1, "default")
			return v
		},
		"items":      func(_ *exec, _ pos, d *Dict, _ *callArgs) any { return &List{items: pairs(d)} },
		"keys":       func(_ *exec, _ pos, d *Dict, _ *callArgs) any { return &List{items: d.keys} },
		"values":     func(_ *exec, _ pos, d *Dict, _ *callArgs) any { return &List{items: d.values} },
		"copy":       func(_ *exec, _ pos, d *Dict, _ *callArgs) any { return d },
		"update":     immutable[*Dict]("update"),
		"pop":        immutable[*Dict]("pop"),
		"popitem":    immutable[*Dict]("popitem"),
		"setdefault": immutable[*Dict]("setdefault"),
		"clear":      immutable[*Dict]("clear"),
	}
}

func all(s string, is func(rune) bool) bool {
	for _, r := range s {
		if !is(r) {
			return false
		}
	}
	return s != ""
}

func stripped(e *exec, p pos, t Text, a *callArgs, left, right bool) any {
	return t.strip(left, right, charSet(e.text(p, a, 0, "chars", "")))
}

func textList(e *exec, ts []Text) *List {
	e.step(len(ts) / 8)
	l := &List{items: make([]any, len(ts))}
	for i, t := range ts {
		l.items[i] = t
	}
	return l
}

func splitText(e *exec, p pos, t Text, a *callArgs, split func(Text, string, int) []Text) any {
	n := int(max(-1, min(e.integer(p, a, 1, "maxsplit", -1), 1<<40)))
	sep, ok := a.get(0, "sep")
	if !ok || sep == nil {
		return textList(e, t.words(n))
	}
	s := e.text(p, a, 0, "sep", "").s
	if s == "" {
		e.fail(p, "empty separator")
	}
	return textList(e, split(t, s, n))
}

// affix is startswith and endswith, of one string or any of a tuple.
func affix(e *exec, p pos, t Text, a *callArgs, has func(s, affix string) bool) any {
	if l, ok := a.at(0).(*List); ok && l.tuple {
		for _, item := range l.items {
			if s, ok := item.(Text); ok && has(t.s, s.s) {
				return true
			}
		}
		return false
	}
	if _, ok := a.at(0).(Text); !ok {
		e.fail(p, "the first argument must be a string or a tuple of strings, not %s", typeName(a.at(0)))
	}
	return has(t.s, e.text(p, a, 0, "prefix", "").s)
}

func found(t, sub Text, index func(s, sub string) int) int64 {
	i := index(t.s, sub.s)
	if i < 0 {
		return -1
	}
	return int64(utf8.RuneCountInString(t.s[:i]))
}

func justified(e *exec, p pos, t Text, a *callArgs, left bool) any {
	n := int(min(e.integer(p, a, 0, "width", 0), 1<<30)) - t.length()
	if n <= 0 {
		return t
	}
	fill := e.text(p, a, 1, "fillchar", " ")
	if fill.length() != 1 {
		e.fail(p, "the fill character must be exactly one character long")
	}
	e.made(n * len(fill.s))
	pad := e.repeat(fill, int64(n))
	if left {
		return concat(t, pad)
	}
	return concat(pad, t)
}

func immutable[T any](name string) method[T] {
	return func(e *exec, p pos, v T, _ *callArgs) any {
		e.fail(p, "%s is not safe here: lists and mappings cannot be changed", name)
		return nil
	}
}
