package kernels

import (
	"encoding/binary"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/mat"
)

var (
	heads     = []int{32, 64, 96, 128}
	kvFormats = []string{KVF16: "F16", KVF32: "F32", KVQ8: "Q8_0"}
)

// eachKV runs a test on every implementation, storage format and head size.
func eachKV(t *testing.T, test func(t *testing.T, k *Impl, f KVFormat, head int)) {
	eachImpl(t, func(t *testing.T, k *Impl) {
		for f := range NumKVFormats {
			t.Run(kvFormats[f], func(t *testing.T) {
				for _, head := range short(heads, 64, 96) {
					test(t, k, f, head)
				}
			})
		}
	})
}

func TestStoreKV(t *testing.T) {
	eachKV(t, func(t *testing.T, k *Impl, f KVFormat, head int) {
		for d := range numData {
			r := newRand(uint64(head))
			key, value := guarded[float32](t, head), guarded[float32](t, head)
			want := make([]byte, KVBlockBytes(f, head))
			got := guarded[byte](t, len(want))
			for i := range got {
				want[i], got[i] = 0xee, 0xee
			}
			for _, slot := range r.Perm(BlockTokens)[:24] {
				d.floats(r, key)
				d.floats(r, value)
				generic().StoreKV[f](want, slot, key, value)
				k.StoreKV[f](got, slot, key, value)
				require.Equal(t, oneNaN(f, head, want), oneNaN(f, head, got), "%s data, head=%d slot=%d", d, head, slot)
			}
		}
	})
}

// oneNaN is a block in which all NaN are the same.
func oneNaN(f KVFormat, head int, block []byte) []byte {
	b := slices.Clone(block)
	f32 := func(b []byte) {
		for i := 0; i < len(b); i += 4 {
			if x := math.Float32frombits(binary.LittleEndian.Uint32(b[i:])); x != x {
				binary.LittleEndian.PutUint32(b[i:], 0x7fc00000)
			}
		}
	}
	switch f {
	case KVF16:
		for i := 0; i < len(b); i += 2 {
			if x := float16(binary.LittleEndian.Uint16(b[i:])); x != x {
				binary.LittleEndian.PutUint16(b[i:], 0x7e00)
			}
		}
	case KVF32:
		f32(b)
	case KVQ8:
		_, kd, _, vd := blockQ8(b, head)
		f32(kd)
		f32(vd)
	}
	return b
}

// randomAttention returns an Attention on guarded memory with random queries.
func randomAttention(t testing.TB, seed uint64, n, head int) *Attention {
	a := &Attention{
		Head: head, Q: guarded[float32](t, n*head), M: guarded[float32](t, n), L: guarded[float32](t, n),
		Acc: guarded[float32](t, n*head), P: guarded[float32](t, n*BlockTokens), F: guarded[float32](t, 2*BlockTokens*head),
		QQ: guarded[int8](t, n*head), QD: guarded[float32](t, n*head/32),
	}
	a.Reset(n)
	r := newRand(seed)
	for i := range a.Q {
		a.Q[i] = float32(r.NormFloat64() / math.Sqrt(float64(head)))
	}
	for i := range n {
		q := NewActs(Act32, 1, head)
		q.Q, q.D = a.QQ[i*head:][:head], a.QD[i*head/32:][:head/32]
		quantizeAct32(q, 0, a.Q[i*head:][:head])
	}
	for i := range a.P {
		a.P[i] = float32(math.NaN())
	}
	for i := range a.F {
		a.F[i] = float32(math.NaN())
	}
	return a
}

// visiblePattern is what each query sees of a block.
func visiblePattern(pattern, n, block int, visible []Range) {
	r := newRand(uint64(pattern*1000 + block))
	for i := range n {
		switch pattern {
		case 0: // the middle of a long sequence
			visible[i] = Range{0, BlockTokens}
		case 1: // a chunk of a prompt, whose queries end in this block
			visible[i] = Range{0, int32(max(0, min(BlockTokens, 1+i+20*(1-block))))}
		case 2: // and each of which sees a window of 40 positions
			hi := 1 + i + 20*(1-block)
			visible[i] = Range{int32(max(0, hi-40)), int32(max(0, min(BlockTokens, hi)))}
		case 3: // one position each
			t := int32(r.IntN(BlockTokens))
			visible[i] = Range{t, t + 1}
		default:
			visible[i].Lo = pick(r, 0, 0, KVTile, int32(r.IntN(BlockTokens)))
			visible[i].Hi = pick(r, 0, 1, KVTile, BlockTokens, int32(r.IntN(BlockTokens+1)))
		}
	}
}

func TestAttend(t *testing.T) {
	eachKV(t, func(t *testing.T, k *Impl, f KVFormat, head int) {
		for _, n := range short([]int{1, 2, 3, 4, 5, 7, 8, 12, 16, 17}, 1, 3, 7, 17) {
			for pattern := range 6 {
				checkAttend(t, k, f, n, head, pattern)
			}
		}
	})
}

