package tokenizer

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// alphabet is a vocabulary of all single bytes, with the merges and what they make, and the special
// tokens, of which those in angle brackets are control tokens.
func alphabet(merges []string, special ...string) *vocabulary {
	v := &vocabulary{model: "gpt2", kind: &byteBPEFile{"qwen2", merges}, ids: map[string]int64{}}
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

func (v *vocabulary) bpe() *byteBPEFile { return v.kind.(*byteBPEFile) }

// bpe is the tokenizer's kind, which all in these tests have.
func bpe(tok *Tokenizer) *byteBPE { return tok.kind.(*byteBPE) }

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
		{"pre", func(v *vocabulary) { v.bpe().pre = "gpt-4o" }, []string{keyPre, `"gpt-4o"`, "qwen2", "deepseek-r1-qwen", "default"}},
		{"no tokens", func(v *vocabulary) { v.tokens = nil }, []string{keyTokens}},
		{"types", func(v *vocabulary) { v.types = v.types[1:] }, []string{keyTypes, "257", "258", keyTokens}},
		{"duplicate", func(v *vocabulary) { v.tokens[7] = v.tokens[3] }, []string{keyTokens, "3", "7"}},
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
	v.types = append(v.types, typeControl) // one too many says nothing
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

// As in llama.cpp, a special token that the vocabulary does not have is none.
func TestSpecialTokensOutOfRange(t *testing.T) {
	v := alphabet(nil, "<s>", "<|fim_pad|>")
	v.ids = map[string]int64{keyBOS: 4294967295, keyEOS: -1, "tokenizer.ggml.eot_token_id": 258, "tokenizer.ggml.fim_pad_token_id": 1 << 40}
	v.addBOS, v.addEOS = true, true
	tok, err := build(v)
	require.NoError(t, err)
	require.Equal(t, int32(-1), tok.BOS())
	require.Empty(t, tok.BOSText())
	require.Equal(t, int32(-1), tok.EOS())
	require.False(t, tok.AddBOS())
	require.False(t, tok.AddEOS())
	require.Equal(t, []int32{257}, tok.EndTokens(), "found by its text, as if the key were absent")
	require.Equal(t, []string{"<s>"}, pieces(tok, tok.EncodePrompt("<s>", true)))
	warnings := strings.Join(tok.Warnings(), "\n")
	require.Len(t, tok.Warnings(), 6)
	for _, want := range []string{keyBOS + ": 4294967295 is outside the vocabulary of 258 tokens", keyEOS + ": -1", "eot_token_id: 258", "fim_pad_token_id: 1099511627776",
		keyAddBOS, keyAddEOS} {
		require.Contains(t, warnings, want)
	}
}

// Rules that name what is no token cannot apply. What a rule makes need not be a token: it may merge
// on, and falls apart into bytes at the end.
func TestMergesOfMissingTokens(t *testing.T) {
	for _, c := range []struct {
		name, text     string
		missing        []string // of the tokens that the merges name or make
		merges         []string
		want           []string
		never          string
		withoutWarning bool
	}{
		{"missing right", "abxx", []string{"xx"}, []string{"a xx", "a b"}, []string{"ab", "x", "x"}, `1 of 2 merges can never apply, as "a xx"`, false},
		{"no two tokens", "ab", nil, []string{"ab", "", "a ", "a b"}, []string{"ab"}, `3 of 4 merges can never apply`, false},
		{"missing result", "abcd!", []string{"abcd"}, []string{"a b", "c d", "ab cd"}, []string{"a", "b", "c", "d", "!"}, "", true},
		{"a missing result merges on", "abcde", []string{"abcd"}, []string{"a b", "c d", "ab cd", "abcd e"}, []string{"abcde"}, "", true},
		{"made by a later rule", "abcd", []string{"ab"}, []string{"ab c", "a b"}, []string{"abc", "d"}, "", true},
		{"missing byte", "ab", []string{"b"}, []string{"a b"}, []string{"ab"}, "", true},
		{"missing byte alone", "bab", []string{"b"}, []string{"a b"}, []string{"ab"}, "", true},
		{"a byte of a missing result", "ab", []string{"b", "ab"}, []string{"a b"}, []string{"a"}, "", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := alphabet(c.merges)
			for i, text := range v.tokens {
				if slices.Contains(c.missing, text) {
					v.tokens[i] = fmt.Sprintf("(%d)", i)
				}
			}
			tok, err := build(v)
			require.NoError(t, err)
			require.Equal(t, c.want, pieces(tok, tok.Encode(nil, c.text, false)))
			long := strings.Repeat(" "+c.text, 10)
			require.Equal(t, tok.Decode(tok.Encode(nil, long, false), false), strings.Repeat(" "+strings.Join(c.want, ""), 10))
			if c.withoutWarning {
				require.Empty(t, tok.Warnings())
			} else {
				require.Len(t, tok.Warnings(), 1)
				require.Contains(t, tok.Warnings()[0], c.never)
			}
		})
	}
}

func TestPreTokenizerNotGiven(t *testing.T) {
	for pre, want := range map[string]string{"": keyPre + " is missing", "default": keyPre + ` is "default"`} {
		v := alphabet([]string{"1 2", "12 3", "123 4"})
		v.bpe().pre = pre
		tok, err := build(v)
		require.NoError(t, err)
		require.Len(t, tok.Warnings(), 1)
		require.Contains(t, tok.Warnings()[0], want)
		require.Equal(t, []string{"123", "4"}, pieces(tok, tok.Encode(nil, "1234", false)))
	}
	require.Empty(t, demo(t).Warnings())
}

// Llama 3's vocabulary has tokens that its merges do not make from bytes.
func TestWholeWordsThatAreTokens(t *testing.T) {
	word := strings.Repeat("zé", 20)
	text := "ab abc1" + word
	for _, pre := range []string{"llama-bpe", "dbrx"} {
		v := alphabet([]string{"a b"})
		v.bpe().pre, v.bpe().merges = pre, nil
		v.tokens = append(v.tokens, string(appendSpelled(nil, " abc")), string(appendSpelled(nil, word)))
		v.types = nil
		tok, err := build(v)
		require.NoError(t, err)
		ids := tok.Encode(nil, text, false)
		require.Equal(t, text, tok.Decode(ids, false))
		if pre == "llama-bpe" {
			require.Equal(t, []string{"ab", " abc", "1", word}, pieces(tok, ids))
		} else {
			require.Len(t, ids, len(text), "bytes")
		}
	}
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
		ids = append(ids, bpe(tok).bytes[word[i]])
	}
	for {
		best, at := noMerge, 0
		for i := range len(ids) - 1 {
			if rank := bpe(tok).merges.rank(ids[i], ids[i+1]); rank < best {
				best, at = rank, i
			}
		}
		if best == noMerge {
			return ids
		}
		ids = slices.Replace(ids, at, at+2, bpe(tok).merges.made[best])
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
		e := bpe(tok).newEncoder().(*bpeEncoder)
		for range 300 {
			word := make([]byte, 1+random.IntN(60))
			for i := range word {
				word[i] = "abcd"[random.IntN(4)]
			}
			want := naive(tok, string(word))
			require.Equal(t, want, e.mergeLong(nil, string(word)), "%s", word)
			if len(word) <= maxShort {
				require.Equal(t, want, e.mergeShort(nil, string(word)), "%s", word)
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
