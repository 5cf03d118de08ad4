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
			keyModel: "gpt2", keyPre: "deepseek-r1-qwen", keyTokens: v.tokens, keyMerges: v.bpe().merges,
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

	for _, key := range []string{keyModel, keyTokens, keyMerges} {
		keys := good()
		delete(keys, key)
		_, err := load(t, keys)
		require.ErrorIs(t, err, gguf.ErrMissing)
		require.ErrorContains(t, err, key)
	}
	for _, key := range []string{keyPre, keyTypes, keyEOS, keyAddEOS} {
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
	keys[keyTemplate], keys[keyTemplate+".tool_use"], keys["tokenizer.chat_templates"] = "plain", "with tools", []string{"tool_use"}
	tok, err = load(t, keys)
	require.NoError(t, err)
	require.Equal(t, []string{"", "tool_use"}, tok.Templates())
	template, found := tok.Template("tool_use")
	require.True(t, found)
	require.Equal(t, "with tools", template)
	template, _ = tok.Template("")
	require.Equal(t, "plain", template)
	_, found = tok.Template("rag")
	require.False(t, found)
	require.Equal(t, "<s>", tok.BOSText())
	require.Equal(t, "<s>", tok.EOSText())
	keys[keyTemplate+".tool_use"] = true
	_, err = load(t, keys)
	require.ErrorContains(t, err, keyTemplate+".tool_use")

	// What a pre-tokenizer wants holds where the file does not say.
	keys = good()
	delete(keys, keyAddBOS)
	keys[keyPre] = "llama-bpe"
	tok, err = load(t, keys)
	require.NoError(t, err)
	require.True(t, tok.AddBOS())
	keys[keyAddBOS] = false
	tok, err = load(t, keys)
	require.NoError(t, err)
	require.False(t, tok.AddBOS())

	keys = good()
	keys[keyModel] = "llama"
	_, err = load(t, keys)
	require.ErrorContains(t, err, keyModel+`: "llama" is not supported; supported: ["gpt2"]`)
}

func int32s(in []int64) []int32 {
	out := make([]int32, len(in))
	for i, n := range in {
		out[i] = int32(n)
	}
	return out
}
