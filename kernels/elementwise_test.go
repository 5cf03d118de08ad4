package kernels

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

var lengths = []int{1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 100, 128, 896, 1000}

// eachLength runs a test on every implementation, length and kind of data.
func eachLength(t *testing.T, test func(t *testing.T, k *Impl, d data, n int)) {
	eachImpl(t, func(t *testing.T, k *Impl) {
		for d := range numData {
			for _, n := range lengths {
				test(t, k, d, n)
			}
		}
	})
}

// inPlace runs a function of an output and an input of equal length, first with
// two slices, then with one.
func inPlace(t *testing.T, x []float32, run func(dst, x []float32), check func(got []float32)) {
	dst := guarded[float32](t, len(x))
	run(dst, atGuard(t, x, len(x)))
	check(dst)
	copy(dst, x)
	run(dst, dst)
	check(dst)
}

func TestRMSNorm(t *testing.T) {
	eachLength(t, func(t *testing.T, k *Impl, d data, n int) {
		r := newRand(uint64(n))
		x, w := d.floats(r, make([]float32, n)), d.floats(r, guarded[float32](t, n))
		want := make([]float32, n)
		rmsNorm(want, x, w, 1e-6)
		inPlace(t, x, func(dst, x []float32) { k.RMSNorm(dst, x, w, 1e-6) },
			func(got []float32) { requireSame(t, want, got, "%s data, n=%d", d, n) })
	})
}

func TestSiLUMul(t *testing.T) {
	eachLength(t, func(t *testing.T, k *Impl, d data, n int) {
		r := newRand(uint64(n))
		g, u := d.floats(r, make([]float32, n)), d.floats(r, guarded[float32](t, n))
		if n > 100 { // across the range of exp
			for i := range g {
				g[i] = 100 * (2*float32(i)/float32(n) - 1)
			}
		}
		want := make([]float32, n)
		siluMul(want, g, u)
		inPlace(t, g, func(dst, g []float32) { k.SiLUMul(dst, g, u) },
			func(got []float32) { requireSame(t, want, got, "%s data, n=%d", d, n) })
	})
}

func TestAdd(t *testing.T) {
	eachLength(t, func(t *testing.T, k *Impl, d data, n int) {
		r := newRand(uint64(n))
		want, x := d.floats(r, make([]float32, n)), d.floats(r, guarded[float32](t, n))
		got := atGuard(t, want, n)
		add(want, x)
		k.Add(got, x)
		requireSame(t, want, got, "%s data, n=%d", d, n)
	})
}

func TestRope(t *testing.T) {
	eachLength(t, func(t *testing.T, k *Impl, d data, n int) {
		r := newRand(uint64(n))
		cos, sin := d.floats(r, guarded[float32](t, n)), d.floats(r, guarded[float32](t, n))
		for _, rest := range []int{0, 5} {
			want := d.floats(r, make([]float32, 2*n+rest))
			got := atGuard(t, want, len(want))
			rope(want, cos, sin)
			k.Rope(got, cos, sin)
			requireSame(t, want, got, "%s data, n=%d", d, n)
		}
	})
}

func TestMax(t *testing.T) {
	eachImpl(t, func(t *testing.T, k *Impl) {
		require.Equal(t, math.Inf(-1), float64(k.Max(nil)))
	})
	eachLength(t, func(t *testing.T, k *Impl, d data, n int) {
		r := newRand(uint64(n))
		x := d.floats(r, guarded[float32](t, n))
		require.Equal(t, maximum(x), k.Max(x), "%s data, n=%d", d, n)
		for i := range x { // the greatest in every place, the rest NaN or small
			for j := range x {
				x[j] = pick(r, float32(math.NaN()), -3, float32(math.Inf(-1)))
			}
			x[i] = -2
			require.Equal(t, float32(-2), k.Max(x), "n=%d, greatest at %d", n, i)
			if testing.Short() && i > 40 {
				break
			}
		}
	})
}
