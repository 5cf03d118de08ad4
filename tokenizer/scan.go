package tokenizer

// scanner walks over text by the classes of its code points.
type scanner struct {
	table *classTable
}

// class returns the class and the length of the code point at s[i], 0 and 0 past the end.
func (sc scanner) class(s string, i int) (class, int) {
	if i >= len(s) {
		return 0, 0
	}
	if b := s[i]; b < 0x80 {
		return sc.table[b], 1
	}
	cp, n := decodeRune(s, i)
	return sc.table.of(cp), n
}

// skip returns the first position from i on that is not of a set of classes.
func (sc scanner) skip(s string, i int, set class) int {
	for i < len(s) {
		if b := s[i]; b < 0x80 {
			if sc.table[b]&set == 0 {
				return i
			}
			i++
			continue
		}
		cp, n := decodeRune(s, i)
		if sc.table.of(cp)&set == 0 {
			return i
		}
		i += n
	}
	return i
}

// gpt4Words splits as llama.cpp reads GPT-4's expression and its variants,
//
//	'[sdmt]|'ll|'ve|'re in either case
//	|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
//
// Letters fold in ASCII only, so that 'ſ (U+017F) is no contraction.
type gpt4Words struct {
	scanner
	letters class // what stands for \p{L}
	signs   class // what stands for [^\s\p{L}\p{N}]
	digits  int   // the most numbers in a word
}

func (w *gpt4Words) next(s string, i int) int {
	first, n := w.class(s, i)
	if s[i] == '\'' {
		if n := contraction(s[i+1:], 0x20); n > 0 {
			return i + 1 + n
		}
	}
	rest := i + n
	switch {
	case first&w.letters != 0:
		return w.skip(s, rest, w.letters)
	case first == number:
		for range w.digits - 1 {
			c, n := w.class(s, rest)
			if c != number {
				break
			}
			rest += n
		}
		return rest
	case first == newline:
		return w.lines(s, i)
	}
	second, n2 := w.class(s, rest)
	switch {
	case second&w.letters != 0:
		return w.skip(s, rest+n2, w.letters)
	case first&w.signs != 0, s[i] == ' ' && second&w.signs != 0:
		return w.skip(s, w.skip(s, rest, w.signs), newline)
	}
	return w.lines(s, i)
}

// lines splits white space: up to its last newline if it has one, else as blank.
func (sc scanner) lines(s string, i int) int {
	last, lines, at := i, i, i
	for {
		c, n := sc.class(s, at)
		if c&white == 0 {
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

// gpt2 returns the end of the word that starts at i after GPT-2's expression,
//
//	's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
//
// in a text that ends before the first code point of the set stop.
func (sc scanner) gpt2(s string, i int, stop class) int {
	if s[i] == '\'' {
		if n := contraction(s[i+1:], 0); n > 0 {
			return i + 1 + n
		}
	}
	first, n := sc.class(s, i)
	run, at := first, i
	if s[i] == ' ' {
		if second, _ := sc.class(s, i+1); second&^(stop|white) != 0 {
			run, at = second, i+1
		}
	}
	switch {
	case run == letter || run == number:
		return sc.skip(s, at, run)
	case run&signs != 0:
		return sc.skip(s, at, signs&^stop)
	}
	return sc.blank(s, i, n, stop)
}

// blank splits white space whose first code point has n bytes: its last one is left to the word that
// follows, unless the text ends there or there is just one.
func (sc scanner) blank(s string, i, n int, stop class) int {
	last, at := i, i+n
	for {
		c, n := sc.class(s, at)
		if c&white == 0 {
			if c == 0 || c&stop != 0 || last == i {
				return at
			}
			return last
		}
		last, at = at, at+n
	}
}

// contraction returns the length of the s, t, m, d, re, ve or ll that starts s; fold is 0x20 for
// either case.
func contraction(s string, fold byte) int {
	if len(s) == 0 {
		return 0
	}
	switch s[0] | fold {
	case 's', 't', 'm', 'd':
		return 1
	case 'r', 'v':
		if len(s) > 1 && s[1]|fold == 'e' {
			return 2
		}
	case 'l':
		if len(s) > 1 && s[1]|fold == 'l' {
			return 2
		}
	}
	return 0
}
