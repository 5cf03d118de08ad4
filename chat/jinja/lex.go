package jinja

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
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

var operators = []string{"**", "//", "==", "!=", ">=", "<=", "+", "-", "*", "/", "%", "~", "<", ">", "=", "(", ")", "[", "]", "{", "}", ",", ":", ".", "|"}

// inside reads the tokens of a tag up to its end.
func (l *lexer) inside(close string, k kind) error {
	begin := l.i
	l.depth = l.depth[:0]
	for l.i < len(l.s) {
		c := l.s[l.i]
		rest := l.s[l.i:]
		switch {
		case c == ' ' || c == '\t' || c == '\n' || c == '\v' || c == '\f':
			l.i++
		case len(l.depth) == 0 && strings.HasPrefix(rest, close):
			l.emit(k, "", l.i)
			l.close(2, 0, k == kBlockEnd)
			return nil
		case len(l.depth) == 0 && (c == '-' || c == '+') && strings.HasPrefix(rest[1:], close):
			l.emit(k, "", l.i)
			l.i++
			l.close(2, c, k == kBlockEnd)
			return nil
		case c == '"' || c == '\'':
			if err := l.str(c); err != nil {
				return err
			}
		case c >= '0' && c <= '9':
			if err := l.number(); err != nil {
				return err
			}
		default:
			if err := l.nameOrOp(rest); err != nil {
				return err
			}
		}
	}
	return l.errorf(begin, "the tag does not end: %s is missing", close)
}

func (l *lexer) nameOrOp(rest string) error {
	start := l.i
	for i, r := range rest {
		if r == '_' || unicode.IsLetter(r) || i > 0 && unicode.IsDigit(r) {
			l.i = start + i + utf8.RuneLen(r)
			continue
		}
		break
	}
	if l.i > start {
		l.emit(kName, l.s[start:l.i], start)
		return nil
	}
	for _, op := range operators {
		if !strings.HasPrefix(rest, op) {
			continue
		}
		switch op {
		case "(", "[", "{":
			if len(l.depth) >= maxNesting {
				return l.errorf(start, "brackets are nested more than %d deep", maxNesting)
			}
			l.depth = append(l.depth, op[0])
		case ")", "]", "}":
			pair := map[byte]byte{'(': ')', '[': ']', '{': '}'}
			if n := len(l.depth); n == 0 || pair[l.depth[n-1]] != op[0] {
				return l.errorf(start, "unexpected %q", op)
			}
			l.depth = l.depth[:len(l.depth)-1]
		}
		l.emit(kOp, op, start)
		l.i += len(op)
		return nil
	}
	r, _ := utf8.DecodeRuneInString(rest)
	return l.errorf(start, "unexpected character %q", r)
}

// number reads an integer or a float; digits may have _ between them.
func (l *lexer) number() error {
	start := l.i
	digits := func(set string) {
		for l.i < len(l.s) && (strings.IndexByte(set, l.s[l.i]) >= 0 || l.s[l.i] == '_') {
			l.i++
		}
	}
	const decimal = "0123456789"
	if l.s[l.i] == '0' && l.i+1 < len(l.s) && strings.IndexByte("xXoObB", l.s[l.i+1]) >= 0 {
		l.i += 2
		digits("0123456789abcdefABCDEF")
		return l.int(start)
	}
	digits(decimal)
	float := false
	if l.i+1 < len(l.s) && l.s[l.i] == '.' && l.s[l.i+1] >= '0' && l.s[l.i+1] <= '9' {
		float = true
		l.i++
		digits(decimal)
	}
	if l.i < len(l.s) && (l.s[l.i] == 'e' || l.s[l.i] == 'E') {
		j := l.i + 1
		if j < len(l.s) && (l.s[j] == '+' || l.s[j] == '-') {
			j++
		}
		if j < len(l.s) && l.s[j] >= '0' && l.s[j] <= '9' {
			float = true
			l.i = j
			digits(decimal)
		}
	}
	if !float {
		return l.int(start)
	}
	text := strings.ReplaceAll(l.s[start:l.i], "_", "")
	if _, err := strconv.ParseFloat(text, 64); err != nil {
		return l.errorf(start, "%s is not a number", text)
	}
	l.emit(kFloat, text, start)
	return nil
}

func (l *lexer) int(start int) error {
	text := strings.ReplaceAll(l.s[start:l.i], "_", "")
	if len(text) > 1 && text[0] == '0' && text[1] >= '0' && text[1] <= '9' && strings.Trim(text, "0") != "" {
		return l.errorf(start, "%s is not a number: it begins with 0", text)
	}
	n, err := strconv.ParseInt(text, 0, 64)
	if err != nil {
		return l.errorf(start, "%s is not an integer of 64 bits", text)
	}
	l.emit(kInt, strconv.FormatInt(n, 10), start)
	return nil
}

// str reads a string literal with Python's escapes.
func (l *lexer) str(quote byte) error {
	start := l.i
	var b strings.Builder
	for i := l.i + 1; i < len(l.s); i++ {
		c := l.s[i]
		switch {
		case c == quote:
			l.i = i + 1
			l.emit(kString, b.String(), start)
			return nil
		case c != '\\':
			b.WriteByte(c)
			continue
		}
		i++
		if i == len(l.s) {
			break
		}
		if j := strings.IndexByte("abfnrtv\\'\"\n", l.s[i]); j >= 0 {
			b.WriteString([]string{"\a", "\b", "\f", "\n", "\r", "\t", "\v", "\\", "'", "\"", ""}[j])
			continue
		}
		n := map[byte]int{'x': 2, 'u': 4, 'U': 8}[l.s[i]]
		switch {
		case n > 0:
			if i+n >= len(l.s) {
				return l.errorf(start, "the string does not end")
			}
			v, err := strconv.ParseUint(l.s[i+1:i+1+n], 16, 32)
			if err != nil || v > unicode.MaxRune {
				return l.errorf(i-1, "the escape \\%s is not a character", l.s[i:i+1+n])
			}
			b.WriteRune(rune(v))
			i += n
		case l.s[i] >= '0' && l.s[i] <= '7':
			v, j := rune(0), i
			for ; j < len(l.s) && j < i+3 && l.s[j] >= '0' && l.s[j] <= '7'; j++ {
				v = v*8 + rune(l.s[j]-'0')
			}
			b.WriteRune(v)
			i = j - 1
		default: // no escape: the backslash stays
			b.WriteByte('\\')
			b.WriteByte(l.s[i])
		}
	}
	return l.errorf(start, "the string does not end")
}
