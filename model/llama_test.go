package model

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"cllm/gguf"
	"cllm/gguf/gguftest"
	"cllm/kernels"
)

// asLlama is the demo model of qwen2 as a file of llama: the rows of q and k
// are reordered, so that the elements that rotate together are neighbours.
func asLlama(t testing.TB, factors []float32) *Model {
	t.Helper()
	const base = "demo-qwen2-q8_0.gguf"
	head := open(t, base).Config().HeadDim
	m, err := Load(odd{
		base: base,
		arch: "llama",
		tensor: func(x gguf.Tensor) *gguf.Tensor {
			if strings.Contains(x.Name, "attn_q.") || strings.Contains(x.Name, "attn_k.") {
				x.Data = neighbours(x.Data, int(x.Dims[len(x.Dims)-1]), head)
			}
			return &x
		},
		add: func(b *gguftest.Builder) {
			if factors != nil {
				b.Tensor("rope_freqs.weight", gguf.F32, gguftest.Floats(factors), int64(len(factors)))
			}
		},
	}.file(t))
	require.NoError(t, err)
	require.Equal(t, "llama", m.Config().Arch)
	require.Empty(t, m.Warnings())
	return m
}

// neighbours reorders the rows of each head: i and i + half become 2i and 2i+1.
func neighbours(data []byte, rows, head int) []byte {
	n, out := len(data)/rows, make([]byte, 0, len(data))
	for i := range rows {
		from := i/head*head + i%head/2 + i%2*(head/2)
		out = append(out, data[from*n:][:n]...)
	}
	return out
}

// Both layouts of a head rotate alike: the logits are the same bits.
func TestNeighboursRotateLikeHalves(t *testing.T) {
	tokens := randomTokens(3, 50, 4096)
	for _, format := range []kernels.KVFormat{kernels.KVF16, kernels.KVQ8} {
		hashes := func(m *Model) []uint64 {
			return newRig(t, m, rigOptions{threads: 2, maxTokens: 64, maxOutputs: 50, blocks: 4, format: format}).alone(tokens, 17, 50)
		}
		want := hashes(open(t, "demo-qwen2-q8_0.gguf"))
		require.Equal(t, want, hashes(asLlama(t, nil)))

		factors := slices.Repeat([]float32{1}, asLlama(t, nil).Config().RopeDims/2)
		require.Equal(t, want, hashes(asLlama(t, factors)), "factors of 1")
		factors[3] = 8
		got := hashes(asLlama(t, factors))
		require.Equal(t, want[0], got[0], "position 0 does not rotate")
		require.NotEqual(t, want[1], got[1])
	}
}

func TestFactorsOfFrequencies(t *testing.T) {
	c := Config{RopeDims: 8, RopeTheta: 10000, RopeScale: RopeScaling{Type: "linear", Factor: 1, AttnFactor: 1}}
	plain, slow := newRotation(c, pairs, nil), newRotation(c, pairs, []float32{1, 2, 4, 8})
	for i, f := range plain.freq {
		require.Equal(t, f/float64(int(1)<<i), slow.freq[i])
	}
}
