package kernels

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// guardedActs is NewActs on guarded memory, full of rubbish.
func guardedActs(t testing.TB, kind ActKind, n, k int) *Acts {
	a := plain.acts(t, newRand(1), kind, n, k)
	for i := range a.Q {
		a.Q[i] = -99
	}
	for i := range a.D {
		a.D[i] = canary
	}
	return a
}

func TestQuantize(t *testing.T) {
	eachImpl(t, func(t *testing.T, k *Impl) {
		for d := range numData {
			for kind, ks := range map[ActKind][]int{Act32: ksBlock, Act256: ksSuper} {
				for _, n := range ks {
					checkQuantize(t, k, kind, d, n)
				}
			}
		}
	})
}

func checkQuantize(t *testing.T, k *Impl, kind ActKind, d data, n int) {
	r := newRand(uint64(n))
	want, got := guardedActs(t, kind, 3, n), guardedActs(t, kind, 3, n)
	x := guarded[float32](t, n)
	for round := range 20 {
		d.floats(r, x)
		if round%4 == 3 { // small and great ones
			scale := float32(math.Ldexp(1, r.IntN(250)-140))
			for i := range x {
				x[i] *= scale
			}
		}
		if round == 10 {
			clear(x)
		}
		col := round % 3
		genericQuantize := generic().Quantize[kind]
		genericQuantize(want, col, x)
		k.Quantize[kind](got, col, x)
		require.Equal(t, want.Q, got.Q, "%s data, k=%d column %d", d, n, col)
		requireSame(t, want.D, got.D, "D: %s data, k=%d column %d", d, n, col)
		require.Equal(t, want.Bias, got.Bias, "%s data, k=%d column %d", d, n, col)
		require.Equal(t, want.Sum, got.Sum, "%s data, k=%d column %d", d, n, col)
		if !startless[k.Name] {
			require.Equal(t, want.Start, got.Start, "%s data, k=%d column %d", d, n, col)
		}
	}
}

// startless are the implementations whose products do not read Acts.Start.
var startless = map[string]bool{"avx512": true, "neon": true, "dotprod": true, "i8mm": true}

// A NaN or infinity anywhere makes its block NaN and leaves the others alone, and
// every product with it is NaN.
func TestQuantizeSpoilt(t *testing.T) {
	eachImpl(t, func(t *testing.T, k *Impl) {
		for kind, f := range map[ActKind]Format{Act32: Q8_0, Act256: Q4_K} {
			r, length := newRand(4), Formats[f].BlockLen
			n := 4 * length
			clean, a := guardedActs(t, kind, 1, n), guardedActs(t, kind, 1, n)
			x := plain.floats(r, make([]float32, n))
			k.Quantize[kind](clean, 0, x)
			w, y := make([]byte, 4*Formats[f].Bytes), make([]float32, 1)
			for i := range n {
				bits := pick[uint32](r, 0x7f800000, 0xff800000, 0x7fc00000, 0xffc00000, 0x7f800001, 0xffffffff)
				was := x[i]
				x[i] = math.Float32frombits(bits)
				k.Quantize[kind](a, 0, x)
				x[i] = was
				for b := range 4 {
					q := a.Q[b*length:][:length]
					if b == i/length {
						require.True(t, same(nan, a.D[b]), "%08x at %d", bits, i)
						require.Equal(t, make([]int8, length), q)
						continue
					}
					require.Equal(t, clean.D[b], a.D[b])
					require.Equal(t, clean.Q[b*length:][:length], q)
				}
				k.Mul[f](y, 1, w, 1, a, NewScratch(n))
				require.True(t, same(nan, y[0]), "%08x at %d", bits, i)
			}
		}
	})
}

// The definition keeps what the products rely on.
func TestQuantizeInvariants(t *testing.T) {
	r := newRand(3)
	for kind, n := range map[ActKind]int{Act32: 512, Act256: 1024} {
		a := NewActs(kind, 2, n)
		for d := range infinite {
			x := d.floats(r, make([]float32, n))
			generic().Quantize[kind](a, 1, x)
			length := n / (len(a.D) / 2)
			for i, q := range a.Q[n:] {
				require.GreaterOrEqual(t, q, int8(-127))
				dq := a.D[n/length+i/length]
				if dq == 0 || math.IsInf(float64(dq), 0) {
					continue
				}
				// Half a step, and what rounding the scale to f16 moves.
				bound := math.Abs(float64(dq)) * (0.5 + 127.0/2048 + 1e-4)
				if math.Abs(float64(dq)) < 0x1p-14 {
					bound += 127 * 0x1p-25
				}
				require.InDelta(t, float64(x[i]), float64(dq)*float64(q), bound, "%s data, element %d", d, i)
			}
			for i := range a.Bias {
				sum := int32(0)
				for _, q := range a.Q[32*i : 32*i+32] {
					sum += int32(q)
				}
				require.Equal(t, -128*sum, a.Bias[i])
			}
			for i := range a.Sum {
				sum := int16(0)
				for _, q := range a.Q[16*i : 16*i+16] {
					sum += int16(q)
				}
				require.Equal(t, sum, a.Sum[i])
			}
			checkStart(t, a)
		}
	}
}

// checkStart compares Start with its definition.
func checkStart(t *testing.T, a *Acts) {
	length, offset := 32, 16
	if a.Kind == Act256 {
		length, offset = 16, 32
	}
	for i := range len(a.Start) / 2 {
		var sum [4]int
		for j, q := range a.Q[length*i : length*(i+1)] {
			sum[j%4] += int(q)
		}
		require.Equal(t, []int{-offset * (sum[0] + sum[1]), -offset * (sum[2] + sum[3])},
			[]int{int(a.Start[2*i]), int(a.Start[2*i+1])}, "start %d", i)
	}
}
