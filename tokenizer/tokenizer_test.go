package tokenizer

import (
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"cllm/gguf"
)

const (
	demoModel = "../testdata/demo-qwen2-q4_k_m.gguf"
	qwenModel = "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf" // in CLLM_TEST_MODELS
)

func open(path string, overrides ...gguf.Override) (*Tokenizer, error) {
	f, err := gguf.Open(path, overrides...)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return New(f)
}

var (
	openDemo = sync.OnceValues(func() (*Tokenizer, error) { return open(demoModel) })
	openQwen = sync.OnceValues(func() (*Tokenizer, error) { return open(qwenPath()) })
)

func qwenPath() string { return filepath.Join(os.Getenv("CLLM_TEST_MODELS"), qwenModel) }

// demo is the tokenizer of the demo model: 4,096 tokens.
func demo(t testing.TB) *Tokenizer {
	tok, err := openDemo()
	require.NoError(t, err)
	return tok
}

// qwen is the tokenizer of Qwen2.5: 151,936 tokens.
func qwen(t testing.TB) *Tokenizer {
	if os.Getenv("CLLM_TEST_MODELS") == "" {
		t.Skipf("CLLM_TEST_MODELS does not name the folder of %s", qwenModel)
	}
	tok, err := openQwen()
	require.NoError(t, err)
	return tok
}

// smolLM2 is the tokenizer of SmolLM2: 49,152 tokens.
func smolLM2(t testing.TB) *Tokenizer {
	const file = "smollm2-135m-instruct-q4_1.gguf"
	dir := os.Getenv("CLLM_TEST_MODELS")
	if dir == "" {
		t.Skipf("CLLM_TEST_MODELS does not name the folder of %s", file)
	}
	tok, err := open(filepath.Join(dir, file))
	require.NoError(t, err)
	return tok
}

func TestRoles(t *testing.T) {
	tok := demo(t)
	require.Equal(t, 4096, tok.Size())
	require.Equal(t, int32(4093), tok.BOS())
	require.Equal(t, int32(4095), tok.EOS())
	require.False(t, tok.AddBOS())
	require.False(t, tok.AddEOS())
	require.Equal(t, []int32{4093, 4095}, tok.EndTokens())
	require.True(t, tok.End(4093))
	require.False(t, tok.End(4094))

	id, ok := tok.ID("<|im_end|>")
	require.True(t, ok)
	require.Equal(t, int32(4095), id)
	require.Equal(t, "<|im_end|>", tok.Text(id))
	require.True(t, tok.Control(id))
	require.Nil(t, tok.Bytes(id))
	require.Equal(t, []byte("<|im_end|>"), tok.TextBytes(id))
	require.Equal(t, "<|im_end|>", tok.EOSText())
	require.Equal(t, "<|endoftext|>", tok.BOSText())
	require.Equal(t, []byte{0xE5}, tok.TextBytes(bpe(tok).bytes[0xE5]), "a part of a character")

	id, ok = tok.ID("Ġthe")
	require.True(t, ok)
	require.Equal(t, "Ġthe", tok.Text(id))
	require.Equal(t, []byte(" the"), tok.Bytes(id))
	require.False(t, tok.Control(id))

	_, ok = tok.ID("no such token")
	require.False(t, ok)
	for _, id := range []int32{-1, 4096, -1 << 31, 1<<31 - 1} {
		require.Empty(t, tok.Text(id))
		require.Nil(t, tok.Bytes(id))
		require.Empty(t, tok.TextBytes(id))
		require.False(t, tok.Control(id))
		require.False(t, tok.End(id))
	}
}

func TestSpecialTokens(t *testing.T) {
	tok := demo(t)
	const text = "<|im_start|>user\nOnce<|im_end|><|im_end|>"
	parsed := tok.Encode(nil, text, true)
	require.Equal(t, int32(4094), parsed[0])
	require.Equal(t, []int32{4095, 4095}, parsed[len(parsed)-2:])
	require.Equal(t, text, tok.Decode(parsed, true))
	require.Equal(t, "user\nOnce", tok.Decode(parsed, false))

	plain := tok.Encode(nil, text, false)
	for _, id := range plain {
		require.False(t, tok.Control(id))
	}
	require.Equal(t, text, tok.Decode(plain, false))
}

func TestEncodeAppends(t *testing.T) {
	tok := demo(t)
	ids := tok.Encode([]int32{7}, "Once upon a time", false)
	require.Equal(t, int32(7), ids[0])
	require.Equal(t, "Once upon a time", tok.Decode(ids[1:], false))
	require.Empty(t, tok.Encode(nil, "", true))
}

func TestConcurrentUse(t *testing.T) {
	tok := demo(t)
	text := string(readFile(t, "prose.txt.gz"))
	want := tok.Encode(nil, text, false)
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for i := range 8 {
				at := len(text) / 8 * i
				tok.Encode(nil, text[at:at+1000], true)
			}
			assert.Equal(t, want, tok.Encode(nil, text, false))
		})
	}
	group.Wait()
}

func TestEncodeAllocates(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector has sync.Pool forget at random")
	}
	tok := demo(t)
	text := string(readFile(t, "prose.txt.gz"))[:10_000]
	ids := tok.Encode(nil, text, true)
	require.LessOrEqual(t, testing.AllocsPerRun(20, func() { ids = tok.Encode(ids[:0], text, true) }), 1.0)
}
