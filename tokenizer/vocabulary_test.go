package tokenizer

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// alphabet is a vocabulary of all single bytes, with the merges and what they make, and the special
// tokens, of which those in angle brackets are control tokens.
func alphabet(merges []string, special ...string) *vocabulary {
	v := &vocabulary{model: "gpt2", pre: "qwen2", merges: merges, ids: map[string]int64{}}
	for _, r := range byteToRune {
		v.tokens = append(v.tokens, string(r))
	}
	for _, rule := range merges {
		if made := strings.Replace(rule, " ", "", 1); !slices.Contains(v.tokens, made) {
			v.tokens = append(v.tokens, made)
		}
	}
	v.types = slices.Repeat([]int64{typeNormal}, len(v.tokens))
	for _, text := range special {
		v.tokens = append(v.tokens, text)
		if strings.HasPrefix(text, "<") {
			v.types = append(v.types, typeControl)
		} else {
			v.types = append(v.types, typeUserDefined)
		}
	}
	return v
}

func pieces(tok *Tokenizer, ids []int32) (out []string) {
	for _, id := range ids {
		out = append(out, tok.piece(id, true))
	}
	return out
}

func TestMalformedVocabulary(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func(*vocabulary)
		want  []string
	}{
		{"model", func(v *vocabulary) { v.model = "llama" }, []string{keyModel, `"llama"`, `"gpt2"`}},
		{"pre", func(v *vocabulary) { v.pre = "gpt-4o" }, []string{keyPre, `"gpt-4o"`, "qwen2", "deepseek-r1-qwen"}},
		{"no tokens", func(v *vocabulary) { v.tokens = nil }, []string{keyTokens}},
		{"types", func(v *vocabulary) { v.types = v.types[1:] }, []string{keyTypes, "257", "258", keyTokens}},
		{"duplicate", func(v *vocabulary) { v.tokens[7] = v.tokens[3] }, []string{keyTokens, "3", "7"}},
		{"merge of one", func(v *vocabulary) { v.merges[0] = "ab" }, []string{keyMerges + "[0]", `"ab"`}},
		{"empty merge", func(v *vocabulary) { v.merges[0] = "" }, []string{keyMerges + "[0]", `""`}},
		{"unknown left", func(v *vocabulary) { v.merges[0] = "xx b" }, []string{keyMerges + "[0]", `"xx"`, keyTokens}},
		{"unknown right", func(v *vocabulary) { v.merges[0] = "a " }, []string{keyMerges + "[0]", `""`, keyTokens}},
		{"unknown result", func(v *vocabulary) { v.merges[0] = "b a" }, []string{keyMerges + "[0]", `"ba"`, keyTokens}},
		{"negative BOS", func(v *vocabulary) { v.ids[keyBOS] = -1 }, []string{keyBOS, "-1", "258"}},
		{"EOS past the end", func(v *vocabulary) { v.ids[keyEOS] = 258 }, []string{keyEOS, "258"}},
		{"no BOS to add", func(v *vocabulary) { v.addBOS = true }, []string{keyAddBOS, keyBOS}},
		{"no EOS to add", func(v *vocabulary) { v.addEOS = true }, []string{keyAddEOS, keyEOS}},
		{"byte token", func(v *vocabulary) { v.types[5] = typeByte }, []string{keyTokens + "[5]", keyTypes}},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := alphabet([]string{"a b"}, "<s>")
			c.spoil(v)
			_, err := build(v)
			require.Error(t, err)
			for _, want := range c.want {
				require.ErrorContains(t, err, want)
			}
		})
	}
}

func TestOddVocabularies(t *testing.T) {
	v := alphabet([]string{"a b", "a b", "b c"}, "<s>", "<0x41>", "unused", "")
	v.types[len(v.tokens)-3] = typeByte
	v.types[len(v.tokens)-2] = 5
	v.types[len(v.tokens)-1] = -7
	v.ids[keyBOS], v.addBOS = 258, true
	tok, err := build(v)
	require.NoError(t, err)
	require.True(t, tok.AddBOS())
	require.Equal(t, "<s>", tok.Text(tok.BOS()))
	require.Equal(t, int32(-1), tok.EOS())
	require.Equal(t, []string{"ab", "c"}, pieces(tok, tok.Encode(nil, "abc", false)), "of two ranks the first counts")
	id, _ := tok.ID("<0x41>")
	require.Equal(t, "A", tok.Decode([]int32{id}, false))
	id, _ = tok.ID("unused")
	require.Empty(t, tok.Decode([]int32{id}, true))
	require.Equal(t, "[EMPTY_261]", tok.Text(261))

	// Without types all tokens are normal, but for those known by their text.
	v = alphabet(nil, "<|im_end|>", "<other>")
	v.types = nil
	tok, err = build(v)
	require.NoError(t, err)
	require.True(t, tok.Control(256))
	require.Equal(t, []int32{256}, tok.EndTokens())
	require.False(t, tok.Control(257))
	require.Equal(t, "<other>", tok.Decode([]int32{257}, false))

	// Bytes for which there is no token are left out.
	v = alphabet([]string{"a b"})
	v.tokens[byte('c')], v.tokens[0xE5] = "no", "such"
	tok, err = build(v)
	require.NoError(t, err)
	require.Equal(t, []string{"ab", "a"}, pieces(tok, tok.Encode(nil, "abcac", false)))
	long := strings.Repeat("abc", 20)
	require.Equal(t, slices.Repeat([]string{"ab"}, 20), pieces(tok, tok.Encode(nil, long, false)))
}

