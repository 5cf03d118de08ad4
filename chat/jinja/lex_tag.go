package jinja

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

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
