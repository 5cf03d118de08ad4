package chat

import (
	"encoding/json"
	"slices"
	"strings"
)

// xmlCalls reads calls as Qwen3-Coder and Qwen3.5 write them:
//
//	<function=name>
//	<parameter=key>
//	value
//	</parameter>
//	</function>
//
// It is no XML: a value is everything up to a closing tag after which another
// parameter or the function's end stands, whatever looks like a tag within. The
// tool's schema says whether a value is text or JSON.
type xmlCalls struct {
	counter
	close string // what ends them: </tool_call>, or ""
	tools []Tool
	place xmlPlace
	tool  *schemaTypes
	key   string
	n     int    // parameters so far
	text  bool   // the value goes out as a string, as it comes
	sent  bool   // it has begun
	value string // what is not sent of it
	some  bool
}

type xmlPlace uint8

const (
	xmlOutside xmlPlace = iota // between functions
	xmlInside                  // between parameters
	xmlValue
)

const (
	functionOpen   = "<function="
	functionClose  = "</function>"
	parameterOpen  = "<parameter="
	parameterClose = "</parameter>"
)

func (x *xmlCalls) read(text string, end bool) (n int, status callStatus) {
	for {
		var m int
		switch x.place {
		case xmlOutside:
			m, status = x.outside(text[n:], end)
		case xmlInside:
			m, status = x.inside(text[n:], end)
		default:
			m, status = x.inValue(text[n:], end)
		}
		n += m
		if status != callMore || m == 0 {
			return n, status
		}
	}
}

// tag reads a tag <…=name>; more says that it is not whole yet.
func tag(text, open string, end bool) (name string, n int, more, ok bool) {
	if !strings.HasPrefix(text, open) {
		return "", 0, !end && strings.HasPrefix(open, text), false
	}
	i := strings.IndexAny(text[len(open):], ">\n")
	switch {
	case i < 0 && len(text) < len(open)+256:
		return "", 0, !end, false
	case i < 0 || text[len(open)+i] != '>':
		return "", 0, false, false
	}
	return strings.Trim(text[len(open):len(open)+i], " \"'"), len(open) + i + 1, false, true
}

func blanks(text string) int { return len(text) - len(strings.TrimLeft(text, " \t\r\n")) }

func (x *xmlCalls) outside(text string, end bool) (int, callStatus) {
	if n := blanks(text); n > 0 {
		return n, callMore
	}
	if text == "" {
		if end && x.some {
			return 0, callDone
		}
		return 0, callMore
	}
	if x.close != "" {
		if strings.HasPrefix(text, x.close) {
			if !x.some {
				return 0, callFailed
			}
			return len(x.close), callDone
		}
		if !end && strings.HasPrefix(x.close, text) {
			return 0, callMore
		}
	}
	name, n, more, ok := tag(text, functionOpen, end)
	switch {
	case more:
		return 0, callMore
	case ok && name != "":
		x.begin(name)
		x.arguments("{")
		x.tool, x.n, x.place = typesOf(x.tools, name), 0, xmlInside
		return n, callMore
	case x.some:
		return 0, callDone // the close is missing
	}
	return 0, callFailed
}

func (x *xmlCalls) inside(text string, end bool) (int, callStatus) {
	if n := blanks(text); n > 0 {
		return n, callMore
	}
	if strings.HasPrefix(text, functionClose) {
		x.arguments("}")
		x.counter.end()
		x.some, x.place = true, xmlOutside
		return len(functionClose), callMore
	}
	if text == "" || !end && strings.HasPrefix(functionClose, text) {
		return 0, callMore
	}
	name, n, more, ok := tag(text, parameterOpen, end)
	switch {
	case more:
		return 0, callMore
	case !ok:
		return 0, callFailed
	}
	x.key, x.place, x.sent, x.value = name, xmlValue, false, ""
	x.text = x.tool.isText(name)
	// The line break after the tag is the form's.
	return n, callMore
}

// inValue takes text of a value, up to where it may end.
func (x *xmlCalls) inValue(text string, end bool) (int, callStatus) {
	at, n, sure := valueEnd(text, end)
	if sure {
		x.add(text[:at], true)
		x.place = xmlInside
		return n, callMore
	}
	x.add(text[:at], false)
	return at, callMore
}

// valueEnd finds where a value ends: at a closing tag that another parameter, or
// the function's end, follows. at is how much of text certainly is the value's;
// n where its closing tag ends.
func valueEnd(text string, end bool) (at, n int, sure bool) {
	for from := 0; ; {
		i := strings.Index(text[from:], "</")
		if i < 0 {
			break
		}
		i += from
		rest := text[i:]
		for _, tag := range []string{parameterClose, functionClose} {
			if !strings.HasPrefix(rest, tag) {
				if strings.HasPrefix(tag, rest) && !end {
					return i, 0, false
				}
				continue
			}
			after := rest[len(tag):]
			after = after[blanks(after):]
			next, n := []string{parameterOpen, functionClose}, i+len(tag)
			if tag == functionClose { // the parameter was not closed
				next, n = []string{"</tool_call>", functionOpen}, i
			}
			if after == "" && end {
				return i, n, true
			}
			if slices.ContainsFunc(next, func(s string) bool { return strings.HasPrefix(after, s) }) {
				return i, n, true
			}
			if !end && slices.ContainsFunc(next, func(s string) bool { return strings.HasPrefix(s, after) }) {
				return i, 0, false
			}
		}
		from = i + 2
	}
	if !end && strings.HasSuffix(text, "<") {
		return len(text) - 1, 0, false
	}
	return len(text), 0, false
}

