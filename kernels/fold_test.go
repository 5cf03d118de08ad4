package kernels

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// Folding segments in order gives their common softmax, and the order of the
// operations is the documented one.
func TestFold(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	const head, segments = 32, 5
	a := NewAttention(1, head)
	a.Reset(1)
	m, l, acc := float32(math.Inf(-1)), float32(0), make([]float32, head)
	top, exact := math.Inf(-1), make([]float64, head)
	var ms, ls [segments]float32
	var accs [segments][head]float32
	for s := range segments {
		ms[s], ls[s] = float32(rnd.NormFloat64()*5), 1+rnd.Float32()
		for e := range head {
			accs[s][e] = float32(rnd.NormFloat64())
		}
		top = max(top, float64(ms[s]))
	}
	total := 0.0
	for s := range segments {
		a.Fold(0, ms[s], ls[s], accs[s][:])
		a.Fold(0, float32(math.Inf(-1)), 0, make([]float32, head)) // nothing seen
		if s == 0 {
			m, l = ms[0], ls[0]
			copy(acc, accs[0][:])
		} else {
			most := max(m, ms[s])
			c, d := exp32(m-most), exp32(ms[s]-most)
			m, l = most, float32(l*c)+float32(ls[s]*d)
			for e := range acc {
				acc[e] = float32(acc[e]*c) + float32(accs[s][e]*d)
			}
		}
		require.Equal(t, m, a.M[0])
		require.Equal(t, l, a.L[0])
		require.Equal(t, acc, a.Acc)
		w := math.Exp(float64(ms[s]) - top)
		total += w * float64(ls[s])
		for e := range exact {
			exact[e] += w * float64(accs[s][e])
		}
	}
	out := make([]float32, head)
	a.Output(out, 0)
	for e := range out {
		require.InDelta(t, exact[e]/total, out[e], 1e-5)
	}
}
