package tokenizer

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/dlclark/regexp2"
	"github.com/stretchr/testify/require"
)

// qwen2Pattern is the expression that the scanner stands for, as llama.cpp has it.
const qwen2Pattern = `(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}|` +
	` ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`

func words(text string) []string {
	sc := scanner{classes()}
	var out []string
	for i := 0; i < len(text); {
		j := sc.next(text, i)
		out = append(out, text[i:j])
		i = j
	}
	return out
}

func regexpWords(t *testing.T, re *regexp2.Regexp, text string) []string {
	var out []string
	m, err := re.FindStringMatch(text)
	for ; m != nil; m, err = re.FindNextMatch(m) {
		require.NoError(t, err)
		out = append(out, m.String())
	}
	require.NoError(t, err)
	return out
}

func TestScannerEqualsRegexp(t *testing.T) {
	re := regexp2.MustCompile(qwen2Pattern, regexp2.None)
	pieces := []string{
		"a", "B", "word", "é", "ß", "天", "気", "ا", "ⅷ", "1", "23", "٣", "½", " ", "  ", "   ", "\t", "\n", "\r", "\r\n", "\n\n",
		"\u00a0", "\u3000", "\u2028", "\u0085", "\v", "\f", "\u200b", "\ufeff", "'", "''", "'s", "'S", "'ll", "'lL", "'re", "'r", "'ſ", "'K",
		"’s", ".", "!?", "-", "<", "|", "_", "😀", "\u200d", "\u0301", "\x00", "\U00020000", "\U0001D7D8", "\uFFFD", "s", "ll", "e",
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 30_000 {
		text := ""
		for range 1 + random.IntN(12) {
			text += pieces[random.IntN(len(pieces))]
		}
		require.Equal(t, regexpWords(t, re, text), words(text), "%q", text)
	}
	for range 10_000 {
		text := ""
		for range 1 + random.IntN(12) {
			// Basic plane and symbols: above them the expression's tables lag behind.
			if r := rune(random.IntN(0x20000)); utf8.ValidRune(r) {
				text += string(r)
			}
		}
		require.Equal(t, regexpWords(t, re, text), words(text), "%q", text)
	}
}

func TestScanner(t *testing.T) {
	for _, c := range []struct {
		text string
		want []string
	}{
		{"Hello, world!", []string{"Hello", ",", " world", "!"}},
		{"I'll we'Ve 'x 'ſt", []string{"I", "'ll", " we", "'Ve", " '", "x", " '", "ſt"}},
		{"a1234 5", []string{"a", "1", "2", "3", "4", " ", "5"}},
		{"a   b", []string{"a", "  ", " b"}},
		{"a   ", []string{"a", "   "}},
		{"a \n\n  b", []string{"a", " \n\n", " ", " b"}},
		{"f(x);\n\n\ty", []string{"f", "(x", ");\n\n", "\ty"}},
		{"x \t!", []string{"x", " ", "\t", "!"}},
		{" !\r\n", []string{" !\r\n"}},
		{"天气 很好", []string{"天气", " 很好"}},
		{"a\U0002EBF0", []string{"a\U0002EBF0"}}, // a letter since Unicode 15.1
	} {
		require.Equal(t, c.want, words(c.text), "%q", c.text)
	}
}

// The hash is that of llama.cpp's tables (Unicode 15.1). If a new Go brings a newer Unicode, its
// additions have to be taken out again.
func TestClassesEqualLlamaCpp(t *testing.T) {
	h := fnv.New64a()
	for cp := range rune(unicode.MaxRune + 1) {
		h.Write([]byte{byte(classes().of(cp))})
	}
	require.Equal(t, "2d4f74cdb6ddfce8", fmt.Sprintf("%016x", h.Sum64()))
}

func TestRepair(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"plain", "plain"},
		{"a\xffb", "a\uFFFDb"},
		{"\xe4\xbd", "\uFFFD\uFFFD"},
		{"\xf0\x9f\x98!", "\uFFFD\uFFFD\uFFFD!"},
		{"\xc0\x80", "\x00"},                             // overlong: shortened
		{"\xed\xa0\x80", "\xed\xa0\x80"},                 // a surrogate: kept
		{"\xf0\x8d\xa0\x80", "\xed\xa0\x80"},             // an overlong surrogate
		{"\xf4\x90\x80\x80", "\uFFFD\uFFFD\uFFFD\uFFFD"}, // past U+10FFFF
		{"\xf8\x88\x80\x80\x80", "\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD"},
	} {
		require.Equal(t, c.want, repair(c.text), "%q", c.text)
	}
}
