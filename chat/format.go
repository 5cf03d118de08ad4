package chat

import (
	"encoding/json"
	"strings"
)

// format is how the model writes calls: what its template shows it.
func (f *form) format() format {
	switch {
	case strings.Contains(f.text, mistralMark):
		return mistralFormat{}
	case strings.Contains(f.text, gemmaOpen):
		return gemmaFormat{}
	case f.traits.tools && !strings.Contains(f.text, toolOpen) &&
		(strings.Contains(f.text, pythonTag) || strings.Contains(f.text, `"parameters"`)):
		return jsonFormat{}
	}
	return tagFormat{}
}

// ControlMarks says that the model marks calls by control tokens, so that its
// answer must be decoded with them.
func (t *Template) ControlMarks() bool {
	_, tags := t.tools.format().(tagFormat)
	return !tags
}

const (
	toolOpen  = "<tool_call>"
	toolClose = "</tool_call>"
	pythonTag = "<|python_tag|>"
)

// findMarks is find for calls that fixed texts open.
func findMarks(text string, marks ...string) (at, n, hold int) {
	at = -1
	for _, m := range marks {
		if i := strings.Index(text, m); i >= 0 && (at < 0 || i < at) {
			at, n = i, len(m)
		}
		hold = max(hold, partial(text, m))
	}
	return at, n, hold
}

// tagFormat is <tool_call>…</tool_call> with JSON (Hermes: Qwen2.5, Qwen3) or
// functions and parameters in tags (Qwen3-Coder, Qwen3.5) within. A function in
// tags without <tool_call>, and an answer that is one JSON object, bare or in a
// fence, are taken too: small models forget.
type tagFormat struct{}

func (tagFormat) find(text string, start, end bool) (at, n, hold int) {
	at, n, hold = findMarks(text, toolOpen, functionOpen)
	if start && (at < 0 || blanks(text) < at) {
		if at, n, hold, ok := unmarked(text); ok {
			return at, n, hold
		}
	}
	return at, n, hold
}

func (tagFormat) open(mark string, tools []Tool) callReader {
	switch mark {
	case toolOpen:
		return &tagCalls{tools: tools}
	case functionOpen:
		return &bareFunction{xmlCalls{tools: tools}, true}
	}
	return unmarkedCalls(mark, tools)
}

const fence = "```"

// unmarked opens a call at an object that begins the answer, also within a fence
// of Markdown, as models for code write it; ok says that there may be one.
func unmarked(text string) (at, n, hold int, ok bool) {
	k := blanks(text)
	rest := text[k:]
	switch {
	case strings.HasPrefix(fence, rest): // nothing, or a fence that has begun
		return -1, 0, len(text), true
	case rest[0] == '{':
		return k, 0, 0, true
	case !strings.HasPrefix(rest, fence):
		return 0, 0, 0, false
	}
	n = len(fence)
	for n < len(rest) && n < len(fence)+maxLanguage && (rest[n] >= 'a' && rest[n] <= 'z' || rest[n] == '_') {
		n++
	}
	n += blanks(rest[n:])
	switch {
	case n == len(rest):
		return -1, 0, len(text), true
	case rest[n] == '{':
		return k, n, 0, true
	}
	return 0, 0, 0, false
}

// maxLanguage is how long the language of a fence may be.
const maxLanguage = 16

// unmarkedCalls reads what [unmarked] opens: a call only if it names one of the
// tools, since an answer may be any JSON.
func unmarkedCalls(mark string, tools []Tool) callReader {
	j := &jsonCalls{strict: true, tools: tools}
	if mark != "" {
		j.close = fence
	}
	return j
}

// tagCalls chooses by what follows the tag.
type tagCalls struct {
	callReader
	tools []Tool
}

func (t *tagCalls) read(text string, end bool) (int, callStatus) {
	n := 0
	if t.callReader == nil {
		n = blanks(text)
		switch rest := text[n:]; {
		case rest == "":
			return n, callMore
		case strings.HasPrefix(rest, functionOpen):
			t.callReader = &xmlCalls{close: toolClose, tools: t.tools}
		case !end && strings.HasPrefix(functionOpen, rest):
			return n, callMore
		default:
			t.callReader = &jsonCalls{close: toolClose}
		}
	}
	m, status := t.callReader.read(text[n:], end)
	return n + m, status
}

func (t *tagCalls) take() []Event {
	if t.callReader == nil {
		return nil
	}
	return t.callReader.take()
}

func (t *tagCalls) repair() (string, bool) {
	if t.callReader == nil {
		return "", false
	}
	return t.callReader.repair()
}

func (t *tagCalls) total() int {
	if t.callReader == nil {
		return 0
	}
	return t.callReader.total()
}

// bareFunction is a function in tags that no <tool_call> stands before; a stray
// </tool_call> may follow.
type bareFunction struct {
	xmlCalls
	first bool
}

func (b *bareFunction) read(text string, end bool) (int, callStatus) {
	if b.first {
		i := strings.IndexAny(text, ">\n")
		if i < 0 && !end && len(text) < 256 {
			return 0, callMore
		}
		n, status := b.xmlCalls.read(functionOpen+text, end)
		if n < len(functionOpen) {
			return 0, callFailed
		}
		b.first = false
		return n - len(functionOpen), status
	}
	return b.xmlCalls.read(text, end)
}

// jsonFormat is Llama 3's: an object, after <|python_tag|> or at the answer's
// beginning, more of them after semicolons.
type jsonFormat struct{}

func (jsonFormat) find(text string, start, _ bool) (at, n, hold int) {
	at, n, hold = findMarks(text, pythonTag)
	if start && (at < 0 || blanks(text) < at) {
		if at, n, hold, ok := unmarked(text); ok {
			return at, n, hold
		}
	}
	return at, n, hold
}

func (jsonFormat) open(mark string, tools []Tool) callReader {
	if mark == pythonTag {
		return &jsonCalls{}
	}
	return unmarkedCalls(mark, tools)
}

type mistralFormat struct{}

func (mistralFormat) find(text string, start, _ bool) (at, n, hold int) {
	return findMarks(text, mistralMark)
}

func (mistralFormat) open(string, []Tool) callReader { return &mistralCalls{} }

type gemmaFormat struct{}

func (gemmaFormat) find(text string, _, _ bool) (at, n, hold int) { return findMarks(text, gemmaOpen) }

func (gemmaFormat) open(string, []Tool) callReader { return &gemmaCalls{} }

func isJSON(s string) bool { return json.Valid([]byte(s)) }
