package kernels

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
)

// formatCase is what the tests and benchmarks need to know of a format: the row
// lengths to try and where a block holds its f16 scales (nil: plain numbers).
type formatCase struct {
	ks     []int
	scales []int
}

var (
	ksFloat = []int{1, 5, 16, 31, 48, 100}
	ksBlock = []int{32, 64, 96, 256, 480, 512, 544, 896}
	ksSuper = []int{256, 512, 768, 1280}
)

var formatCases = [NumFormats]formatCase{
	F32:    {ksFloat, nil},
	F16:    {ksFloat, nil},
	BF16:   {ksFloat, nil},
	Q4_0:   {ksBlock, []int{0}},
	Q4_1:   {ksBlock, []int{0, 2}},
	Q5_0:   {ksBlock, []int{0}},
	Q5_1:   {ksBlock, []int{0, 2}},
	Q8_0:   {ksBlock, []int{0}},
	Q2_K:   {ksSuper, []int{80, 82}},
	Q3_K:   {ksSuper, []int{108}},
	Q4_K:   {ksSuper, []int{0, 2}},
	Q5_K:   {ksSuper, []int{0, 2}},
	Q6_K:   {ksSuper, []int{208}},
	IQ4_NL: {ksBlock, []int{0}},
	IQ4_XS: {ksSuper, []int{0}},
}

// data says what kind of numbers a test is filled with.
type data int

const (
	plain    data = iota // as in a model
	odd                  // zeros, subnormals, both signs, large
	extreme              // every integer at its end
	infinite             // with infinities and NaN
	numData
)

func (d data) String() string { return [...]string{"plain", "odd", "extreme", "infinite"}[d] }

func newRand(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 7)) }

func pick[T any](r *rand.Rand, of ...T) T { return of[r.IntN(len(of))] }

// half is a random scale as f16.
func (d data) half(r *rand.Rand) uint16 {
	switch {
	case d == odd && r.IntN(2) == 0:
		return pick[uint16](r, 0, 0x8000, 1, 0x8001, 0x03ff, 0x0400, 0x7bff, 0xfbff, 0x3c00)
	case d == infinite && r.IntN(8) == 0:
		return pick[uint16](r, 0x7c00, 0xfc00, 0x7e00, 0xfe01)
	}
	return toFloat16(float32(r.NormFloat64() * 0.01))
}

// float is a random number.
func (d data) float(r *rand.Rand) float32 {
	switch {
	case d == odd && r.IntN(2) == 0:
		return pick[float32](r, 0, float32(math.Copysign(0, -1)), 0x1p-149, -0x1p-130, 0x1p-126, 0x1p-101, 0x1.fffffep-101,
			0x1p-60, 1.5, -2.5, 1e4, -1e9)
	case d == extreme:
		return pick[float32](r, 127, -127, 0.5, -0.5, 1.5, 2.5, 126.5)
	case d == infinite && r.IntN(8) == 0:
		return pick(r, float32(math.Inf(1)), float32(math.Inf(-1)), float32(math.NaN()))
	}
	return float32(r.NormFloat64() * math.Exp(r.NormFloat64()))
}

func (d data) floats(r *rand.Rand, x []float32) []float32 {
	for i := range x {
		x[i] = d.float(r)
	}
	return x
}

// weights fills w with random blocks of the format.
func (d data) weights(r *rand.Rand, f Format, w []byte) {
	for i := range w {
		w[i] = byte(r.Uint32())
	}
	size := Formats[f].Bytes
	for i := 0; i < len(w); i += size {
		b := w[i : i+size]
		if d == extreme && f > BF16 {
			v := pick[byte](r, 0, 0xff, 0x80, 0x7f, 0x0f, 0xf0)
			for i := range b {
				b[i] = v
			}
		}
		switch f {
		case F32:
			binary.LittleEndian.PutUint32(b, math.Float32bits(d.float(r)))
		case F16:
			binary.LittleEndian.PutUint16(b, toFloat16(d.float(r)))
		case BF16:
			binary.LittleEndian.PutUint16(b, uint16(math.Float32bits(d.float(r))>>16))
		}
		for _, o := range formatCases[f].scales {
			binary.LittleEndian.PutUint16(b[o:], d.half(r))
		}
	}
}

