package runtime

import (
	"context"
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"cllm/gguf"
	"cllm/kernels"
	"cllm/model"
	"cllm/tokenizer"
)

// spoiltDemo is a demo model whose tensors were changed.
func spoiltDemo(t *testing.T, name string, spoil func(f *gguf.File)) demo {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "testdata", name))
	require.NoError(t, err)
	f, err := gguf.Parse(name, data)
	require.NoError(t, err)
	spoil(f)
	m, err := model.Load(f)
	require.NoError(t, err)
	tok, err := tokenizer.New(f)
	require.NoError(t, err)
	return demo{m, tok}
}

// eachLevel runs a test on every implementation that this machine can run.
func eachLevel(t *testing.T, test func(t *testing.T, kernels string)) {
	for _, k := range kernels.All() {
		if k.Missing == "" {
			t.Run(k.Name, func(t *testing.T) { test(t, k.Name) })
		}
	}
}

// answer submits a request and waits for its tokens.
func answer(t *testing.T, e *Engine, r Request) ([]int32, error) {
	t.Helper()
	s, err := e.Submit(context.Background(), r)
	require.NoError(t, err)
	got, err := s.Wait()
	if err != nil {
		return nil, err
	}
	return got.Choices[0].Tokens, nil
}

// One NaN in any norm fails every sequence, and says why, on every level.
func TestNaNInANorm(t *testing.T) {
	for _, file := range []string{"demo-qwen2-q8_0.gguf", "demo-qwen2-q4_k_m.gguf", "demo-qwen3-f16.gguf"} {
		for _, norm := range []string{"output_norm.weight", "blk.0.attn_norm.weight", "blk.1.ffn_norm.weight"} {
			for _, format := range []kernels.KVFormat{kernels.KVF16, kernels.KVQ8} {
				d := spoiltDemo(t, file, func(f *gguf.File) {
					w, ok := f.Tensor(norm)
					require.True(t, ok)
					binary.LittleEndian.PutUint32(w.Data[4*3:], math.Float32bits(float32(math.NaN())))
				})
				eachLevel(t, func(t *testing.T, name string) {
					e := d.start(t, Options{Threads: 2, Context: 128, Kernels: name, KVFormat: format})
					_, err := answer(t, e, greedy([]int32{1986, 690, 258, 508}, 8))
					require.ErrorIs(t, err, errNoToken, "%s: %s", file, norm)
				})
			}
		}
	}
}

// A token whose embedding is NaN fails the sequences that have it, not those that
// run beside them or take their blocks.
func TestNaNInASequence(t *testing.T) {
	const bad = 77
	d := spoiltDemo(t, "demo-qwen2-q8_0.gguf", func(f *gguf.File) {
		w, ok := f.Tensor("token_embd.weight")
		require.True(t, ok)
		require.Equal(t, gguf.Q8_0, w.Type)
		row := w.Data[bad*len(w.Data)/int(w.Dims[1]):]
		binary.LittleEndian.PutUint16(row, 0x7e00) // the first block's scale
	})
	whole := openDemo(t, "demo-qwen2-q8_0.gguf")
	good := greedy([]int32{1986, 690, 258, 508}, 40)
	for _, format := range []kernels.KVFormat{kernels.KVF16, kernels.KVF32, kernels.KVQ8} {
		want, err := answer(t, whole.start(t, Options{Context: 64, KVFormat: format}), good)
		require.NoError(t, err)
		eachLevel(t, func(t *testing.T, name string) {
			e := d.start(t, Options{Threads: 2, Context: 64, Kernels: name, KVFormat: format, NoPrefixCache: true,
				KVMemory: 4 * model.BlockBytes(d.m.Config(), format)})
			for range 2 {
				neighbour, err := e.Submit(context.Background(), good)
				require.NoError(t, err)
				_, err = answer(t, e, greedy([]int32{1986, bad, 690, 258, 508}, 8))
				require.ErrorIs(t, err, errNoToken)
				got, err := neighbour.Wait()
				require.NoError(t, err)
				require.Equal(t, want, got.Choices[0].Tokens)
				tokens, err := answer(t, e, good)
				require.NoError(t, err)
				require.Equal(t, want, tokens)
			}
		})
	}
}
