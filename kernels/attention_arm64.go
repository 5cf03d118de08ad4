//go:build !noasm

package kernels

import (
	"math"
	"slices"
	"unsafe"
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
	n := len(k)
	kq, kd, vq, vd := blockQ8(block, n)
	var (
		q    [32]int8
		bias int32
	)
	for b := range n / 32 {
		quantize32Neon(&q[0], floatAt(kd, keyIndex(slot, b, n/32)), &bias, &k[32*b], 1)
		for i := 0; i < 32; i += 4 {
			*(*[4]int8)(unsafe.Pointer(&kq[keyQ8Index(slot, 32*b+i, n)])) = [4]int8(q[i:])
		}
		quantize32Neon((*int8)(unsafe.Pointer(&vq[valueIndex(slot, 32*b, n)])), floatAt(vd, valueIndex(slot, b, n/32)), &bias, &v[32*b], 1)
	}
}

// floatAt is the i-th float32 in b.
func floatAt(b []byte, i int) *float32 { return (*float32)(unsafe.Pointer(&b[4*i])) }

func attendF16Neon(a *Attention, block []byte, visible []int32) {
	last := int(slices.Max(visible[:a.N]))
	if last == 0 {
		return
	}
	n := a.Head
	tiles := (last + KVTile - 1) / KVTile
	convertF16Neon(&a.F[0], &block[0], tiles*KVTile*n)
	convertF16Neon(&a.F[BlockTokens*n], &block[2*BlockTokens*n], last*n)
	attendFloatsNeon(a, &a.F[0], &a.F[BlockTokens*n], visible)
}

func attendF32Neon(a *Attention, block []byte, visible []int32) {
	attendFloatsNeon(a, floatAt(block, 0), floatAt(block, BlockTokens*a.Head), visible)
}

// attendFloatsNeon is Attend on keys and values in float32. Four queries at a
// time share what is loaded.
func attendFloatsNeon(a *Attention, keys, values *float32, visible []int32) {
	n := a.Head
	for i := 0; i < a.N; {
		if i+4 <= a.N && slices.Min(visible[i:i+4]) > 0 {
			a.attendFour(i, keys, values, visible[i:i+4])
			i += 4
			continue
		}
		if seen := int(visible[i]); seen > 0 {
			scores1Neon(&a.P[i*BlockTokens], &a.Q[i*n], keys, n)
			a.softmaxNeon(i, seen)
			values1Neon(&a.Acc[i*n], &a.P[i*BlockTokens], values, n, n, seen)
		}
		i++
	}
}

// attendFour does the queries from i on; each sees something.
func (a *Attention) attendFour(i int, keys, values *float32, visible []int32) {
	n := a.Head
	for t := 0; t < int(slices.Max(visible)); t += KVTile {
		scores4Neon(&a.P[i*BlockTokens+t], &a.Q[i*n], at(keys, t*n), n)
	}
	for j, seen := range visible {
		a.softmaxNeon(i+j, int(seen))
	}
	least := int(slices.Min(visible))
	values4Neon(&a.Acc[i*n], &a.P[i*BlockTokens], values, n, n, least)
	for j, seen := range visible {
		if rest := int(seen) - least; rest > 0 {
			values1Neon(&a.Acc[(i+j)*n], &a.P[(i+j)*BlockTokens+least], at(values, least*n), n, n, rest)
		}
	}
}

// at is the pointer to the i-th float32 from p on.
func at(p *float32, i int) *float32 { return (*float32)(unsafe.Add(unsafe.Pointer(p), 4*i)) }

// softmaxNeon is softmax of query i, which sees the first seen positions.
func (a *Attention) softmaxNeon(i, seen int) {
	s := a.P[i*BlockTokens:][:BlockTokens]
	for t := seen; t < BlockTokens; t++ {
		s[t] = float32(math.Inf(-1))
	}
	softmaxNeon(&s[0], &a.M[i], &a.L[i], &a.Acc[i*a.Head], a.Head)
}

// attendQ8With returns Attend for Q8_0 with the function for a tile's scores.
func attendQ8With(scores func(s *float32, q *int8, dq *float32, k *byte, dk *float32, n int)) func(a *Attention, block []byte, visible []int32) {
	return func(a *Attention, block []byte, visible []int32) {
		last := int(slices.Max(visible[:a.N]))
		if last == 0 {
			return
		}
		n := a.Head
		blocks := n / 32
		kq, kd, vq, vd := blockQ8(block, n)
		// a.F has the values as float32, the scales of the values by block and
		// then by position, and their products with the weights.
		values, scales, weights := &a.F[BlockTokens*n], a.F[:blocks*BlockTokens], &a.F[blocks*BlockTokens]
		convertI8Neon(values, &vq[0], last*n)
		for t := range last {
			for b := range blocks {
				scales[b*BlockTokens+t] = *floatAt(vd, t*blocks+b)
			}
		}
		for i, v := range visible[:a.N] {
			if v == 0 {
				continue
			}
			s := &a.P[i*BlockTokens]
			for t := 0; t < int(v); t += KVTile {
				scores(at(s, t), &a.QQ[i*n], &a.QD[i*blocks], &kq[t*n], floatAt(kd, t*blocks), n)
			}
			a.softmaxNeon(i, int(v))
			for b := range blocks {
				mulNeon(weights, s, &scales[b*BlockTokens], BlockTokens)
				values1Neon(&a.Acc[i*n+32*b], weights, at(values, 32*b), 32, n, int(v))
			}
		}
	}
}