// acts returns n columns of k random activations on guarded memory.
func (d data) acts(t testing.TB, r *rand.Rand, kind ActKind, n, k int) *Acts {
	a := &Acts{Kind: kind, N: n, K: k}
	if kind == ActF32 {
		a.X = d.floats(r, guarded[float32](t, n*k))
		return a
	}
	a.Q = guarded[int8](t, n*k)
	for i := range a.Q {
		a.Q[i] = int8(r.IntN(255) - 127)
		if d == extreme {
			a.Q[i] = pick[int8](r, 127, -127)
		}
	}
	if d == extreme { // and a first column with one sign
		for i := range k {
			a.Q[i] = -127
		}
	}
	length := 32
	if kind == Act256 {
		length = 256
		a.Sum = guarded[int16](t, n*k/16)
		for i := range a.Sum {
			for _, q := range a.Q[16*i : 16*i+16] {
				a.Sum[i] += int16(q)
			}
		}
	} else {
		a.Bias = guarded[int32](t, n*k/32)
		for i := range a.Bias {
			for _, q := range a.Q[32*i : 32*i+32] {
				a.Bias[i] -= 128 * int32(q)
			}
		}
	}
	perStart, offset := 32, int16(16)
	if kind == Act256 {
		perStart, offset = 16, 32
	}
	a.Start = guarded[int16](t, n*k/perStart*2)
	for i := range n * k / perStart {
		start((*[2]int16)(a.Start[2*i:]), a.Q[perStart*i:perStart*(i+1)], offset)
	}
	a.D = guarded[float32](t, n*k/length)
	for i := range a.D {
		a.D[i] = float16(d.half(r))
		if kind == Act256 && d != infinite {
			a.D[i] = d.float(r)
		}
	}
	return a
}

// columns is the first n columns of a, moved to the end of guarded memory.
func (a *Acts) columns(t testing.TB, n int) *Acts {
	return &Acts{
		Kind: a.Kind, N: n, K: a.K, X: atGuard(t, a.X, n*len(a.X)/a.N), Q: atGuard(t, a.Q, n*len(a.Q)/a.N),
		D: atGuard(t, a.D, n*len(a.D)/a.N), Bias: atGuard(t, a.Bias, n*len(a.Bias)/a.N), Sum: atGuard(t, a.Sum, n*len(a.Sum)/a.N),
		Start: atGuard(t, a.Start, n*len(a.Start)/a.N),
	}
}

type number interface {
	int8 | byte | int16 | int32 | float32
}

// guarded is make([]T, n) so that it ends at a page that faults.
func guarded[T number](t testing.TB, n int) []T {
	size := int(unsafe.Sizeof(*new(T)))
	mem := guardedMemory(t, max(n, 1)*size)
	return unsafe.Slice((*T)(unsafe.Pointer(&mem[len(mem)-n*size])), n)
}

// atGuard is a copy of the first n of x at the end of guarded memory.
func atGuard[T number](t testing.TB, x []T, n int) []T {
	if x == nil {
		return nil
	}
	g := guarded[T](t, n)
	copy(g, x)
	return g
}

// misalignment is how far x is from an aligned address.
func misalignment[T number](x []T) uintptr {
	return uintptr(unsafe.Pointer(unsafe.SliceData(x))) % align
}

// guardedScratch is NewScratch on guarded memory, full of rubbish.
func guardedScratch(t testing.TB, maxK int) *Scratch {
	n := NewScratch(maxK)
	s := &Scratch{guarded[byte](t, len(n.Panel)), guarded[float32](t, len(n.F)), guarded[int32](t, len(n.I))}
	for i := range s.Panel {
		s.Panel[i] = 0xaa
	}
	for i := range s.F {
		s.F[i], s.I[i] = float32(math.NaN()), -1
	}
	return s
}

// eachImpl runs a test for every implementation; generic is tested too, for
// what it touches.
func eachImpl(t *testing.T, test func(t *testing.T, k *Impl)) {
	for _, k := range All() {
		t.Run(k.Name, func(t *testing.T) {
			if k.Missing != "" {
				t.Skipf("this CPU lacks %s", k.Missing)
			}
			test(t, k)
		})
	}
}

// same says whether two numbers have the same bits; all NaN are one.
func same(a, b float32) bool {
	return math.Float32bits(a) == math.Float32bits(b) || a != a && b != b
}

// requireSame compares bits.
func requireSame(t *testing.T, want, got []float32, format string, args ...any) {
	t.Helper()
	require.Equal(t, len(want), len(got))
	for i := range want {
		if !same(want[i], got[i]) {
			require.Failf(t, "different bits", "element %d: want %g (%08x), got %g (%08x): "+format, append([]any{i, want[i],
				math.Float32bits(want[i]), got[i], math.Float32bits(got[i])}, args...)...)
		}
	}
}

// short picks a test's sizes: fewer when testing.Short.
func short[T any](all []T, few ...T) []T {
	if testing.Short() {
		return few
	}
	return all
}
