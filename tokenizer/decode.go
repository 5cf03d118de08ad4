package tokenizer

import (
	"strings"
	"unicode/utf8"
)

// Decode returns the text of ids. Control tokens are left out unless special is true, ids outside
// the vocabulary always. Bytes that form no character become U+FFFD.
func (t *Tokenizer) Decode(ids []int32, special bool) string {
	var text strings.Builder
	d := t.NewDecoder(special)
	for _, id := range ids {
		text.WriteString(d.Push(id))
	}
	text.WriteString(d.Flush())
	return text.String()
}

// Decoder turns a stream of tokens into text that always consists of whole characters: the bytes of
// one that is not complete yet wait for the next token.
type Decoder struct {
	t       *Tokenizer
	special bool
	pending []byte // the beginning of a character
}

// NewDecoder starts a stream; special shows control tokens.
func (t *Tokenizer) NewDecoder(special bool) *Decoder {
	return &Decoder{t: t, special: special}
}

// Push adds a token and returns the text that is certain by now, often "".
func (d *Decoder) Push(id int32) string {
	piece := d.t.piece(id, d.special)
	if len(d.pending) == 0 && utf8.ValidString(piece) {
		return piece
	}
	d.pending = append(d.pending, piece...)
	var text strings.Builder
	n := 0
	for n < len(d.pending) && utf8.FullRune(d.pending[n:]) {
		r, size := utf8.DecodeRune(d.pending[n:])
		if r == utf8.RuneError && size == 1 {
			size = broken(d.pending[n:])
		}
		text.WriteRune(r)
		n += size
	}
	d.pending = d.pending[:copy(d.pending, d.pending[n:])]
	return text.String()
}

// Flush ends the stream: a character that was never completed is one U+FFFD.
func (d *Decoder) Flush() string {
	if len(d.pending) == 0 {
		return ""
	}
	d.pending = d.pending[:0]
	return string(utf8.RuneError)
}

// broken returns how many bytes at the start of p one U+FFFD stands for: those that began a
// character before the byte that broke it off (the Unicode standard's maximal subpart), at least one.
func broken(p []byte) int {
	n := 1
	for n < len(p) && !utf8.FullRune(p[:n]) && !utf8.FullRune(p[:n+1]) {
		n++
	}
	return n
}