// add takes a part of the value; whole says that it is the last.
func (x *xmlCalls) add(part string, whole bool) {
	x.value += part
	if !x.text && !whole {
		return
	}
	if !x.sent {
		switch {
		case strings.HasPrefix(x.value, "\r\n"):
			x.value = x.value[2:]
		case strings.HasPrefix(x.value, "\n"):
			x.value = x.value[1:]
		case !whole && (x.value == "" || x.value == "\r"):
			return
		}
		if x.n++; x.n > 1 {
			x.arguments(", ")
		}
		x.arguments(quoted(x.key) + ": ")
		if x.text {
			x.arguments(`"`)
		}
		x.sent = true
	}
	if !x.text {
		x.arguments(x.tool.json(x.key, strings.TrimSuffix(x.value, "\n")))
		x.value = ""
		return
	}
	// The line break before the closing tag is the form's.
	shown := strings.TrimSuffix(strings.TrimSuffix(x.value, "\n"), "\r")
	x.value = x.value[len(shown):]
	q := quoted(shown)
	x.arguments(q[1 : len(q)-1])
	if whole {
		x.arguments(`"`)
		x.value = ""
	}
}

func (x *xmlCalls) repair() (string, bool) {
	switch {
	case !x.open:
		return "", false
	case x.place == xmlValue && x.text && x.sent:
		q := quoted(x.value)
		return q[1:len(q)-1] + `"}`, true
	}
	return "}", true
}

// quoted is a string as JSON.
func quoted(s string) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // no string fails
	return strings.TrimSuffix(b.String(), "\n")
}

// schemaTypes are the types that a tool's schema gives its parameters.
type schemaTypes struct {
	types map[string][]string // nil for what the schema does not say
}

func typesOf(tools []Tool, name string) *schemaTypes {
	s := &schemaTypes{types: map[string][]string{}}
	for _, t := range tools {
		if t.Name != name {
			continue
		}
		var schema struct {
			Properties map[string]json.RawMessage
		}
		if json.Unmarshal(t.Parameters, &schema) != nil {
			continue
		}
		for key, raw := range schema.Properties {
			s.types[key] = typeNames(raw, 0)
		}
	}
	return s
}

// typeNames are the types that a schema allows; nil when it does not say.
func typeNames(raw json.RawMessage, depth int) []string {
	var p struct {
		Type  json.RawMessage
		Enum  []any
		AnyOf []json.RawMessage
		OneOf []json.RawMessage
	}
	if json.Unmarshal(raw, &p) != nil || depth > 8 {
		return nil
	}
	var one string
	var names []string
	if json.Unmarshal(p.Type, &one) == nil {
		return []string{one}
	}
	if json.Unmarshal(p.Type, &names) == nil && len(names) > 0 {
		return names
	}
	for _, sub := range append(p.AnyOf, p.OneOf...) {
		names = append(names, typeNames(sub, depth+1)...)
	}
	if names == nil && len(p.Enum) > 0 && !slices.ContainsFunc(p.Enum, func(v any) bool { _, text := v.(string); return !text }) {
		return []string{"string"}
	}
	return names
}

// isText says that a parameter is a string and nothing else.
func (s *schemaTypes) isText(key string) bool {
	names := s.types[key]
	return len(names) > 0 && !slices.ContainsFunc(names, func(n string) bool { return n != "string" })
}

// json is a value that may be other than text: JSON where it is valid and the
// schema allows it, or else a string.
func (s *schemaTypes) json(key, value string) string {
	trimmed := strings.TrimSpace(value)
	names := s.types[key]
	for old, new := range map[string]string{"True": "true", "False": "false", "None": "null"} {
		if trimmed == old && len(names) > 0 {
			trimmed = new
		}
	}
	var v any
	if json.Unmarshal([]byte(trimmed), &v) != nil {
		return quoted(value)
	}
	kind := "object"
	switch v := v.(type) {
	case nil:
		kind = "null"
	case bool:
		kind = "boolean"
	case float64:
		if kind = "number"; v == float64(int64(v)) && slices.Contains(names, "integer") {
			kind = "integer"
		}
	case string:
		kind = "string"
	case []any:
		kind = "array"
	}
	if len(names) > 0 && !slices.Contains(names, kind) && slices.Contains(names, "string") {
		return quoted(value)
	}
	return trimmed
}
