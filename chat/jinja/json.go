package jinja

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"math/big"
	"strconv"
	"strings"
	"time"
)

// FromJSON reads a JSON value, keeping the order of its keys. Its strings, keys
// included, are a user's. Nesting is limited by encoding/json.
func FromJSON(raw []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	t, err := d.Token()
	if err != nil {
		return nil, err
	}
	v, err := readJSON(d, t, 0)
	if err != nil {
		return nil, err
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, fmt.Errorf("the value goes on after its end")
	}
	return v, nil
}

func readJSON(d *json.Decoder, t json.Token, depth int) (any, error) {
	if depth > maxNesting {
		return nil, fmt.Errorf("the value is nested more than %d deep", maxNesting)
	}
	switch t := t.(type) {
	case string:
		return User(t), nil
	case json.Number:
		return jsonNumber(string(t)), nil
	case json.Delim:
		if t == '[' {
			l := &List{}
			for d.More() {
				t, err := d.Token()
				if err != nil {
					return nil, err
				}
				v, err := readJSON(d, t, depth+1)
				if err != nil {
					return nil, err
				}
				l.items = append(l.items, v)
			}
			_, err := d.Token()
			return l, err
		}
		o := &Dict{}
		for d.More() {
			key, err := d.Token()
			if err != nil {
				return nil, err
			}
			t, err := d.Token()
			if err != nil {
				return nil, err
			}
			v, err := readJSON(d, t, depth+1)
			if err != nil {
				return nil, err
			}
			o.Set(User(key.(string)), v)
		}
		_, err := d.Token()
		return o, err
	}
	return t, nil // null, true, false
}

// jsonNumber is a number as Python's json reads it.
func jsonNumber(s string) any {
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return n
	}
	if !strings.ContainsAny(s, ".eE") && len(s) < 1000 {
		if n, ok := new(big.Int).SetString(s, 10); ok {
			return n
		}
	}
	x, _ := strconv.ParseFloat(s, 64) // out of range: an infinity
	return x
}

// filterFromJSON is not Jinja2's; some templates want it for arguments that came
// as text.
func filterFromJSON(e *exec, p pos, v any, _ *callArgs) any {
	t, ok := v.(Text)
	if !ok {
		e.fail(p, "from_json needs a string, not %s", typeName(v))
	}
	e.made(len(t.s))
	x, err := FromJSON([]byte(t.s))
	if err != nil {
		e.fail(p, "from_json: %v", err)
	}
	return x
}

// jsonForm is how tojson writes.
type jsonForm struct {
	indent      string // "" for one line
	pretty      bool
	item, key   string // separators
	sort        bool
	ensureASCII bool
}

// filterTojson is json.dumps with ensure_ascii=False, as transformers has it.
func filterTojson(e *exec, p pos, v any, a *callArgs) any {
	f := jsonForm{item: ", ", key: ": ", sort: a.flag(3, "sort_keys"), ensureASCII: a.flag(0, "ensure_ascii")}
	if n, ok := a.get(1, "indent"); ok && n != nil {
		f.pretty, f.item = true, ","
		if t, isText := n.(Text); isText {
			f.indent = t.s
		} else {
			f.indent = strings.Repeat(" ", int(max(0, min(e.integer(p, a, 1, "indent", 0), 64))))
		}
	}
	if s, ok := a.get(2, "separators"); ok && s != nil {
		items := e.iterate(p, s)
		if len(items) != 2 {
			e.fail(p, "separators must be two strings")
		}
		f.item, f.key = str(items[0]).s, str(items[1]).s
	}
	w := &jsonWriter{e: e, p: p, jsonForm: f}
	w.value(v, 0)
	t := w.b.text()
	e.made(len(t.s))
	return t
}

type jsonWriter struct {
	jsonForm
	e *exec
	p pos
	b builder
}

func (w *jsonWriter) line(depth int) {
	if w.pretty {
		w.b.write("\n"+strings.Repeat(w.indent, depth), false)
	}
}

