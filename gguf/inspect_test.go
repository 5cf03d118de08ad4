package gguf_test

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"cllm/gguf"
	"cllm/gguf/gguftest"
)

func inspected() *gguftest.Builder {
	return gguftest.New().
		Set("general.name", "tiny").
		Set("eps", float32(1e-6)).
		Set("template", strings.Repeat("ж", 80)).
		Set("tokens", []string{"a", "\n", "c", "d", "<b>", "f"}).
		Set("bytes", []uint8{1, 2}).
		Set("scores", []float32{0.1, float32(math.Inf(1)), float32(math.NaN())}).
		Set("inf", math.Inf(-1)).
		Set("nested", [][]int32{{1, 2}, {}}).
		Tensor("norm", gguf.F32, nil, 2).
		Tensor("matrix", gguf.Q4_0, nil, 64, 3).
		Tensor("other", gguf.Q4_0, nil, 32)
}

func TestWriteText(t *testing.T) {
	f := inspected().Open(t)
	var out bytes.Buffer
	require.NoError(t, f.WriteText(&out, false))
	require.Equal(t, `test.gguf: GGUF version 3, 818 bytes

8 metadata keys
  general.name  string       "tiny"
  eps           float32      1e-06
  template      string       "`+strings.Repeat("ж", 72)+`"… (160 bytes)
  tokens        string × 6   ["a", "\n", "c", "d", "<b>", …]
  bytes         uint8 × 2    [1, 2]
  scores        float32 × 3  [0.1, +Inf, NaN]
  inf           float64      -Inf
  nested        array × 2    [[1, 2], []]

3 tensors
  1 of F32: 2 elements, 8 bytes
  2 of Q4_0: 224 elements, 126 bytes

  type  rows × columns  bytes  offset  name
   F32               2      8     640  norm
  Q4_0          3 × 64    108     672  matrix
  Q4_0              32     18     800  other
`, out.String())

	out.Reset()
	require.NoError(t, f.WriteText(&out, true))
	require.Contains(t, out.String(), `["a", "\n", "c", "d", "<b>", "f"]`)
	require.Contains(t, out.String(), strings.Repeat("ж", 80))
}

func TestWriteJSON(t *testing.T) {
	f := inspected().Open(t)
	var out bytes.Buffer
	require.NoError(t, f.WriteJSON(&out))
	require.JSONEq(t, `{
		"version": 3, "alignment": 32, "parts": ["test.gguf"],
		"metadata": {
			"general.name": {"type": "string", "value": "tiny"},
			"eps": {"type": "float32", "value": 1e-6},
			"template": {"type": "string", "value": "`+strings.Repeat("ж", 80)+`"},
			"tokens": {"type": "[]string", "value": ["a", "\n", "c", "d", "<b>", "f"]},
			"bytes": {"type": "[]uint8", "value": [1, 2]},
			"scores": {"type": "[]float32", "value": [0.1, "+Inf", "NaN"]},
			"inf": {"type": "float64", "value": "-Inf"},
			"nested": {"type": "[]array", "value": [[1, 2], []]}
		},
		"tensors": [
			{"name": "norm", "type": "F32", "dims": [2], "offset": 640, "bytes": 8, "file": "test.gguf"},
			{"name": "matrix", "type": "Q4_0", "dims": [64, 3], "offset": 672, "bytes": 108, "file": "test.gguf"},
			{"name": "other", "type": "Q4_0", "dims": [32], "offset": 800, "bytes": 18, "file": "test.gguf"}
		]}`, out.String())
	require.Contains(t, out.String(), `"<b>"`)
	require.Less(t, strings.Index(out.String(), "general.name"), strings.Index(out.String(), "eps"), "keys keep their order")
}

type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, os.ErrClosed }

func TestWriteErrors(t *testing.T) {
	f := inspected().Open(t)
	require.ErrorIs(t, f.WriteText(brokenPipe{}, false), os.ErrClosed)
	require.ErrorIs(t, f.WriteJSON(brokenPipe{}), os.ErrClosed)
}

func TestInspectRealModel(t *testing.T) {
	f, err := gguf.Open(realModel(t, "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf"))
	require.NoError(t, err)
	defer f.Close()
	var text, asJSON bytes.Buffer
	require.NoError(t, f.WriteText(&text, false))
	require.Less(t, text.Len(), 100_000)
	require.NoError(t, f.WriteJSON(&asJSON))
	var parsed struct {
		Metadata map[string]struct{ Value json.RawMessage }
		Tensors  []struct{ Name string }
	}
	require.NoError(t, json.Unmarshal(asJSON.Bytes(), &parsed))
	require.Len(t, parsed.Tensors, 291)
	var tokens []string
	require.NoError(t, json.Unmarshal(parsed.Metadata["tokenizer.ggml.tokens"].Value, &tokens))
	require.Len(t, tokens, 151936)
}
