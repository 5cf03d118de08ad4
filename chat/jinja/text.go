package jinja

import (
	"strings"
	"unicode/utf8"
)

// Text is a string that knows which of its bytes a user wrote.
type Text struct {
	s    string
	user []span // ascending, apart from each other
}

// span is the bytes [lo, hi).
type span struct{ lo, hi int }

// Trusted is a text of the template's or the program's own.
func Trusted(s string) Text { return Text{s: s} }

// User is a text that a user wrote.
func User(s string) Text {
	if s == "" {
		return Text{}
	}
	return Text{s, []span{{0, len(s)}}}
}

// String is the whole text.
func (t Text) String() string { return t.s }

// Each calls f with the stretches of the text in turn.
func (t Text) Each(f func(text string, user bool)) {
	at := 0
	for _, u := range t.user {
		if at < u.lo {
			f(t.s[at:u.lo], false)
		}
		f(t.s[u.lo:u.hi], true)
		at = u.hi
	}
	if at < len(t.s) {
		f(t.s[at:], false)
	}
}

// slice is the bytes [lo, hi) of t.
func (t Text) slice(lo, hi int) Text {
	r := Text{s: t.s[lo:hi]}
	if len(t.user) == 1 && t.user[0].lo <= lo && hi <= t.user[0].hi {
		return User(r.s)
	}
	for _, u := range t.user {
		if a, b := max(u.lo, lo), min(u.hi, hi); a < b {
			r.user = append(r.user, span{a - lo, b - lo})
		}
	}
	return r
}

// mapped is t with every stretch changed by f.
func (t Text) mapped(f func(string) string) Text {
	if len(t.user) == 0 {
		return Text{s: f(t.s)}
	}
	var b builder
	t.Each(func(s string, user bool) { b.write(f(s), user) })
	return b.text()
}

// ascii says whether every character is a byte.
func (t Text) ascii() bool {
	for i := range len(t.s) {
		if t.s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// length is the number of characters.
func (t Text) length() int { return utf8.RuneCountInString(t.s) }

// chars are the characters of t, each a text.
func (t Text) chars() []Text {
	list := make([]Text, 0, len(t.s))
	for i := 0; i < len(t.s); {
		_, n := utf8.DecodeRuneInString(t.s[i:])
		list = append(list, t.slice(i, i+n))
		i += n
	}
	return list
}

// builder makes a text from pieces.
type builder struct {
	b    strings.Builder
	user []span
}

func (b *builder) write(s string, user bool) {
	if s == "" {
		return
	}
	if user {
		b.mark(b.b.Len(), b.b.Len()+len(s))
	}
	b.b.WriteString(s)
}

func (b *builder) mark(lo, hi int) {
	if n := len(b.user); n > 0 && b.user[n-1].hi == lo {
		b.user[n-1].hi = hi
		return
	}
	b.user = append(b.user, span{lo, hi})
}

func (b *builder) add(t Text) {
	at := b.b.Len()
	for _, u := range t.user {
		b.mark(at+u.lo, at+u.hi)
	}
	b.b.WriteString(t.s)
}

func (b *builder) text() Text { return Text{b.b.String(), b.user} }

func concat(ts ...Text) Text {
	var b builder
	n := 0
	for _, t := range ts {
		n += len(t.s)
	}
	b.b.Grow(n)
	for _, t := range ts {
		b.add(t)
	}
	return b.text()
}

func join(sep Text, list []Text) Text {
	var b builder
	for i, t := range list {
		if i > 0 {
			b.add(sep)
		}
		b.add(t)
	}
	return b.text()
}

// isSpace is Python's str.isspace for one character.
func isSpace(r rune) bool {
	switch r {
	case ' ', '\t', '\n', '\v', '\f', '\r', 0x1c, 0x1d, 0x1e, 0x1f, 0x85, 0xa0, 0x1680, 0x2028, 0x2029, 0x202f, 0x205f, 0x3000:
		return true
	}
	return r >= 0x2000 && r <= 0x200a
}

// strip cuts what in (nil: white space) accepts off the sides that are asked for.
func (t Text) strip(left, right bool, in func(rune) bool) Text {
	if in == nil {
		in = isSpace
	}
	lo, hi := 0, len(t.s)
	if left {
		lo = len(t.s) - len(strings.TrimLeftFunc(t.s, in))
	}
	if right {
		hi = max(lo, len(strings.TrimRightFunc(t.s, in)))
	}
	return t.slice(lo, hi)
}

// split cuts t at sep, at most n times if n >= 0.
func (t Text) split(sep string, n int) []Text {
	var list []Text
	at := 0
	for n != 0 {
		i := strings.Index(t.s[at:], sep)
		if i < 0 {
			break
		}
		list = append(list, t.slice(at, at+i))
		at += i + len(sep)
		n--
	}
	return append(list, t.slice(at, len(t.s)))
}

// rsplit is split from the right.
func (t Text) rsplit(sep string, n int) []Text {
	if n < 0 {
		return t.split(sep, -1)
	}
	var list []Text
	end := len(t.s)
	for ; n > 0; n-- {
		i := strings.LastIndex(t.s[:end], sep)
		if i < 0 {
			break
		}
		list = append(list, t.slice(i+len(sep), end))
		end = i
	}
	list = append(list, t.slice(0, end))
	for i, j := 0, len(list)-1; i < j; i, j = i+1, j-1 {
		list[i], list[j] = list[j], list[i]
	}
	return list
}

// words cuts t at runs of white space, at most n times if n >= 0.
func (t Text) words(n int) []Text {
	var list []Text
	rest := t.strip(true, false, nil)
	for rest.s != "" {
		end := strings.IndexFunc(rest.s, isSpace)
		if end < 0 {
			return append(list, rest)
		}
		if n == 0 {
			return append(list, rest.strip(false, true, nil))
		}
		list = append(list, rest.slice(0, end))
		rest = rest.slice(end, len(rest.s)).strip(true, false, nil)
		n--
	}
	return list
}

// lines is Python's str.splitlines.
func (t Text) lines(keep bool) []Text {
	var list []Text
	for at := 0; at < len(t.s); {
		end, next := len(t.s), len(t.s)
		for i, r := range t.s[at:] {
			n := utf8.RuneLen(r)
			if r == '\r' && strings.HasPrefix(t.s[at+i:], "\r\n") {
				n = 2
			}
			switch r {
			case '\n', '\r', '\v', '\f', 0x1c, 0x1d, 0x1e, 0x85, 0x2028, 0x2029:
				end, next = at+i, at+i+n
			default:
				continue
			}
			break
		}
		if keep {
			end = next
		}
		list = append(list, t.slice(at, end))
		at = next
	}
	return list
}

// replace puts new for each old, at most n times if n >= 0.
func (t Text) replace(old string, new Text, n int) Text {
	if n == 0 || old != "" && !strings.Contains(t.s, old) {
		return t
	}
	if old == "" {
		var b builder
		for i, c := range t.chars() {
			if n < 0 || i < n {
				b.add(new)
			}
			b.add(c)
		}
		if n < 0 || t.length() < n {
			b.add(new)
		}
		return b.text()
	}
	return join(new, t.split(old, n))
}

// Cut is the first n bytes of t.
func (t Text) Cut(n int) Text { return t.slice(0, n) }
