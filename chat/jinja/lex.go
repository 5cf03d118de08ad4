package jinja

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

type kind uint8

const (
	kEOF kind = iota
	kText
	kExprBegin  // {{
	kExprEnd    // }}
	kBlockBegin // {%
	kBlockEnd   // %}
	kName
	kString
	kInt
	kFloat
	kOp // val is the operator
)

type tok struct {
	kind kind
	val  string // of a string: its value
	pos  pos
}

type pos struct{ line, col int }

func (t tok) is(op string) bool  { return t.kind == kOp && t.val == op }
func (t tok) name(n string) bool { return t.kind == kName && t.val == n }
func (t tok) describe() string {
	switch t.kind {
	case kEOF:
		return "the end of the template"
	case kText:
		return "text"
	case kExprBegin:
		return `"{{"`
	case kExprEnd:
		return `"}}"`
	case kBlockBegin:
		return `"{%"`
	case kBlockEnd:
		return `"%}"`
	}
	return strconv.Quote(t.val)
}

// normalize unifies line ends and drops the last one, as Jinja2 does.
func normalize(s string) string {
	if strings.Contains(s, "\r") {
		s = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(s)
	}
	return strings.TrimSuffix(s, "\n")
}

// lexer cuts a template into tokens. White space around tags is dealt with
// here, so that the parser sees text as it will be written.
type lexer struct {
	s    string
	i    int
	toks []tok

	line, lineStart int // of position counted
	counted         int
	// fresh says that the text begins a line: at the start, or after a tag that
	// swallowed a line end.
	fresh bool
	depth []byte // open brackets
}

func lex(source string) ([]tok, error) {
	l := &lexer{s: source, line: 1, fresh: true}
	for l.i < len(l.s) {
		if err := l.next(); err != nil {
			return nil, err
		}
	}
	l.emit(kEOF, "", len(l.s))
	return l.toks, nil
}

func (l *lexer) at(i int) pos {
	for ; l.counted < i; l.counted++ {
		if l.s[l.counted] == '\n' {
			l.line++
			l.lineStart = l.counted + 1
		}
	}
	return pos{l.line, utf8.RuneCountInString(l.s[min(l.lineStart, i):i]) + 1}
}

func (l *lexer) emit(k kind, val string, i int) { l.toks = append(l.toks, tok{k, val, l.at(i)}) }

func (l *lexer) errorf(i int, format string, args ...any) error {
	p := l.at(i)
	return &Error{Line: p.line, Column: p.col, Message: fmt.Sprintf(format, args...)}
}

// next reads text up to the next tag, then the tag.
func (l *lexer) next() error {
	start := l.i
	at := l.tag(start)
	text := l.s[start:at]
	if at < len(l.s) {
		sign := byte(0)
		if at+2 < len(l.s) {
			sign = l.s[at+2]
		}
		switch {
		case sign == '-':
			text = strings.TrimRightFunc(text, isSpace)
		case sign != '+' && l.s[at+1] != '{':
			// lstrip_blocks: a tag that stands first on its line takes the
			// space before it along.
			line := strings.LastIndexByte(text, '\n') + 1
			if (line > 0 || l.fresh) && strings.TrimLeftFunc(text[line:], isSpace) == "" {
				text = text[:line]
			}
		}
	}
	if text != "" {
		l.emit(kText, text, start)
	}
	l.i = at
	if at == len(l.s) {
		return nil
	}
	switch l.s[at+1] {
	case '#':
		return l.comment()
	case '{':
		l.open(kExprBegin)
		return l.inside("}}", kExprEnd)
	}
	if end, ok := l.rawTag(at, "raw"); ok {
		return l.raw(at, end)
	}
	l.open(kBlockBegin)
	return l.inside("%}", kBlockEnd)
}

// tag is where the next tag begins, from i on.
func (l *lexer) tag(i int) int {
	for ; i < len(l.s); i++ {
		j := strings.IndexByte(l.s[i:], '{')
		if j < 0 {
			break
		}
		i += j
		if i+1 < len(l.s) && strings.IndexByte("{%#", l.s[i+1]) >= 0 {
			return i
		}
	}
	return len(l.s)
}

func (l *lexer) open(k kind) {
	l.emit(k, "", l.i)
	l.i += 2
	if l.i < len(l.s) && (l.s[l.i] == '-' || l.s[l.i] == '+') {
		l.i++
	}
}

// close passes the end of a tag at l.i, of n bytes, and the white space after it
// that goes with it: all with a "-" before it (sign), or the line's end after
// blocks and comments.
func (l *lexer) close(n int, sign byte, block bool) {
	l.i += n
	l.fresh = false
	switch {
	case sign == '-':
		rest := strings.TrimLeftFunc(l.s[l.i:], isSpace)
		end := len(l.s) - len(rest)
		l.fresh = end > l.i && l.s[end-1] == '\n'
		l.i = end
	case block && sign != '+' && l.i < len(l.s) && l.s[l.i] == '\n':
		l.i++
		l.fresh = true
	}
}

func (l *lexer) comment() error {
	end := strings.Index(l.s[l.i+2:], "#}")
	if end < 0 {
		return l.errorf(l.i, "the comment does not end")
	}
	end += l.i + 2
	sign := byte(0)
	if end > l.i+2 && (l.s[end-1] == '-' || l.s[end-1] == '+') {
		sign = l.s[end-1]
	}
	l.i = end
	l.close(2, sign, true)
	return nil
}

// rawTag says whether the tag at i is {% name %}, and where it ends.
func (l *lexer) rawTag(i int, name string) (end int, ok bool) {
	s := strings.TrimLeft(strings.TrimLeft(l.s[i+2:], "-+"), " \t\n")
	s, ok = strings.CutPrefix(s, name)
	if !ok {
		return 0, false
	}
	s = strings.TrimLeft(s, " \t\n")
	for _, close := range []string{"%}", "-%}", "+%}"} {
		if rest, found := strings.CutPrefix(s, close); found {
			return len(l.s) - len(rest), true
		}
	}
	return 0, false
}

// raw is {% raw %} … {% endraw %}, whose text is taken as it stands.
func (l *lexer) raw(begin, end int) error {
	l.i = end - 2
	l.close(2, l.s[end-3], true)
	for at := l.i; ; at++ {
		j := strings.Index(l.s[at:], "{%")
		if j < 0 {
			return l.errorf(begin, "raw does not end: endraw is missing")
		}
		at += j
		stop, ok := l.rawTag(at, "endraw")
		if !ok {
			continue
		}
		text := l.s[l.i:at]
		switch l.s[at+2] {
		case '-':
			text = strings.TrimRightFunc(text, isSpace)
		case '+':
		default:
			if line := strings.LastIndexByte(text, '\n') + 1; (line > 0 || l.fresh) && strings.TrimLeftFunc(text[line:], isSpace) == "" {
				text = text[:line]
			}
		}
		if text != "" {
			l.emit(kText, text, l.i)
		}
		l.i = stop - 2
		l.close(2, l.s[stop-3], true)
		return nil
	}
}
