// Package fields reads JSON objects strictly: each member by its name, with
// its type and its range, so that what is wrong has a name and nothing is
// answered with a default in silence. All dialects read their bodies with it.
package fields

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"unicode/utf8"
)

// Error says what is wrong with an object.
type Error struct {
	Field string // "" when it is the object itself
	Text  string // whole sentence, the field's name in it
}

func (e *Error) Error() string { return e.Text }

// Object is a JSON object whose members are read one by one. The first thing
// wrong is kept; after it nothing is read.
type Object struct {
	members map[string]json.RawMessage
	known   []string // asked for
	err     error
}

// maxMembers bounds the memory of an object beside its text: no dialect has a
// tenth of it.
const maxMembers = 1000

// Parse reads an object, which must be whole, in UTF-8 (a byte order mark
// before it is skipped), and have no member twice. The object keeps the text.
func Parse(text []byte) *Object {
	o := &Object{}
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	rest := trimSpace(text)
	switch {
	case !utf8.Valid(text):
		o.Fail("", "the body is not valid UTF-8 (byte %d)", invalidByte(text))
	case len(rest) == 0:
		o.Fail("", "the body is empty, want a JSON object")
	case !json.Valid(text):
		o.Fail("", "the body is not valid JSON: %v", json.Unmarshal(text, new(any)))
	case rest[0] != '{':
		o.Fail("", "the body is not a JSON object")
	default:
		o.members = make(map[string]json.RawMessage)
		o.parseMembers(rest[1:])
	}
	return o
}

// parseMembers reads what follows the brace of a valid object. The members are
// not copied: a body may be large.
func (o *Object) parseMembers(rest []byte) {
	for rest = trimSpace(rest); rest[0] != '}'; rest = trimSpace(rest) {
		if rest[0] == ',' {
			rest = trimSpace(rest[1:])
		}
		n := valueLen(rest)
		var name string
		_ = json.Unmarshal(rest[:n], &name) // a valid string
		rest = trimSpace(rest[n:])
		rest = trimSpace(rest[1:]) // the colon
		n = valueLen(rest)
		if _, twice := o.members[name]; twice {
			o.Fail(name, "%s stands in the body twice", short(name))
			return
		}
		if len(o.members) == maxMembers {
			o.Fail("", "the body has more than %d fields", maxMembers)
			return
		}
		o.members[name] = json.RawMessage(rest[:n:n])
		rest = rest[n:]
	}
}

func trimSpace(b []byte) []byte { return bytes.TrimLeft(b, " \t\r\n") }

// valueLen is the length of the value at the beginning of valid JSON.
func valueLen(b []byte) int {
	depth, text := 0, false
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case text && c == '\\':
			i++
		case c == '"':
			text = !text
			if !text && depth == 0 {
				return i + 1
			}
		case text:
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			if depth == 0 {
				return i // of a number or word, the last of its object
			}
			if depth--; depth == 0 {
				return i + 1
			}
		case depth == 0 && (c == ',' || c == ' ' || c == '\t' || c == '\r' || c == '\n'):
			return i
		}
	}
	return len(b)
}

func invalidByte(b []byte) int {
	for i := 0; i < len(b); {
		r, n := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
	return len(b)
}

// Err is the first thing that was wrong, an [*Error].
func (o *Object) Err() error { return o.err }

// Fail notes that something about a field is wrong, unless something was.
func (o *Object) Fail(field, format string, a ...any) {
	if o.err == nil {
		o.err = &Error{field, fmt.Sprintf(format, a...)}
	}
}

// Known are the names that were asked for, in that order.
func (o *Object) Known() []string { return o.known }

// Unknown are the members that nobody asked for, in order.
func (o *Object) Unknown() []string {
	var names []string
	for name := range o.members {
		if !slices.Contains(o.known, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// value returns a member; a null is a member that is not there.
func (o *Object) value(name string) (json.RawMessage, bool) {
	o.known = append(o.known, name)
	if o.err != nil {
		return nil, false
	}
	raw, ok := o.members[name]
	return raw, ok && !bytes.Equal(raw, []byte("null"))
}

// Value is a member as it stands, and says whether it was there.
func (o *Object) Value(name string) (json.RawMessage, bool) { return o.value(name) }

// wrongType notes that a member is not of its type.
func (o *Object) wrongType(name, want string, raw json.RawMessage) {
	o.Fail(name, "%s must be %s, found %s", name, want, short(raw))
}

// short is the beginning of a text.
func short[T ~string | ~[]byte](text T) string {
	if len(text) <= 40 {
		return string(text)
	}
	return string(bytes.ToValidUTF8([]byte(text[:40]), nil)) + "…"
}

// Text sets dst to a string and says whether the member was there.
func (o *Object) Text(name string, dst *string) bool {
	raw, ok := o.value(name)
	if ok && json.Unmarshal(raw, dst) != nil {
		o.wrongType(name, "a string", raw)
	}
	return ok && o.err == nil
}

// Bool sets dst to true or false.
func (o *Object) Bool(name string, dst *bool) {
	if raw, ok := o.value(name); ok && json.Unmarshal(raw, dst) != nil {
		o.wrongType(name, "true or false", raw)
	}
}

// Number sets dst to a number in [lo, hi].
func (o *Object) Number(name string, dst *float32, lo, hi float64) {
	raw, ok := o.value(name)
	if !ok {
		return
	}
	if !isNumber(raw) {
		o.wrongType(name, "a number", raw)
		return
	}
	x, err := strconv.ParseFloat(string(raw), 64)
	if err != nil || x < lo || x > hi {
		o.Fail(name, "%s is %s, must be from %v to %v", name, short(raw), lo, hi)
		return
	}
	*dst = float32(x)
}

// Positive sets dst to a number in (0, hi].
func (o *Object) Positive(name string, dst *float32, hi float64) {
	x := *dst
	o.Number(name, &x, 0, hi)
	switch {
	case o.err != nil:
	case x == 0:
		o.Fail(name, "%s is 0, must be above 0, to %v", name, hi)
	default:
		*dst = x
	}
}

// Texts sets dst to a list of strings; one string alone is a list of one.
func (o *Object) Texts(name string, dst *[]string) {
	raw, ok := o.value(name)
	if !ok {
		return
	}
	var one string
	if json.Unmarshal(raw, &one) == nil {
		*dst = []string{one}
		return
	}
	const want = "a string or a list of strings"
	if raw[0] != '[' {
		o.wrongType(name, want, raw)
		return
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	_, _ = d.Token() // the bracket; all of it is valid JSON
	list := []string{}
	for d.More() {
		text, _ := d.Token()
		one, ok := text.(string)
		switch {
		case !ok:
			o.wrongType(name, want, raw)
			return
		case len(list) == maxTexts:
			o.Fail(name, "%s holds more than %d strings", name, maxTexts)
			return
		}
		list = append(list, one)
	}
	*dst = list
}

// maxTexts bounds the memory of a list of strings: empty ones take little room
// in a body.
const maxTexts = 1000
