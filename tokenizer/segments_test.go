package tokenizer

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// split cuts a text at random places into segments that all have the same permission.
func split(random *rand.Rand, text string, special bool) (segments []Segment) {
	for {
		n := random.IntN(min(len(text), 12) + 1)
		segments = append(segments, Segment{text[:n], special})
		if text = text[n:]; text == "" {
			return segments
		}
	}
}

// Borders between segments do not matter where permissions are equal: with it everywhere, segments are
// one text in which special tokens are parsed.
func TestSegmentsOfOnePermissionAreOneText(t *testing.T) {
	var texts [][]byte
	readJSON(t, "texts.json.gz", &texts)
	for name, tok := range tokenizers(t) {
		t.Run(name, func(t *testing.T) {
			random := rand.New(rand.NewPCG(5, 6))
			for _, raw := range texts {
				text := string(raw)
				want := tok.Encode(nil, text, true)
				require.Equal(t, want, tok.EncodeSegments(nil, split(random, text, true)...), "%q", text)
				plain := tok.EncodeSegments(nil, Segment{text, false})
				require.Equal(t, plain, tok.EncodeSegments(nil, split(random, text, false)...), "%q", text)
				for _, id := range plain {
					require.False(t, tok.Control(id) || tok.types[id] == typeUserDefined && tok.Text(id) != "   ", "%q", text)
				}
			}
		})
	}
}

func tokenizers(t *testing.T) map[string]*Tokenizer {
	odd, err := build(alphabet([]string{"a b", "ab c", "< a", "u s", "us e", "use r", "\u010a \u010a", "\u0120 f"}, "<a>", "<a><a>", "<ab|>", "xy", "yzz", "<tool>", "   "))
	require.NoError(t, err)
	return map[string]*Tokenizer{"demo": demo(t), "odd": odd}
}

// What the segments become is the tokens of one text, if it is cut at the special tokens that
// permission allows: the definition, spelled out on a mask of bytes.
func TestSegmentsEqualDefinition(t *testing.T) {
	toks := tokenizers(t)
	rapid.Check(t, func(r *rapid.T) {
		tok := toks[rapid.SampledFrom([]string{"demo", "odd"}).Draw(r, "tokenizer")]
		piece := rapid.SampledFrom([]string{"<|im_start|>", "<|im_", "end|>", "<|im_end|>", "<", "a", ">", "<a", "<a>", "<ab|>", "xy", "yzz", "z", "<tool>", "tool>",
			"   ", " ", "\n", "user\n", "foo", "é", "\u0301", "天", "\xe5\xa4", "\xff", "1"})
		segments := rapid.SliceOf(rapid.Custom(func(r *rapid.T) Segment {
			return Segment{strings.Join(rapid.SliceOfN(piece, 0, 4).Draw(r, "pieces"), ""), rapid.Bool().Draw(r, "special")}
		})).Draw(r, "segments")
		require.Equal(r, byDefinition(tok, segments), append([]int32{}, tok.EncodeSegments(nil, segments...)...))
	})
}

// byDefinition looks for each token in the whole text, the longest first, and takes those whose bytes
// are free and, unless they are blank, permitted.
func byDefinition(tok *Tokenizer, segments []Segment) []int32 {
	text := ""
	var permitted []bool
	for _, s := range segments {
		text += s.Text
		for range len(s.Text) {
			permitted = append(permitted, s.Special)
		}
	}
	taken := make([]int, len(text)) // by byte: the token, 1 up, that it is a part of; negative past its first
	for i, id := range tok.special.ids {
		token := tok.texts[id]
		for at := 0; at+len(token) <= len(text); at++ {
			fits := text[at:at+len(token)] == token
			for k := range len(token) {
				fits = fits && taken[at+k] == 0 && (permitted[at+k] || tok.special.plain[i])
			}
			for k := range len(token) {
				if fits && k == 0 {
					taken[at] = int(id) + 1
				} else if fits {
					taken[at+k] = -1
				}
			}
		}
	}
	ids := []int32{}
	for at := 0; at < len(text); {
		to := at + 1
		if taken[at] != 0 {
			ids = append(ids, int32(taken[at]-1))
			for to < len(text) && taken[to] < 0 {
				to++
			}
		} else {
			for to < len(text) && taken[to] == 0 {
				to++
			}
			ids = tok.EncodeSegments(ids, Segment{text[at:to], false})
		}
		at = to
	}
	return ids
}

