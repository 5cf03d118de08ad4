package kernels

import (
	"math"
	"math/big"
	"testing"

	"github.com/stretchr/testify/require"
)

// exactFMA is x·y + z in exact arithmetic, rounded once.
func exactFMA(x, y, z float32) float32 {
	set := func(v float32) *big.Float { return new(big.Float).SetPrec(600).SetFloat64(float64(v)) }
	sum := new(big.Float).SetPrec(600)
	sum.Mul(set(x), set(y))
	sum.Add(sum, set(z))
	if sum.Sign() == 0 {
		return float32(float64(x)*float64(y) + float64(z)) // for the sign of zero
	}
	f, _ := sum.Float32()
	return f
}

func TestFMA32(t *testing.T) {
	r := newRand(1)
	number := func() float32 { // few bits, so that sums fall half-way often
		b := r.Uint32()
		switch r.IntN(3) {
		case 0:
			b &= 0xff800000 | r.Uint32()&0x007ff000
		case 1:
			b = b&0x80000fff | uint32(100+r.IntN(54))<<23
		}
		if b&0x7f800000 == 0x7f800000 {
			b &^= 0x40000000
		}
		return math.Float32frombits(b)
	}
	for range 300_000 {
		x, y, z := number(), number(), number()
		if r.IntN(2) == 0 { // z of the product's size, and of half its last bit
			z = float32(math.Ldexp(float64(x)*float64(y), pick(r, 0, 1, 20, 24, 25, 48, -24, -25)))
			if math.IsInf(float64(z), 0) {
				continue
			}
		}
		if want, got := exactFMA(x, y, z), fma32(x, y, z); !same(want, got) {
			t.Fatalf("fma32(%b, %b, %b): want %b, got %b", x, y, z, want, got)
		}
	}
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	require.True(t, same(inf, fma32(inf, 2, 1)))
	require.True(t, same(nan, fma32(inf, 0, 1)))
	require.True(t, same(nan, fma32(inf, 1, -inf)))
	require.True(t, same(-inf, fma32(math.MaxFloat32, -math.MaxFloat32, 1)))
	require.True(t, same(1, fma32(0x1p-149, 0x1p-149, 1)))
}

// The halves are all tried; the other way round, every float32 near one.
func TestFloat16(t *testing.T) {
	for h := range uint32(0x8000) {
		want := 0.0
		switch e, m := int(h>>10), float64(h&0x3ff); {
		case e == 31 && m > 0:
			want = math.NaN()
		case e == 31:
			want = math.Inf(1)
		case e == 0:
			want = math.Ldexp(m, -24)
		default:
			want = math.Ldexp(1024+m, e-25)
		}
		require.True(t, same(float32(want), float16(uint16(h))), "%04x", h)
		require.True(t, same(float32(-want), float16(uint16(h|0x8000))), "%04x", h|0x8000)
		if want != want {
			require.True(t, math.IsNaN(float64(float16(toFloat16(float16(uint16(h)))))))
			continue
		}
		require.Equal(t, uint16(h), toFloat16(float32(want)))
		require.Equal(t, uint16(h|0x8000), toFloat16(float32(-want)))
		if h < 0x7bff { // half-way to the next goes to the even one
			next := float32(float16(uint16(h + 1)))
			mid := (float32(want) + next) / 2
			require.Equal(t, uint16(h+h&1), toFloat16(mid), "after %04x", h)
			require.Equal(t, uint16(h), toFloat16(math.Nextafter32(mid, 0)), "after %04x", h)
			require.Equal(t, uint16(h+1), toFloat16(math.Nextafter32(mid, 1e9)), "after %04x", h)
		}
	}
	require.Equal(t, uint16(0x7bff), toFloat16(65519.996))
	require.Equal(t, uint16(0x7c00), toFloat16(65520))
	require.Equal(t, uint16(0xfc00), toFloat16(float32(math.Inf(-1))))
}

func TestExp32(t *testing.T) {
	for x := float32(-87); x <= 88; x += 0.00137 {
		want := math.Exp(float64(x))
		require.InEpsilon(t, want, float64(exp32(x)), 2*0x1p-23, "exp(%g)", x)
	}
	require.Equal(t, float32(1), exp32(0))
	require.Equal(t, float32(1), exp32(float32(math.Copysign(0, -1))))
	require.Equal(t, float32(0), exp32(-87.00001))
	require.Equal(t, float32(0), exp32(float32(math.Inf(-1))))
	require.Equal(t, exp32(88), exp32(float32(math.Inf(1))))
}

func TestSumLanes(t *testing.T) {
	lane := [16]float32{0: 1e8, 8: -1e8, 1: 1, 9: 2, 4: 3, 15: 4}
	require.Equal(t, float32(10), sumLanes(&lane))
}
