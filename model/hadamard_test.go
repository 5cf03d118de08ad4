package model

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"cllm/kernels"
)

func TestHadamardKeepsScalarProducts(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 1))
	for _, n := range []int{32, 64, 96, 128} {
		a, b := make([]float32, n), make([]float32, n)
		want, got := 0.0, 0.0
		for i := range a {
			a[i], b[i] = rnd.Float32()-0.5, rnd.Float32()-0.5
			want += float64(a[i]) * float64(b[i])
		}
		a[3] += 100 // an outlier is spread out
		want += 100 * float64(b[3])
		hadamard(a)
		hadamard(b)
		most := 0.0
		for i := range a {
			got += float64(a[i]) * float64(b[i])
			most = max(most, math.Abs(float64(a[i])))
		}
		require.InDelta(t, want, got/float64(hadamardRun(n)), 1e-3)
		require.Less(t, most, 120.0)
	}
	require.Equal(t, 32, hadamardRun(96))
}

// Keys of this model have elements so large that a quantized cache without
// the transform takes the first token from Paris to nonsense.
func TestQuantizedCacheOfARealModel(t *testing.T) {
	m := open(t, "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf")
	prompt := []int32{785, 6722, 315, 9625, 374} // "The capital of France is"
	logProb := func(format kernels.KVFormat) float64 {
		r := newRig(t, m, rigOptions{threads: 2, maxTokens: 8, maxOutputs: 1, blocks: 1, format: format})
		logits := r.forward(Span{Tokens: prompt, Blocks: []int32{0}, Logits: 1})[0]
		sum := 0.0
		for _, x := range logits {
			sum += math.Exp(float64(x - logits[12095]))
		}
		return -math.Log(sum) // of " Paris"
	}
	require.InDelta(t, logProb(kernels.KVF16), logProb(kernels.KVQ8), 1)
}

func BenchmarkHadamard(b *testing.B) {
	x := make([]float32, 64)
	for b.Loop() {
		hadamard(x)
	}
}