func (w *jsonWriter) value(v any, depth int) {
	w.e.step(1)
	if depth > maxNesting {
		w.e.limit(w.p, "a value is nested more than %d deep", maxNesting)
	}
	switch v := v.(type) {
	case nil:
		w.b.write("null", false)
	case bool:
		w.b.write(strconv.FormatBool(v), false)
	case int64:
		w.b.write(strconv.FormatInt(v, 10), false)
	case *big.Int:
		w.b.write(v.String(), false)
	case float64:
		w.b.write(jsonFloat(v), false)
	case Text:
		w.text(v)
	case *List:
		if v.lazy {
			w.e.fail(w.p, "Object of type generator is not JSON serializable")
		}
		w.sequence("[", "]", len(v.items), depth, func(i int) { w.value(v.items[i], depth+1) })
	case *Dict:
		d := v
		if w.sort {
			d = &Dict{}
			for _, pair := range w.e.sorted(w.p, pairs(v), func(v any) any { return v.(*List).items[0] }, false) {
				d.Set(pair.(*List).items[0], pair.(*List).items[1])
			}
		}
		w.sequence("{", "}", len(d.keys), depth, func(i int) {
			w.key(d.keys[i])
			w.b.write(w.jsonForm.key, false)
			w.value(d.values[i], depth+1)
		})
	default:
		w.e.fail(w.p, "Object of type %s is not JSON serializable", typeName(v))
	}
}

func (w *jsonWriter) sequence(open, end string, n, depth int, item func(i int)) {
	w.b.write(open, false)
	for i := range n {
		if i > 0 {
			w.b.write(w.item, false)
		}
		w.line(depth + 1)
		item(i)
	}
	if n > 0 {
		w.line(depth)
	}
	w.b.write(end, false)
}

func (w *jsonWriter) key(k any) {
	switch k := k.(type) {
	case nil:
		w.b.write(`"null"`, false)
	case bool:
		w.b.write(strconv.Quote(strconv.FormatBool(k)), false)
	case float64:
		w.b.write(`"`+jsonFloat(k)+`"`, false)
	case int64:
		w.b.write(`"`+strconv.FormatInt(k, 10)+`"`, false)
	case Text:
		w.text(k)
	default:
		w.e.fail(w.p, "keys must be str, int, float, bool or None, not %s", typeName(k))
	}
}

func jsonFloat(x float64) string {
	switch {
	case math.IsNaN(x):
		return "NaN"
	case math.IsInf(x, 1):
		return "Infinity"
	case math.IsInf(x, -1):
		return "-Infinity"
	}
	return floatRepr(x)
}

func (w *jsonWriter) text(t Text) {
	w.e.made(len(t.s))
	w.b.write(`"`, false)
	t.Each(func(s string, user bool) { w.b.write(w.escape(s), user) })
	w.b.write(`"`, false)
}

func (w *jsonWriter) escape(s string) string {
	plain := true
	for i := 0; i < len(s) && plain; i++ {
		plain = s[i] >= 0x20 && s[i] != '"' && s[i] != '\\' && (s[i] < 0x7f || !w.ensureASCII)
	}
	if plain {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '"':
			b.WriteString(`\"`)
		case r == '\\':
			b.WriteString(`\\`)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == '\b':
			b.WriteString(`\b`)
		case r == '\f':
			b.WriteString(`\f`)
		case r < 0x20 || w.ensureASCII && r >= 0x7f && r <= 0xffff:
			fmt.Fprintf(&b, `\u%04x`, r)
		case w.ensureASCII && r > 0xffff:
			fmt.Fprintf(&b, `\u%04x\u%04x`, 0xd800+(r-0x10000)>>10, 0xdc00+(r-0x10000)&0x3ff)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// JSON writes a value as tojson does. A value made by [FromJSON] or of texts
// always can be written.
func JSON(v any) string {
	e := &exec{limits: Limits{}.withDefaults(), now: time.Now}
	e.deadline = e.now().Add(e.limits.Time)
	var err error
	var out any
	func() {
		defer e.catch(&err)
		out = filterTojson(e, pos{}, v, &callArgs{})
	}()
	if err != nil {
		return "null"
	}
	return out.(Text).s
}
