//go:build !noasm

package kernels

import (
	"math"
	"slices"
)

//go:noescape
func convertF16Neon(dst *float32, src *byte, n int)

//go:noescape
func convertI8Neon(dst *float32, src *byte, n int)

//go:noescape
func scores4Neon(s, q, k *float32, n int)

//go:noescape
func scores1Neon(s, q, k *float32, n int)

//go:noescape
func softmaxNeon(s, m, l, acc *float32, head int)

//go:noescape
func values4Neon(acc, p, v *float32, width, head, count int)

//go:noescape
func values1Neon(acc, p, v *float32, width, head, count int)

//go:noescape
func storeF16Neon(k16, v16 *byte, k, v *float32, n int)

//go:noescape
func scoresQ8Dotprod(s *float32, q *int8, dq *float32, k *byte, dk *float32, n int)

//go:noescape
func scoresQ8Neon(s *float32, q *int8, dq *float32, k *byte, dk *float32, n int)

//go:noescape
func mulNeon(dst, x, y *float32, n int)

func storeKVF16Neon(block []byte, slot int, k, v []float32) {
	n := len(k)
	block = block[:KVBlockBytes(KVF16, n)]
	storeF16Neon(&block[2*keyIndex(slot, 0, n)], &block[2*(BlockTokens*n+valueIndex(slot, 0, n))], &k[0], &v[:n][0], n)
}

func storeKVQ8Neon(block []byte, slot int, k, v []float32) {
	storeQ8With(block, slot, k, v, func(q *int8, d, x *float32) {
		var bias int32
		quantize32Neon(q, d, &bias, x, 1)
	})
}

func attendF16Neon(a *Attention, block []byte, visible []Range) {
	first, last := union(visible[:a.N])
	if first >= last {
		return
	}
	n := a.Head
	convertF16Neon(&a.F[0], &block[0], (last+KVTile-1)&^(KVTile-1)*n)
	convertF16Neon(&a.F[(BlockTokens+first)*n], &block[2*(BlockTokens+first)*n], (last-first)*n)
	attendFloatsNeon(a, &a.F[0], &a.F[BlockTokens*n], visible)
}

func attendF32Neon(a *Attention, block []byte, visible []Range) {
	attendFloatsNeon(a, float32s(block), float32s(block[4*BlockTokens*a.Head:]), visible)
}

// attendFloatsNeon is Attend on keys and values in float32. Four queries at a
// time share what is loaded.
func attendFloatsNeon(a *Attention, keys, values *float32, visible []Range) {
	n := a.Head
	for i := 0; i < a.N; {
		if i+4 <= a.N && !slices.ContainsFunc(visible[i:i+4], Range.Empty) {
			a.attendFour(i, keys, values, visible[i:i+4])
			i += 4
			continue
		}
		if r := visible[i]; !r.Empty() {
			scores1Neon(&a.P[i*BlockTokens], &a.Q[i*n], keys, n)
			a.softmaxNeon(i, r)
			a.addValues(i, values, int(r.Lo), int(r.Hi))
		}
		i++
	}
}

// union is the positions from the first to the last that any query sees.
func union(visible []Range) (first, last int) {
	first = BlockTokens
	for _, r := range visible {
		if !r.Empty() {
			first, last = min(first, int(r.Lo)), max(last, int(r.Hi))
		}
	}
	return first, last
}

// addValues adds the weighted values of the positions [lo, hi) to query i.
func (a *Attention) addValues(i int, values *float32, lo, hi int) {
	if n := a.Head; lo < hi {
		values1Neon(&a.Acc[i*n], &a.P[i*BlockTokens+lo], at(values, lo*n), n, n, hi-lo)
	}
}

// attendFour does the queries from i on; each sees something.
func (a *Attention) attendFour(i int, keys, values *float32, visible []Range) {
	n := a.Head
	first, last := union(visible)
	for t := first &^ (KVTile - 1); t < last; t += KVTile {
		scores4Neon(&a.P[i*BlockTokens+t], &a.Q[i*n], at(keys, t*n), n)
	}
	lo, hi := 0, BlockTokens // what all see
	for j, r := range visible {
		a.softmaxNeon(i+j, r)
		lo, hi = max(lo, int(r.Lo)), min(hi, int(r.Hi))
	}
	if lo >= hi {
		for j, r := range visible {
			a.addValues(i+j, values, int(r.Lo), int(r.Hi))
		}
		return
	}
	for j, r := range visible {
		a.addValues(i+j, values, int(r.Lo), lo)
	}
	values4Neon(&a.Acc[i*n], &a.P[i*BlockTokens+lo], at(values, lo*n), n, n, hi-lo)
	for j, r := range visible {
		a.addValues(i+j, values, hi, int(r.Hi))
	}
}

// softmaxNeon is softmax of query i, which sees the positions r.
func (a *Attention) softmaxNeon(i int, r Range) {
	s := a.P[i*BlockTokens:][:BlockTokens]
	for t := range s {
		if t < int(r.Lo) || t >= int(r.Hi) {
			s[t] = float32(math.Inf(-1))
		}
	}
	softmaxNeon(&s[0], &a.M[i], &a.L[i], &a.Acc[i*a.Head], a.Head)
}

// attendQ8With returns Attend for Q8_0 with the function for a tile's scores.
func attendQ8With(scores func(s *float32, q *int8, dq *float32, k *byte, dk *float32, n int)) AttendFunc {
	return func(a *Attention, block []byte, visible []Range) {
		first, last := union(visible[:a.N])
		if first >= last {
			return
		}
		n := a.Head
		blocks := n / 32
		kq, kd, vq, vd := blockQ8(block, n)
		// a.F has the values as float32, the scales of the values by block and
		// then by position, and their products with the weights.
		values, scales, weights := &a.F[BlockTokens*n], a.F[:blocks*BlockTokens], &a.F[blocks*BlockTokens]
		convertI8Neon(at(values, first*n), &vq[first*n], (last-first)*n)
		for t := first; t < last; t++ {
			for b := range blocks {
				scales[b*BlockTokens+t] = *float32s(vd[4*(t*blocks+b):])
			}
		}
		for i, r := range visible[:a.N] {
			if r.Empty() {
				continue
			}
			lo, hi := int(r.Lo), int(r.Hi)
			s := &a.P[i*BlockTokens]
			for t := lo &^ (KVTile - 1); t < hi; t += KVTile {
				scores(at(s, t), &a.QQ[i*n], &a.QD[i*blocks], &kq[t*n], float32s(kd[4*t*blocks:]), n)
			}
			a.softmaxNeon(i, r)
			for b := range blocks {
				mulNeon(weights, s, &scales[b*BlockTokens], BlockTokens)
				values1Neon(&a.Acc[i*n+32*b], at(weights, lo), at(values, lo*n+32*b), 32, n, hi-lo)
			}
		}
	}
}
