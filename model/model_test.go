package model

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"cllm/gguf"
	"cllm/kernels"
	"cllm/tensor"
)

// open loads a model of testdata, or a real one from the folder that
// CLLM_TEST_MODELS names.
func open(t testing.TB, name string) *Model {
	t.Helper()
	m, err := Load(openFile(t, name))
	require.NoError(t, err)
	return m
}

func openFile(t testing.TB, name string) *gguf.File {
	t.Helper()
	path := filepath.Join("..", "testdata", name)
	if _, err := os.Stat(path); err != nil {
		path = filepath.Join(os.Getenv("CLLM_TEST_MODELS"), name)
		if _, err := os.Stat(path); err != nil {
			t.Skipf("%s is not in the folder that CLLM_TEST_MODELS names", name)
		}
	}
	f, err := gguf.Open(path)
	require.NoError(t, err)
	t.Cleanup(func() { f.Close() })
	return f
}

// rig is a runner with the blocks of its cache dealt out in an odd order.
type rig struct {
	*Runner
	t     testing.TB
	cache *KVCache
	next  int
}

type rigOptions struct {
	threads, maxTokens, maxOutputs, blocks int
	format                                 kernels.KVFormat
	kernels                                string
}

func newRig(t testing.TB, m *Model, o rigOptions) *rig {
	t.Helper()
	k, err := kernels.Select(o.kernels)
	require.NoError(t, err)
	c := m.Config()
	kv, err := NewKVCache(c, o.format, o.blocks)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, kv.Close()) })
	pool := tensor.NewPool(o.threads, k, c.MaxK())
	t.Cleanup(pool.Close)
	r, err := NewRunner(m, kv, pool, o.maxTokens, o.maxOutputs)
	require.NoError(t, err)
	return &rig{Runner: r, t: t, cache: kv}
}

// blocksFor takes the blocks for a sequence of n positions.
func (r *rig) blocksFor(n int) []int32 {
	var b []int32
	for range (n + kernels.BlockTokens - 1) / kernels.BlockTokens {
		// An odd stride visits every block of a power of two.
		b = append(b, int32(r.next*5%r.cache.Blocks()))
		r.next++
	}
	require.LessOrEqual(r.t, r.next, r.cache.Blocks())
	return b
}

func (r *rig) forward(spans ...Span) [][]float32 {
	r.t.Helper()
	out, err := r.Forward(&Batch{Spans: spans})
	require.NoError(r.t, err)
	return out
}

// greedy continues a prompt by n tokens.
func (r *rig) greedy(prompt []int32, n int) []int32 {
	blocks := r.blocksFor(len(prompt) + n)
	var tokens []int32
	span := Span{Tokens: prompt, Blocks: blocks, Logits: 1}
	for range n {
		logits := r.forward(span)[0]
		best := 0
		for i, x := range logits {
			if x > logits[best] {
				best = i
			}
		}
		tokens = append(tokens, int32(best))
		span.Pos += len(span.Tokens)
		span.Tokens = []int32{int32(best)}
	}
	return tokens
}

// The tokens are llama.cpp's for the same prompt and file.
func TestGreedyTextOfTheDemoModels(t *testing.T) {
	for name, want := range map[string][]int32{
		"demo-qwen2-q4_k_m.gguf": {439, 970, 258, 410, 387, 336, 258, 702, 269, 634, 1056, 13, 376, 702, 306, 258, 3612, 305, 11, 269},
		"demo-qwen3-f16.gguf":    {439, 970, 258, 410, 387, 336, 732, 1973, 13, 585, 336, 258},
	} {
		t.Run(name, func(t *testing.T) {
			m := open(t, name)
			r := newRig(t, m, rigOptions{threads: 2, maxTokens: 64, maxOutputs: 4, blocks: 16})
			require.Equal(t, want, r.greedy([]int32{1986, 690, 258, 508}, len(want)))
		})
	}
}
