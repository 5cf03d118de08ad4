package tokenizer

import (
	"sync"
	"unicode"
	"unicode/utf8"
)

// class is what a pre-tokenizer needs to know of a code point: one bit, so that sets of classes are
// classes too. Past the last byte of a text it is 0.
type class uint8

const (
	letter   class = 1 << iota // \p{L}
	number                     // \p{N}
	space                      // \s without \r and \n
	newline                    // \r, \n
	mark                       // \p{M}
	punct                      // \p{P}
	operator                   // $ + < = > ^ | ~, which the default pre-tokenizer takes with punctuation
	other                      // everything else

	white = space | newline                 // \s
	signs = mark | punct | operator | other // [^\s\p{L}\p{N}]
)

// classTable holds the classes of planes 0 and 1; of runes looks the others up.
type classTable [0x20000]class

// extensionI is the CJK block that Unicode 15.1 added. llama.cpp's tables have it, package unicode
// (15.0) does not yet.
const extensionILow, extensionIHigh = 0x2EBF0, 0x2EE5D

// classes builds the table on first use: about 0.2 ms.
var classes = sync.OnceValue(func() *classTable {
	table := new(classTable)
	for cp := range table {
		table[cp] = other
	}
	fill := func(ranges *unicode.RangeTable, c class) {
		for _, r := range ranges.R16 {
			for cp := uint32(r.Lo); cp <= uint32(r.Hi); cp += uint32(r.Stride) {
				table[cp] = c
			}
		}
		for _, r := range ranges.R32 {
			for cp := r.Lo; cp <= r.Hi && cp < uint32(len(table)); cp += r.Stride {
				table[cp] = c
			}
		}
	}
	fill(unicode.L, letter)
	fill(unicode.N, number)
	fill(unicode.M, mark)
	fill(unicode.P, punct)
	fill(unicode.White_Space, space)
	table['\r'], table['\n'] = newline, newline
	for _, b := range "$+<=>^|~" {
		table[b] = operator
	}
	return table
})

// of returns the class of one code point.
func (t *classTable) of(cp rune) class {
	switch {
	case uint32(cp) < uint32(len(t)):
		return t[cp]
	case cp >= extensionILow && cp <= extensionIHigh, unicode.Is(unicode.L, cp):
		return letter
	case unicode.Is(unicode.M, cp):
		return mark
	}
	return other
}

// decodeRune reads the code point at s[i] of a text that repair has passed: well-formed, though
// surrogates may stand in it.
func decodeRune(s string, i int) (rune, int) {
	switch b := s[i]; {
	case b < 0x80:
		return rune(b), 1
	case b < 0xE0:
		return rune(b&0x1F)<<6 | rune(s[i+1]&0x3F), 2
	case b < 0xF0:
		return rune(b&0x0F)<<12 | rune(s[i+1]&0x3F)<<6 | rune(s[i+2]&0x3F), 3
	default:
		return rune(b&0x07)<<18 | rune(s[i+1]&0x3F)<<12 | rune(s[i+2]&0x3F)<<6 | rune(s[i+3]&0x3F), 4
	}
}

// repair makes a text well-formed the way llama.cpp does: the shape of the bytes alone decides, so
// overlong forms are shortened and surrogates stay; every byte that fits no shape becomes U+FFFD.
// Code points past U+10FFFF, over which llama.cpp gives up, become U+FFFD byte by byte too.
func repair(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	out := make([]byte, 0, len(s)+len(s)/2)
	for i := 0; i < len(s); {
		n := shape(s[i:])
		if n == 0 {
			out = append(out, "\uFFFD"...)
			i++
			continue
		}
		cp, _ := decodeRune(s, i)
		if cp >= 0xD800 && cp <= 0xDFFF {
			out = append(out, 0xE0|byte(cp>>12), 0x80|byte(cp>>6&0x3F), 0x80|byte(cp&0x3F))
		} else {
			out = utf8.AppendRune(out, cp)
		}
		i += n
	}
	return string(out)
}

// shape returns the length of the byte sequence that starts s, or 0 when it is none.
func shape(s string) int {
	n := 0
	switch b := s[0]; {
	case b < 0x80:
		return 1
	case b < 0xC0 || b >= 0xF8:
		return 0
	case b < 0xE0:
		n = 2
	case b < 0xF0:
		n = 3
	default:
		n = 4
	}
	if len(s) < n {
		return 0
	}
	for i := 1; i < n; i++ {
		if s[i]&0xC0 != 0x80 {
			return 0
		}
	}
	if n == 4 {
		if cp, _ := decodeRune(s, 0); cp > utf8.MaxRune {
			return 0
		}
	}
	return n
}
