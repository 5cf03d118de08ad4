package tokenizer

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestDecoderHoldsBackPartialCharacters(t *testing.T) {
	tok := demo(t)
	d := tok.NewDecoder(false)
	push := func(raw string) (shown []string) {
		for i := range len(raw) {
			shown = append(shown, d.Push(bpe(tok).bytes[raw[i]]))
		}
		return shown
	}
	require.Equal(t, []string{"a", "", "", "天", "", "", "", "😀"}, push("a天😀"))
	require.Empty(t, d.Flush())

	// The byte that breaks a character off shows that it will not be completed.
	require.Equal(t, []string{"", "", "\uFFFDa"}, push("\xe5\xa4a"))
	require.Equal(t, []string{"", "\uFFFD", "", "天"}, push("\xe5\xe5\xa4\xa9"))
	require.Equal(t, []string{"", ""}, push("\xf0\x9f"))
	require.Equal(t, "\uFFFD", d.Flush())
}

func TestDecoderControlTokens(t *testing.T) {
	tok := demo(t)
	begin, rest := bpe(tok).bytes[0xE5], []int32{bpe(tok).bytes[0xA4], bpe(tok).bytes[0xA9]}
	ids := append([]int32{begin, tok.EOS()}, rest...)
	require.Equal(t, "天", tok.Decode(ids, false), "hidden: the character goes on")
	require.Equal(t, "\uFFFD<|im_end|>\uFFFD\uFFFD", tok.Decode(ids, true))
}

func TestDecodeInvalid(t *testing.T) {
	tok := demo(t)
	for _, c := range []struct{ raw, want string }{
		{"\xe5\xa4", "\uFFFD"},
		{"\xff\xfe", "\uFFFD\uFFFD"},
		{"\xe5\xa4\xe5\xa4\xa9", "\uFFFD天"},
		{"\xe0\x80", "\uFFFD\uFFFD"},
		{"\xf0\x9f\x98x", "\uFFFDx"},
		{"\uFFFD", "\uFFFD"},
	} {
		var ids []int32
		for i := range len(c.raw) {
			ids = append(ids, bpe(tok).bytes[c.raw[i]])
		}
		require.Equal(t, c.want, tok.Decode(ids, false), "%q", c.raw)
	}
	require.Equal(t, "a", tok.Decode([]int32{-1, bpe(tok).bytes['a'], 1 << 30}, true), "ids outside the vocabulary")
}

func TestPushAllocates(t *testing.T) {
	tok := demo(t)
	id, _ := tok.ID("Ġthe")
	d := tok.NewDecoder(false)
	require.Zero(t, testing.AllocsPerRun(100, func() { d.Push(id) }))
}
