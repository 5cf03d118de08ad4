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

func words(pre preTokenizer, text string) (out []string) {
	for i := 0; i < len(text); {
		j := pre.next(text, i)
		out = append(out, text[i:j])
		i = j
	}
	return out
}

// regexpWords splits as llama.cpp does: by each expression in turn what is left whole by those before
// it, at the borders of matches.
func regexpWords(t *testing.T, expressions []*regexp2.Regexp, text string) []string {
	var parts []string
	if text != "" {
		parts = []string{text}
	}
	for _, re := range expressions {
		var out []string
		for _, part := range parts {
			runes, at := []rune(part), 0
			m, err := re.FindRunesMatch(runes)
			for ; m != nil; m, err = re.FindNextMatch(m) {
				require.NoError(t, err)
				if m.Index > at {
					out = append(out, string(runes[at:m.Index]))
				}
				out = append(out, m.String())
				at = m.Index + m.Length
			}
			require.NoError(t, err)
			if at < len(runes) {
				out = append(out, string(runes[at:]))
			}
		}
		parts = out
	}
	return parts
}

// Every pre-tokenizer is held to the expressions that llama.cpp splits by.
func TestScannersEqualExpressions(t *testing.T) {
	pieces := []string{
		"a", "B", "word", "é", "ß", "天", "気", "ا", "ⅷ", "1", "23", "456", "7890123", "٣", "½", " ", "  ", "   ", "\t", "\n", "\r", "\r\n", "\n\n",
		"\u00a0", "\u3000", "\u2028", "\u0085", "\v", "\f", "\u200b", "\ufeff", "'", "''", "'s", "'S", "'ll", "'lL", "'re", "'r", "'ſ", "'K",
		"’s", ".", "!?", "-", "<", "|", "_", "`", "$+=^~", "@#", "€", "😀", "\u200d", "\u0301", "क", "\u093f", "\x00", "\U00020000", "\U0001D7D8",
		"\U000E0100", "\uFFFD", "s", "ll", "e",
	}
	for _, p := range preKinds {
		t.Run(p.names[0], func(t *testing.T) {
			var expressions []*regexp2.Regexp
			for _, e := range p.expressions {
				expressions = append(expressions, regexp2.MustCompile(e, regexp2.None))
			}
			pre := p.scanner(classes())
			random := rand.New(rand.NewPCG(1, 2))
			for range 6_000 {
				text := ""
				for range 1 + random.IntN(12) {
					text += pieces[random.IntN(len(pieces))]
				}
				require.Equal(t, regexpWords(t, expressions, text), words(pre, text), "%q", text)
			}
			for range 2_000 {
				text := ""
				for range 1 + random.IntN(12) {
					if r := rune(random.IntN(0x20000)); utf8.ValidRune(r) {
						text += string(r)
					}
				}
				require.Equal(t, regexpWords(t, expressions, text), words(pre, text), "%q", text)
			}
		})
	}
}

func TestScanner(t *testing.T) {
	for _, c := range []struct {
		pre, text string
		want      []string
	}{
		{"qwen2", "Hello, world!", []string{"Hello", ",", " world", "!"}},
		{"qwen2", "I'll we'Ve 'x 'ſt", []string{"I", "'ll", " we", "'Ve", " '", "x", " '", "ſt"}},
		{"qwen2", "a1234 5", []string{"a", "1", "2", "3", "4", " ", "5"}},
		{"qwen2", "a   b", []string{"a", "  ", " b"}},
		{"qwen2", "a   ", []string{"a", "   "}},
		{"qwen2", "a \n\n  b", []string{"a", " \n\n", " ", " b"}},
		{"qwen2", "f(x);\n\n\ty", []string{"f", "(x", ");\n\n", "\ty"}},
		{"qwen2", "x \t!", []string{"x", " ", "\t", "!"}},
		{"qwen2", " !\r\n", []string{" !\r\n"}},
		{"qwen2", "天气 很好", []string{"天气", " 很好"}},
		{"qwen2", "a\U0002EBF0", []string{"a\U0002EBF0"}}, // a letter since Unicode 15.1
		{"qwen2", "ki\u0301n", []string{"ki", "\u0301n"}},
		{"qwen35", "ki\u0301n \u0301", []string{"ki\u0301n", " \u0301"}},
		{"llama-bpe", "a1234 5", []string{"a", "123", "4", " ", "5"}},
		{"gpt-2", "I'll we'Ve 1234  !?\n\nx", []string{"I", "'ll", " we", "'", "Ve", " 1234", " ", " !?", "\n", "\n", "x"}},
		{"smollm", "in 1999  7!", []string{"in", " ", "1", "9", "9", "9", "  ", "7", "!"}},
		{"default", "it's  $12345.67 (٣123)", []string{"it", "'", "s", "  ", "$", "123", "45", ".", "67", " ", "(", "٣", "123", ")"}},
	} {
		require.Equal(t, c.want, words(findPre(c.pre).scanner(classes()), c.text), "%s: %q", c.pre, c.text)
	}
}

// The hash is that of llama.cpp's tables (Unicode 15.1). If a new Go brings a newer Unicode, its
// additions have to be taken out again.
func TestClassesEqualLlamaCpp(t *testing.T) {
	h := fnv.New64a()
	for cp := range rune(unicode.MaxRune + 1) {
		h.Write([]byte{byte(classes().of(cp))})
	}
	require.Equal(t, "6fc3c37708e09769", fmt.Sprintf("%016x", h.Sum64()))
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
