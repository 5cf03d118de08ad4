package tokenizer

import (
	"testing"

	"github.com/stretchr/testify/require"

	"cllm/gguf"
	"cllm/gguf/gguftest"
)

func TestNewFromFile(t *testing.T) {
	good := func() map[string]any {
		v := alphabet([]string{"a b"}, "<s>")
		return map[string]any{
			keyModel: "gpt2", keyPre: "deepseek-r1-qwen", keyTokens: v.tokens, keyMerges: v.merges,
			keyTypes: int32s(v.types), keyBOS: uint32(257), keyEOS: int32(257), keyAddBOS: true, keyAddEOS: false,
		}
	}
	load := func(t *testing.T, keys map[string]any) (*Tokenizer, error) {
		b := gguftest.New()
		for key, value := range keys {
			b.Set(key, value)
		}
		f, err := gguf.Open(b.Write(t, "vocabulary.gguf"))
		require.NoError(t, err)
		defer f.Close()
		return New(f)
	}

	tok, err := load(t, good())
	require.NoError(t, err)
	require.Equal(t, int32(257), tok.BOS())
	require.True(t, tok.AddBOS())
	require.Equal(t, []string{"<s>", "ab"}, pieces(tok, tok.Encode(nil, "<s>ab", true)), "the file is closed by now")

	for _, key := range []string{keyModel, keyPre, keyTokens, keyMerges} {
		keys := good()
		delete(keys, key)
		_, err := load(t, keys)
		require.ErrorIs(t, err, gguf.ErrMissing)
		require.ErrorContains(t, err, key)
	}
	for _, key := range []string{keyTypes, keyEOS, keyAddEOS} {
		keys := good()
		delete(keys, key)
		_, err := load(t, keys)
		require.NoError(t, err, key)
	}
	for key, value := range map[string]any{
		keyModel: uint32(1), keyTokens: []uint32{1}, keyMerges: "a b", keyTypes: "x", keyBOS: "x", keyAddBOS: uint8(1),
		keyTemplate: true, "tokenizer.ggml.eot_token_id": float32(1),
	} {
		keys := good()
		keys[key] = value
		_, err := load(t, keys)
		require.ErrorContains(t, err, key)
	}
	keys := good()
	keys[keyBOS] = int32(-5)
	_, err = load(t, keys)
	require.ErrorContains(t, err, keyBOS+": -5")
}

func int32s(in []int64) []int32 {
	out := make([]int32, len(in))
	for i, n := range in {
		out[i] = int32(n)
	}
	return out
}
