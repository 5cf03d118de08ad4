package jinja

import (
	"math"
	"strconv"
	"strings"
	"unicode"
)

type filterFunc func(e *exec, p pos, v any, a *callArgs) any

// filters are Jinja2's by name; filled in init, since some call others.
var filters map[string]filterFunc

func init() {
	filters = map[string]filterFunc{
		"abs":        filterAbs,
		"attr":       func(e *exec, p pos, v any, a *callArgs) any { return e.attr(p, v, e.text(p, a, 0, "name", "").s) },
		"batch":      filterBatch,
		"capitalize": onText(capitalize),
		"count":      filterLength,
		"d":          filterDefault,
		"default":    filterDefault,
		"dictsort":   filterDictsort,
		"e":          filterEscape,
		"escape":     filterEscape,
		"first":      func(e *exec, p pos, v any, _ *callArgs) any { return end(e, p, v, false) },
		"float":      filterFloat,
		"format": func(e *exec, p pos, v any, a *callArgs) any {
			return e.percent(p, str(v), &List{items: a.list, tuple: true})
		},
		"from_json":  filterFromJSON,
		"groupby":    filterGroupby,
		"indent":     filterIndent,
		"int":        filterInt,
		"items":      filterItems,
		"join":       filterJoin,
		"last":       func(e *exec, p pos, v any, _ *callArgs) any { return end(e, p, v, true) },
		"length":     filterLength,
		"list":       func(e *exec, p pos, v any, _ *callArgs) any { return &List{items: e.iterate(p, v)} },
		"lower":      onText(strings.ToLower),
		"map":        filterMap,
		"max":        func(e *exec, p pos, v any, a *callArgs) any { return extreme(e, p, v, a, 1) },
		"min":        func(e *exec, p pos, v any, a *callArgs) any { return extreme(e, p, v, a, -1) },
		"reject":     func(e *exec, p pos, v any, a *callArgs) any { return choose(e, p, v, a, false, false) },
		"rejectattr": func(e *exec, p pos, v any, a *callArgs) any { return choose(e, p, v, a, true, false) },
		"replace":    filterReplace,
		"reverse":    filterReverse,
		"round":      filterRound,
		"safe":       func(_ *exec, _ pos, v any, _ *callArgs) any { return str(v) },
		"select":     func(e *exec, p pos, v any, a *callArgs) any { return choose(e, p, v, a, false, true) },
		"selectattr": func(e *exec, p pos, v any, a *callArgs) any { return choose(e, p, v, a, true, true) },
		"sort":       filterSort,
		"string":     func(_ *exec, _ pos, v any, _ *callArgs) any { return str(v) },
		"sum":        filterSum,
		"title":      onText(title),
		"tojson":     filterTojson,
		"trim":       filterTrim,
		"unique":     filterUnique,
		"upper":      onText(strings.ToUpper),
		"wordcount":  func(_ *exec, _ pos, v any, _ *callArgs) any { return int64(len(str(v).words(-1))) },
	}
}

// filterNamed and testNamed look a name up when it is used: a template may have
// branches for programs that know more.
func (e *exec) filterNamed(p pos, name string) filterFunc {
	f := filters[name]
	if f == nil {
		e.fail(p, "the filter %q is not supported", name)
	}
	return f
}

func (e *exec) testNamed(p pos, name string) testFunc {
	f := tests[name]
	if f == nil {
		e.fail(p, "the test %q is not supported", name)
	}
	return f
}

// onText is a filter that changes the characters of a string.
func onText(f func(string) string) filterFunc {
	return func(e *exec, _ pos, v any, _ *callArgs) any {
		t := str(v)
		e.made(len(t.s))
		return t.mapped(f)
	}
}

// capitalize and title see one stretch at a time; where a stretch begins within
// a word, a letter more is in upper case than Python would write.
func capitalize(s string) string {
	for i, r := range s {
		return strings.ToUpper(string(r)) + strings.ToLower(s[i+len(string(r)):])
	}
	return s
}

func title(s string) string {
	var b strings.Builder
	inside := false
	for _, r := range s {
		if inside {
			b.WriteRune(unicode.ToLower(r))
		} else {
			b.WriteRune(unicode.ToTitle(r))
		}
		inside = unicode.IsLetter(r) || r == '\''
	}
	return b.String()
}

// text, integer and flag read an argument, or give its default.
func (e *exec) text(p pos, a *callArgs, i int, name, absent string) Text {
	v, ok := a.get(i, name)
	if !ok || v == nil {
		return Trusted(absent)
	}
	t, ok := v.(Text)
	if !ok {
		e.fail(p, "%s must be a string, not %s", name, typeName(v))
	}
	return t
}

func (e *exec) integer(p pos, a *callArgs, i int, name string, absent int64) int64 {
	v, ok := a.get(i, name)
	if !ok || v == nil {
		return absent
	}
	n, _, isInt, _ := number(v)
	if !isInt {
		e.fail(p, "%s must be an integer, not %s", name, typeName(v))
	}
	return n
}

func (a *callArgs) flag(i int, name string) bool {
	v, ok := a.get(i, name)
	return ok && truth(v)
}

func filterAbs(e *exec, p pos, v any, _ *callArgs) any {
	i, f, isInt, ok := number(v)
	switch {
	case !ok:
		e.fail(p, "bad operand type for abs(): %q", typeName(v))
	case isInt:
		return max(i, -i)
	}
	return math.Abs(f)
}

