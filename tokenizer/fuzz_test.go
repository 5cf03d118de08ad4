package tokenizer

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

// Valid text comes back as it was, other text as its repaired form would be decoded.
func FuzzRoundTrip(f *testing.F) {
	tok := demo(f)
	for _, text := range []string{"", "Once upon a time", "天气😀", "<|im_end|><|im_start|>user\n", "  \n\n 'll1", "a\xff\xed\xa0\x80\xf0\x9f",
		strings.Repeat("ab", 20), "\xf4\x90\x80\x80"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		ids := tok.Encode(nil, text, false)
		special := tok.Encode(nil, text, true)
		if utf8.ValidString(text) {
			require.Equal(t, text, tok.Decode(ids, false))
			require.Equal(t, text, tok.Decode(special, true))
		}
		for _, id := range append(ids, special...) {
			require.True(t, id >= 0 && int(id) < tok.Size())
		}
	})
}

// However a text is cut into segments, it comes back as it was, with permission everywhere it is one
// text, and with none no token steers the model.
func FuzzSegments(f *testing.F) {
	tok := demo(f)
	for _, text := range []string{"<|im_start|>user\n\nfoo<|im_end|>\n", "天\u0301<|im_", "\xe5\xa4\xa9"} {
		for mask := range byte(8) {
			f.Add(text, uint(4), uint(9), mask)
		}
	}
	f.Fuzz(func(t *testing.T, text string, a, b uint, mask byte) {
		size := uint(len(text)) + 1
		low, high := min(a%size, b%size), max(a%size, b%size)
		ids := tok.EncodeSegments(nil, Segment{text[:low], mask&1 != 0}, Segment{text[low:high], mask&2 != 0}, Segment{text[high:], mask&4 != 0})
		if utf8.ValidString(text) {
			require.Equal(t, text, tok.Decode(ids, true))
		}
		switch mask & 7 {
		case 7:
			require.Equal(t, tok.Encode(nil, text, true), ids)
		case 0:
			require.Equal(t, tok.Encode(nil, text, false), ids, "the vocabulary has no user-defined tokens")
			require.False(t, slices.ContainsFunc(ids, tok.Control))
		}
	})
}

// However the tokens come, what the decoder shows is whole characters, and all together the text of
// the joined bytes with broken ones replaced.
func FuzzDecoder(f *testing.F) {
	tok := demo(f)
	f.Add([]byte("a\xe4\xbd\xa0\xff"))
	f.Add([]byte("\xf0\x9f\x98\x80\xf0\x9f\x98"))
	f.Add([]byte("\xe0\x80\xed\xa0\x80\xc0"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		d := tok.NewDecoder(false)
		var text strings.Builder
		var ids []int32
		for _, b := range raw {
			ids = append(ids, bpe(tok).bytes[b])
			piece := d.Push(bpe(tok).bytes[b])
			require.True(t, utf8.ValidString(piece))
			text.WriteString(piece)
		}
		text.WriteString(d.Flush())
		require.Empty(t, d.Flush())
		require.Equal(t, text.String(), tok.Decode(ids, false))

		whole := &Decoder{t: &Tokenizer{texts: []string{""}, types: []uint8{typeNormal}, raw: raw, rawEnd: []uint32{uint32(len(raw))}}}
		require.Equal(t, text.String(), whole.Push(0)+whole.Flush())
	})
}
