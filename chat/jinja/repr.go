package jinja

import (
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
	"unicode"
)

// str is Python's str(), as output writes it.
func str(v any) Text {
	switch v := v.(type) {
	case Text:
		return v
	case undefined:
		return Text{}
	}
	var b builder
	writeRepr(&b, v, 0)
	return b.text()
}

// maxRepr is the most bytes of a list or mapping written as Python does.
const maxRepr = 64 << 20

func repr(v any) string {
	var b builder
	writeRepr(&b, v, 0)
	return b.b.String()
}

func writeRepr(b *builder, v any, depth int) {
	if b.b.Len() > maxRepr {
		panic(&Error{Message: "a value is too large to be written", Limit: true})
	}
	if depth > maxNesting {
		panic(&Error{Message: "a value is nested too deep to be written"})
	}
	seq := func(open, end string, n int, item func(i int)) {
		b.write(open, false)
		for i := range n {
			if i > 0 {
				b.write(", ", false)
			}
			item(i)
		}
		b.write(end, false)
	}
	switch v := v.(type) {
	case nil:
		b.write("None", false)
	case undefined:
		b.write("Undefined", false)
	case bool:
		b.write(map[bool]string{true: "True", false: "False"}[v], false)
	case int64:
		b.write(strconv.FormatInt(v, 10), false)
	case *big.Int:
		b.write(v.String(), false)
	case float64:
		b.write(floatRepr(v), false)
	case Text:
		reprText(b, v)
	case *List:
		item := func(i int) { writeRepr(b, v.items[i], depth+1) }
		switch {
		case v.lazy:
			b.write("<generator object>", false)
		case v.tuple && len(v.items) == 1:
			seq("(", ",)", 1, item)
		case v.tuple:
			seq("(", ")", len(v.items), item)
		default:
			seq("[", "]", len(v.items), item)
		}
	case *Dict:
		seq("{", "}", len(v.keys), func(i int) {
			writeRepr(b, v.keys[i], depth+1)
			b.write(": ", false)
			writeRepr(b, v.values[i], depth+1)
		})
	case *namespace:
		b.write("<Namespace ", false)
		writeRepr(b, v.vars, depth+1)
		b.write(">", false)
	case *function:
		b.write("<function "+v.name+">", false)
	}
}

// reprText writes a string as Python's repr does.
func reprText(b *builder, t Text) {
	quote := `'`
	if strings.Contains(t.s, `'`) && !strings.Contains(t.s, `"`) {
		quote = `"`
	}
	b.write(quote, false)
	t.Each(func(s string, user bool) {
		var w strings.Builder
		for _, r := range s {
			switch {
			case r == '\n':
				w.WriteString(`\n`)
			case r == '\r':
				w.WriteString(`\r`)
			case r == '\t':
				w.WriteString(`\t`)
			case r == '\\' || string(r) == quote:
				w.WriteString(`\` + string(r))
			case r < 0x20 || r == 0x7f || r >= 0x80 && r <= 0xff && !unicode.IsPrint(r):
				fmt.Fprintf(&w, `\x%02x`, r)
			case !unicode.IsPrint(r) && r > 0xffff:
				fmt.Fprintf(&w, `\U%08x`, r)
			case !unicode.IsPrint(r):
				fmt.Fprintf(&w, `\u%04x`, r)
			default:
				w.WriteRune(r)
			}
		}
		b.write(w.String(), user)
	})
	b.write(quote, false)
}

// floatRepr writes a float as Python does.
func floatRepr(x float64) string {
	switch {
	case math.IsNaN(x):
		return "nan"
	case math.IsInf(x, 1):
		return "inf"
	case math.IsInf(x, -1):
		return "-inf"
	}
	if a := math.Abs(x); a != 0 && (a < 1e-4 || a >= 1e16) {
		return strconv.FormatFloat(x, 'e', -1, 64)
	}
	s := strconv.FormatFloat(x, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}
