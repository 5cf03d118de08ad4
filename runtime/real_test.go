package runtime_test

import (
	"path/filepath"
	"testing"

	"cllm/gguf"
	"cllm/model"
	"cllm/runtime"
	"cllm/tokenizer"

	"github.com/stretchr/testify/require"
)

// demo is a model for tests, and its tokenizer.
type demo struct {
	m   *model.Model
	tok *tokenizer.Tokenizer
}

func openDemo(t testing.TB, path string) demo {
	t.Helper()
	f, err := gguf.Open(path)
	require.NoError(t, err)
	t.Cleanup(func() { f.Close() })
	m, err := model.Load(f)
	require.NoError(t, err)
	tok, err := tokenizer.New(f)
	require.NoError(t, err)
	return demo{m, tok}
}

func testdata(name string) string { return filepath.Join("..", "testdata", name) }

func (d demo) start(t testing.TB, o runtime.Options) *runtime.Engine {
	t.Helper()
	e, err := runtime.New(d.m, d.tok, o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, e.Close()) })
	return e
}

func TestSmoke(t *testing.T) {
	d := openDemo(t, testdata("demo-qwen2-q4_k_m.gguf"))
	e := d.start(t, runtime.DefaultOptions())
	t.Log("\n" + e.Plan().String())
	s, err := e.Submit(t.Context(), runtime.Request{Prompt: d.tok.Encode(nil, "Once upon a time", true), MaxTokens: 60, LogProbs: -1})
	require.NoError(t, err)
	r, err := s.Wait()
	require.NoError(t, err)
	t.Logf("%+v", r)
	t.Logf("%+v", e.Stats())
}