func checkAttend(t *testing.T, k *Impl, f KVFormat, n, head, pattern int) {
	seed := uint64(n*1000 + head + pattern)
	want, got := randomAttention(t, seed, n, head), randomAttention(t, seed, n, head)
	r := newRand(seed)
	block, visible := guarded[byte](t, KVBlockBytes(f, head)), make([]Range, n)
	key, value := make([]float32, head), make([]float32, head)
	for b := range 3 {
		visiblePattern(pattern, n, b, visible)
		for i := range block { // what nobody sees may be NaN
			block[i] = 0xff
		}
		for slot := range BlockTokens {
			if !slices.ContainsFunc(visible, func(r Range) bool { return int(r.Lo) <= slot && slot < int(r.Hi) }) {
				continue
			}
			scale := float32(math.Exp(2 * r.NormFloat64()))
			for d := range key {
				key[d], value[d] = scale*float32(r.NormFloat64()), plain.float(r)
			}
			generic().StoreKV[f](block, slot, key, value)
		}
		generic().Attend[f](want, block, visible)
		k.Attend[f](got, block, visible)
		for i := range want.M { // the sign of a zero is free
			require.Equal(t, want.M[i], got.M[i], "M of query %d of %d, head=%d block=%d visible=%v", i, n, head, b, visible)
		}
		requireSame(t, want.L, got.L, "L: queries=%d head=%d block=%d visible=%v", n, head, b, visible)
		requireSame(t, want.Acc, got.Acc, "Acc: queries=%d head=%d block=%d visible=%v", n, head, b, visible)
	}
	for i := range n {
		require.Equal(t, randomQuery(seed, n, head, i), got.Q[i*head:][:head], "the queries are only read")
	}
}

// A NaN or infinity that a query meets makes it NaN on every level alike, also
// when blocks of numbers follow; one that it does not see changes nothing.
func TestAttendSpoilt(t *testing.T) {
	eachKV(t, func(t *testing.T, k *Impl, f KVFormat, head int) {
		const n = 9
		for seed := range uint64(40) {
			r := newRand(seed)
			want, got := randomAttention(t, seed, n, head), randomAttention(t, seed, n, head)
			visible := make([]Range, n)
			visiblePattern(4+int(seed), n, 0, visible)
			block := make([]byte, KVBlockBytes(f, head))
			key, value := make([]float32, head), make([]float32, head)
			spoil, with := r.IntN(BlockTokens), pick(r, nan, nan, float32(math.Inf(1)), float32(math.Inf(-1)))
			for b := range 3 {
				for slot := range BlockTokens {
					plain.floats(r, key)
					plain.floats(r, value)
					if b == 1 && slot == spoil {
						x := pick(r, key, value)
						x[r.IntN(head)] = with
					}
					generic().StoreKV[f](block, slot, key, value)
				}
				if seed%8 == 7 { // a query itself
					want.Q[3], want.QD[0] = nan, nan
					got.Q[3], got.QD[0] = nan, nan
				}
				generic().Attend[f](want, block, visible)
				k.Attend[f](got, block, visible)
				requireSame(t, want.L, got.L, "L: head=%d seed=%d block=%d", head, seed, b)
				requireSame(t, want.Acc, got.Acc, "Acc: head=%d seed=%d block=%d", head, seed, b)
			}
			for i, r := range visible {
				sees := int(r.Lo) <= spoil && spoil < int(r.Hi)
				if i == 0 && seed%8 == 7 || sees && with == with { // a key may lie infinitely far away
					continue
				}
				spoilt := slices.ContainsFunc(got.Acc[i*head:][:head], func(x float32) bool { return x != x })
				require.Equal(t, sees, spoilt, "query %d of seed %d", i, seed)
			}
		}
	})
}

func randomQuery(seed uint64, n, head, i int) []float32 {
	r := newRand(seed)
	q := make([]float32, n*head)
	for i := range q {
		q[i] = float32(r.NormFloat64() / math.Sqrt(float64(head)))
	}
	return q[i*head:][:head]
}

// It is attention: against gonum's products in float64 over the numbers that were
// stored.
func TestAttendIsSoftmax(t *testing.T) {
	const head, n, blocks = 64, 3, 3
	bounds := []float64{KVF16: 3e-3, KVF32: 1e-5, KVQ8: 5e-2}
	visible := []Range{{0, BlockTokens}, {3, 21}, {17, BlockTokens}}
	eachImpl(t, func(t *testing.T, k *Impl) {
		for f := range NumKVFormats {
			r := newRand(5)
			a := randomAttention(t, 9, n, head)
			keys, values := mat.NewDense(blocks*BlockTokens, head, nil), mat.NewDense(blocks*BlockTokens, head, nil)
			for b := range blocks {
				block := make([]byte, KVBlockBytes(f, head))
				for slot := range BlockTokens {
					key, value := make([]float32, head), make([]float32, head)
					for d := range key {
						key[d], value[d] = float32(r.NormFloat64()), float32(r.NormFloat64())
						keys.Set(b*BlockTokens+slot, d, float64(key[d]))
						values.Set(b*BlockTokens+slot, d, float64(value[d]))
					}
					k.StoreKV[f](block, slot, key, value)
				}
				k.Attend[f](a, block, visible)
			}
			queries := mat.NewDense(n, head, nil)
			for i, q := range a.Q {
				queries.Set(i/head, i%head, float64(q))
			}
			weights := mul64(queries, keys)
			weights.Apply(func(i, p int, score float64) float64 {
				if t := int32(p % BlockTokens); t < visible[i].Lo || t >= visible[i].Hi {
					return 0
				}
				return math.Exp(score)
			}, weights)
			var want mat.Dense
			want.Mul(weights, values)
			for i := range n {
				sum := mat.Sum(weights.RowView(i))
				for d := range head {
					require.InDelta(t, want.At(i, d)/sum, float64(a.Acc[i*head+d]/a.L[i]), bounds[f], "%s query %d element %d", kvFormats[f], i, d)
				}
			}
		}
	})
}
