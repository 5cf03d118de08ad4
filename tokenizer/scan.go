package tokenizer

// scanner splits text into the words within which merges happen. It is the qwen2 pre-tokenizer,
//
//	(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])
//	|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
//
// written by hand, with llama.cpp's reading of it: letters fold in ASCII only, so that 'ſ (U+017F)
// is no contraction.
type scanner struct {
	table *classTable
}

// class returns the class and the length of the code point at s[i].
func (sc scanner) class(s string, i int) (class, int) {
	if i >= len(s) {
		return end, 0
	}
	if b := s[i]; b < 0x80 {
		return sc.table[b], 1
	}
	cp, n := decodeRune(s, i)
	return sc.table.of(cp), n
}

// skip returns the first position from i on that is not of class c.
func (sc scanner) skip(s string, i int, c class) int {
	for i < len(s) {
		if b := s[i]; b < 0x80 {
			if sc.table[b] != c {
				return i
			}
			i++
			continue
		}
		cp, n := decodeRune(s, i)
		if sc.table.of(cp) != c {
			return i
		}
		i += n
	}
	return i
}

// next returns the end of the word that starts at i; i must be within s.
func (sc scanner) next(s string, i int) int {
	first, n := sc.class(s, i)
	if s[i] == '\'' {
		if n := contraction(s[i+1:]); n > 0 {
			return i + 1 + n
		}
	}
	rest := i + n
	switch first {
	case letter:
		return sc.skip(s, rest, letter)
	case number:
		return rest
	case newline:
		return sc.blank(s, i)
	}
	second, n2 := sc.class(s, rest)
	switch {
	case second == letter:
		return sc.skip(s, rest+n2, letter)
	case first == other, s[i] == ' ' && second == other:
		return sc.skip(s, sc.skip(s, rest, other), newline)
	}
	return sc.blank(s, i)
}

// blank splits white space: up to its last newline if it has one; otherwise its last character is
// left to the word that follows, unless the text ends here or there is just one.
func (sc scanner) blank(s string, i int) int {
	last, lines, at := i, i, i
	for {
		c, n := sc.class(s, at)
		if c != space && c != newline {
			break
		}
		last, at = at, at+n
		if c == newline {
			lines = at
		}
	}
	switch {
	case lines > i:
		return lines
	case at == len(s) || last == i:
		return at
	}
	return last
}

// contraction returns the length of the s, t, m, d, re, ve or ll, in either case, that starts s.
func contraction(s string) int {
	if len(s) == 0 {
		return 0
	}
	switch s[0] | 0x20 {
	case 's', 't', 'm', 'd':
		return 1
	case 'r', 'v':
		if len(s) > 1 && s[1]|0x20 == 'e' {
			return 2
		}
	case 'l':
		if len(s) > 1 && s[1]|0x20 == 'l' {
			return 2
		}
	}
	return 0
}
