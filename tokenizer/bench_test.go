package tokenizer

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"cllm/gguf"
)

// BenchmarkNew is the start-up cost: 151,936 tokens and 151,387 merges.
func BenchmarkNew(b *testing.B) {
	qwen(b)
	f, err := gguf.Open(qwenPath())
	require.NoError(b, err)
	defer f.Close()
	for b.Loop() {
		_, err := New(f)
		require.NoError(b, err)
	}
}

func BenchmarkEncode(b *testing.B) {
	long := longTexts()
	for _, c := range []struct{ name, text string }{
		{"prose", string(readFile(b, "prose.txt.gz"))},
		{"mixed", long["mixed"]},
		{"ideographs", long["ideographs"]},
		{"one word", long["letters"]},
	} {
		b.Run(c.name, func(b *testing.B) {
			tok := qwen(b)
			ids := tok.Encode(nil, c.text, true)
			b.SetBytes(int64(len(c.text)))
			b.ReportAllocs()
			for b.Loop() {
				ids = tok.Encode(ids[:0], c.text, true)
			}
		})
	}
}

// BenchmarkEncodeSegments is a conversation; its rate must not fall with the number of messages.
func BenchmarkEncodeSegments(b *testing.B) {
	for _, n := range []int{100, 10_000} {
		b.Run(fmt.Sprintf("%d messages", n), func(b *testing.B) {
			tok, segments := qwen(b), conversation(n)
			text, _ := join(segments)
			ids := tok.EncodeSegments(nil, segments...)
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				ids = tok.EncodeSegments(ids[:0], segments...)
			}
		})
	}
}

// BenchmarkRunsOfBlanks is the worst text for tokens that are runs of blanks, as GPT-NeoX has them.
func BenchmarkRunsOfBlanks(b *testing.B) {
	var runs []string
	for n := 2; n <= 24; n++ {
		runs = append(runs, strings.Repeat(" ", n))
	}
	tok, err := build(alphabet(nil, append(runs, " no such token")...))
	require.NoError(b, err)
	text := strings.Repeat(strings.Repeat(" ", 23)+"x", 1<<14)
	ids := tok.Encode(nil, text, true)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		ids = tok.Encode(ids[:0], text, true)
	}
}

func BenchmarkDecode(b *testing.B) {
	tok := qwen(b)
	text := string(readFile(b, "prose.txt.gz"))
	ids := tok.Encode(nil, text, false)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		d := tok.NewDecoder(false)
		for _, id := range ids {
			d.Push(id)
		}
	}
}