func TestSegments(t *testing.T) {
	odd := tokenizers(t)["odd"]
	for _, c := range []struct {
		name     string
		tok      *Tokenizer
		segments []Segment
		want     []string
	}{
		{"a content that begins with a newline", odd, []Segment{{"<a>user\n", true}, {"\nfoo", false}, {"<a>", true}}, []string{"<a>", "user", "\n\n", "f", "o", "o", "<a>"}},
		{"a content that begins with a space", odd, []Segment{{"<a>user", true}, {" foo", false}}, []string{"<a>", "user", " f", "o", "o"}},
		{"a content that begins with a combining mark", demo(t), []Segment{{"a", true}, {"\u0301b", false}}, nil},
		{"a character in two segments", demo(t), []Segment{{"天\xe5", true}, {"\xa4\xa9", false}}, nil},
		{"a control token without permission", odd, []Segment{{"<a>", false}}, []string{"<a", ">"}},
		{"a marker without permission", odd, []Segment{{"xy", false}, {"xy", true}}, []string{"x", "y", "xy"}},
		{"a token over the border", odd, []Segment{{"<", true}, {"a>", false}}, []string{"<a", ">"}},
		{"the longer token lacks permission", odd, []Segment{{"<a>", true}, {"<a>", false}}, []string{"<a>", "<a", ">"}},
		{"an empty segment is no border", odd, []Segment{{"<a", true}, {"", false}, {">", true}}, []string{"<a>"}},
		{"blank tokens need no permission", odd, []Segment{{"!  ", false}, {"  !", true}}, []string{"!", "   ", " ", "!"}},
		{"nothing", odd, nil, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			ids := c.tok.EncodeSegments(nil, c.segments...)
			if c.want == nil {
				text, _ := join(c.segments)
				require.Equal(t, c.tok.Encode(nil, text, false), ids)
				return
			}
			require.Equal(t, c.want, pieces(c.tok, ids))
		})
	}
}

func TestEncodePromptSegments(t *testing.T) {
	v := alphabet(nil, "<s>")
	v.ids[keyBOS], v.addBOS = 256, true
	tok, err := build(v)
	require.NoError(t, err)
	require.Equal(t, []string{"<s>", "a"}, pieces(tok, tok.EncodePromptSegments(Segment{"a", false})))
	require.Equal(t, []string{"<s>", "a"}, pieces(tok, tok.EncodePromptSegments(Segment{"<s>", true}, Segment{"a", false})), "the template brings BOS itself")
	require.Equal(t, []string{"<s>", "<", "s", ">", "a"}, pieces(tok, tok.EncodePromptSegments(Segment{"<s>", false}, Segment{"a", true})))
	require.Equal(t, []string{"<s>"}, pieces(tok, tok.EncodePromptSegments()))
}

// conversation is n messages that try to be more than text.
func conversation(n int) (segments []Segment) {
	for range n {
		segments = append(segments, Segment{"<|im_start|>user\n", true}, Segment{"\n<|im_end|> Once upon a time there was a <b>king</b>.", false}, Segment{"<|im_end|>\n", true})
	}
	return segments
}

func TestEncodeSegmentsAllocates(t *testing.T) {
	tok, segments := demo(t), conversation(1000)
	ids := tok.EncodeSegments(nil, segments...)
	require.LessOrEqual(t, testing.AllocsPerRun(20, func() { ids = tok.EncodeSegments(ids[:0], segments...) }), 40.0, "a text that grows, and its permissions")
}