func filterDefault(_ *exec, _ pos, v any, a *callArgs) any {
	_, absent := v.(undefined)
	if absent || a.flag(1, "boolean") && !truth(v) {
		if d, ok := a.get(0, "default_value"); ok {
			return d
		}
		return Text{}
	}
	return v
}

func filterLength(e *exec, p pos, v any, _ *callArgs) any {
	switch v := v.(type) {
	case Text:
		return int64(v.length())
	case *List:
		if !v.lazy {
			return int64(len(v.items))
		}
	case *Dict:
		return int64(len(v.keys))
	case undefined:
		return int64(0)
	}
	e.fail(p, "object of type %q has no len()", typeName(v))
	return nil
}

func filterEscape(e *exec, _ pos, v any, _ *callArgs) any {
	t := str(v)
	e.made(2 * len(t.s))
	r := strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "'", "&#39;", `"`, "&#34;")
	return t.mapped(r.Replace)
}

func filterFloat(_ *exec, _ pos, v any, a *callArgs) any {
	if _, f, _, ok := number(v); ok {
		return f
	}
	if t, ok := v.(Text); ok {
		if f, err := strconv.ParseFloat(strings.TrimSpace(t.s), 64); err == nil {
			return f
		}
	}
	if d, ok := a.get(0, "default"); ok {
		return d
	}
	return 0.0
}

func filterInt(e *exec, p pos, v any, a *callArgs) any {
	base := e.integer(p, a, 1, "base", 10)
	i, f, isInt, ok := number(v)
	switch {
	case ok && isInt:
		return i
	case ok && math.Abs(f) < 1<<63:
		return int64(f)
	}
	if t, ok := v.(Text); ok {
		s := strings.ReplaceAll(strings.TrimSpace(t.s), "_", "")
		if base == 16 || base == 8 || base == 2 {
			s = strings.TrimPrefix(strings.ToLower(s), map[int64]string{16: "0x", 8: "0o", 2: "0b"}[base])
		}
		if base >= 2 && base <= 36 {
			if n, err := strconv.ParseInt(s, int(base), 64); err == nil {
				return n
			}
		}
		if f, err := strconv.ParseFloat(s, 64); err == nil && math.Abs(f) < 1<<63 {
			return int64(f)
		}
	}
	if d, ok := a.get(0, "default"); ok {
		return d
	}
	return int64(0)
}

func filterReplace(e *exec, p pos, v any, a *callArgs) any {
	return e.replace(p, str(v), a)
}

func (e *exec) replace(p pos, t Text, a *callArgs) any {
	if len(a.list)+len(a.named) < 2 {
		e.fail(p, "replace needs what to replace, and with what")
	}
	old, _ := a.get(0, "old")
	new, _ := a.get(1, "new")
	n := e.integer(p, a, 2, "count", -1)
	o, r := str(old), str(new)
	times := strings.Count(t.s, o.s)
	e.made(len(t.s) + times*len(r.s))
	return t.replace(o.s, r, int(max(-1, min(n, 1<<40))))
}

func filterRound(e *exec, p pos, v any, a *callArgs) any {
	_, f, _, ok := number(v)
	if !ok {
		e.fail(p, "type %s cannot be rounded", typeName(v))
	}
	n := e.integer(p, a, 0, "precision", 0)
	scale := math.Pow(10, float64(n))
	switch method := e.text(p, a, 1, "method", "common").s; method {
	case "ceil":
		return math.Ceil(f*scale) / scale
	case "floor":
		return math.Floor(f*scale) / scale
	case "common":
		if n < 0 || n > 300 {
			return math.RoundToEven(f*scale) / scale
		}
		r, _ := strconv.ParseFloat(strconv.FormatFloat(f, 'f', int(n), 64), 64) // to even, of the exact value
		return r
	default:
		e.fail(p, "method %q must be common, ceil or floor", method)
	}
	return nil
}

func filterIndent(e *exec, p pos, v any, a *callArgs) any {
	pad := Trusted(strings.Repeat(" ", 4))
	if w, ok := a.get(0, "width"); ok {
		if t, isText := w.(Text); isText {
			pad = t
		} else {
			n := max(0, min(e.integer(p, a, 0, "width", 4), 1<<40))
			e.made(int(n))
			pad = Trusted(strings.Repeat(" ", int(n)))
		}
	}
	first, blank := a.flag(1, "first"), a.flag(2, "blank")
	lines := str(v).split("\n", -1)
	e.made(len(lines)*(len(pad.s)+1) + len(str(v).s))
	for i := range lines {
		if (i > 0 || first) && (blank || i == 0 || lines[i].s != "") {
			lines[i] = concat(pad, lines[i])
		}
	}
	return join(Trusted("\n"), lines)
}

func filterTrim(e *exec, p pos, v any, a *callArgs) any {
	t := str(v)
	return t.strip(true, true, charSet(e.text(p, a, 0, "chars", "")))
}

// charSet says whether a character is one of set; nil for an empty set.
func charSet(set Text) func(rune) bool {
	if set.s == "" {
		return nil
	}
	return func(r rune) bool { return strings.ContainsRune(set.s, r) }
}