func TestEndTokensByKey(t *testing.T) {
	v := alphabet(nil, "<a>", "<b>", "<c>", "<|fim_pad|>", "<|endoftext|>")
	v.ids["tokenizer.ggml.eot_token_id"] = 256
	v.ids["tokenizer.ggml.fim_pad_token_id"] = 257
	v.ids[keyEOS] = 258
	tok, err := build(v)
	require.NoError(t, err)
	require.Equal(t, []int32{256, 257, 258, 260}, tok.EndTokens())
}

// Longer special tokens are found first, wherever they are; then the leftmost.
func TestOverlappingSpecialTokens(t *testing.T) {
	tok, err := build(alphabet(nil, "xy", "yzz", "<a>", "<a><a>", "   "))
	require.NoError(t, err)
	for _, c := range []struct {
		text    string
		special bool
		want    []string
	}{
		{"xyzz", false, []string{"x", "yzz"}},
		{"xyxyzz", false, []string{"xy", "x", "yzz"}},
		{"<a><a><a>", true, []string{"<a><a>", "<a>"}},
		{"<a>xy", false, []string{"<", "a", ">", "xy"}},
		{"-     -", false, []string{"-", "   ", " ", " ", "-"}},
	} {
		require.Equal(t, c.want, pieces(tok, tok.Encode(nil, c.text, c.special)), c.text)
	}
}

// naive merges as the definition has it, looking through the whole word every time.
func naive(tok *Tokenizer, word string) []int32 {
	var ids []int32
	for i := range len(word) {
		ids = append(ids, tok.bytes[word[i]])
	}
	for {
		best, at := noMerge, 0
		for i := range len(ids) - 1 {
			if rank := tok.merges.rank(ids[i], ids[i+1]); rank < best {
				best, at = rank, i
			}
		}
		if best == noMerge {
			return ids
		}
		ids = slices.Replace(ids, at, at+2, tok.merges.made[best])
	}
}

// Whatever the order of the merges, even one that no training gives, both ways of merging follow it.
func TestMergeEqualsDefinition(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for range 30 {
		made := []string{"a", "b", "c", "d"}
		var merges []string
		for len(merges) < 60 {
			left, right := made[random.IntN(len(made))], made[random.IntN(len(made))]
			if len(left+right) <= 9 && !slices.Contains(merges, left+" "+right) {
				merges = append(merges, left+" "+right)
				made = append(made, left+right)
			}
		}
		random.Shuffle(len(merges), func(i, j int) { merges[i], merges[j] = merges[j], merges[i] })
		tok, err := build(alphabet(merges))
		require.NoError(t, err)
		e := &encoder{t: tok}
		for range 300 {
			word := make([]byte, 1+random.IntN(60))
			for i := range word {
				word[i] = "abcd"[random.IntN(4)]
			}
			want := naive(tok, string(word))
			require.Equal(t, want, e.mergeLong(nil, string(word)), "%s", word)
			if len(word) <= maxShort {
				require.Equal(t, want, tok.mergeShort(nil, string(word)), "%s", word)
			}
			require.Equal(t, want, tok.Encode(nil, string(word), false), "%s", word)
		}
	}
}

// Words that differ only in the number of their zero bytes are not the same word to the cache.
func TestCachedWordsOfZeroBytes(t *testing.T) {
	tok := demo(t)
	for range 2 {
		for n := range 20 {
			word := strings.Repeat("\x00", n)
			require.Len(t, tok.Encode(nil, word, false), n)
			require.Equal(t, "!"+word+"a", tok.Decode(tok.Encode(nil, "!"+word+"a", false), false))
		}
	}
}
