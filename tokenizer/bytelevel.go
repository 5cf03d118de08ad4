package tokenizer

import "unicode/utf8"

// The byte-level alphabet writes each byte as one printable character: the visible ones of Latin-1
// as themselves, the others as U+0100, U+0101 and so on, in the order of the bytes. A space is Ġ.
var (
	byteToRune [256]rune
	runeToByte [256 + 68]int16 // -1: not of the alphabet
)

func init() {
	for i := range runeToByte {
		runeToByte[i] = -1
	}
	hidden := rune(256)
	for b := range byteToRune {
		r := rune(b)
		if visible := b >= '!' && b <= '~' || b >= 0xA1 && b <= 0xAC || b >= 0xAE; !visible {
			r = hidden
			hidden++
		}
		byteToRune[b] = r
		runeToByte[r] = int16(b)
	}
}

// appendRaw appends the bytes that a text in the byte-level alphabet stands for. Characters that are
// not of the alphabet stand for themselves.
func appendRaw(dst []byte, text string) []byte {
	for i := 0; i < len(text); {
		r, n := rune(text[i]), 1
		if r >= utf8.RuneSelf {
			r, n = utf8.DecodeRuneInString(text[i:])
		}
		if int(r) < len(runeToByte) && runeToByte[r] >= 0 {
			dst = append(dst, byte(runeToByte[r]))
		} else {
			dst = append(dst, text[i:i+n]...)
		}
		i += n
	}
	return dst
}

// appendSpelled appends bytes as the byte-level alphabet writes them.
func appendSpelled(dst []byte, raw string) []byte {
	for i := range len(raw) {
		dst = utf8.AppendRune(dst, byteToRune[raw[i]])
	}
	return dst
}
