//go:build amd64 && !noasm

package kernels

import (
	"math"
	"unsafe"
)

// Most queries that the AVX2 kernels take together: those of float keys, and of
// Q8_0 keys.
const (
	attendFloatsAVX2 = 6
	attendQ8sAVX2    = 4
)

// softmaxFetch is the bytes of the next keys that softmaxAVX2 fetches for each
// query; the sums fetch those behind.
const softmaxFetch = 1 << 10

// attend2 folds a block into the queries of a: those that follow each other and
// see the same together, at most so many. scores fills p [n][32] for the queries i
// to i+n; sums corrects the accumulators of such by c and adds the values from
// first on under the weights p [n][32].
func attend2(a *Attention, block []byte, visible []Range, most int, scores func(p *float32, i, n int), sums func(c, p *float32, i, n, first, positions int)) {
	c := &a.F[0]
	next := uintptr(unsafe.Pointer(unsafe.SliceData(block))) + uintptr(len(block))
	for i := 0; i < a.N; {
		r, end := visible[i], i+1
		for end < a.N && visible[end] == r {
			end++
		}
		if r.Empty() {
			i = end
			continue
		}
		for i < end {
			n := end - i
			groups := (n + most - 1) / most
			n = (n + groups - 1) / groups
			p := a.P[i*BlockTokens:][:n*BlockTokens]
			scores(&p[0], i, n)
			hide(p, r)
			softmaxAVX2(&p[0], c, &a.M[i], &a.L[i], n, next)
			sums(c, &p[0], i, n, int(r.Lo), int(r.Hi-r.Lo))
			i += n
		}
	}
}

// hide makes the scores p [][32] of what is not visible -Inf.
func hide(p []float32, r Range) {
	if r == (Range{0, BlockTokens}) {
		return
	}
	for ; len(p) > 0; p = p[BlockTokens:] {
		for t := range p[:BlockTokens] {
			if t < int(r.Lo) || t >= int(r.Hi) {
				p[t] = float32(math.Inf(-1))
			}
		}
	}
}

func attendF16AVX2(a *Attention, block []byte, visible []Range) {
	n := a.Head
	k, v := unsafe.SliceData(block), block[2*BlockTokens*n:]
	attend2(a, block, visible, attendFloatsAVX2,
		func(p *float32, i, m int) { scoresF16AVX2(p, &a.Q[i*n], k, n, m) },
		func(c, p *float32, i, m, first, positions int) {
			sumsF16AVX2(&a.Acc[i*n], c, at(p, first), &v[2*n*first], 2*BlockTokens*n+softmaxFetch*m, n, n, m, positions)
		})
}

func attendF32AVX2(a *Attention, block []byte, visible []Range) {
	n := a.Head
	k, v := unsafe.SliceData(block), block[4*BlockTokens*n:]
	attend2(a, block, visible, attendFloatsAVX2,
		func(p *float32, i, m int) { scoresF32AVX2(p, &a.Q[i*n], k, n, m) },
		func(c, p *float32, i, m, first, positions int) {
			sumsF32AVX2(&a.Acc[i*n], c, at(p, first), &v[4*n*first], 4*BlockTokens*n+softmaxFetch*m, n, n, m, positions)
		})
}

// attendQ8AVX2 keeps in a.F, after the corrections, the scales of the values by
// block of 32 elements and then by position, and their products with the weights.
func attendQ8AVX2(a *Attention, block []byte, visible []Range) {
	n := a.Head
	blocks := n / 32
	kq, kd, vq, vd := blockQ8(block, n)
	scales, scaled := a.F[8:][:blocks*BlockTokens], &a.F[8+blocks*BlockTokens]
	dv := unsafe.Slice(float32s(vd), blocks*BlockTokens)
	for b := range blocks {
		for t := range BlockTokens {
			scales[b*BlockTokens+t] = dv[t*blocks+b]
		}
	}
	attend2(a, block, visible, attendQ8sAVX2,
		func(p *float32, i, m int) {
			for t := 0; t < BlockTokens; t += KVTile {
				scoresQ8AVX2(at(p, t), &a.QQ[i*n], &a.QD[i*blocks], &kq[t*n], float32s(kd[4*t*blocks:]), n, m)
			}
		},
		func(c, p *float32, i, m, first, positions int) {
			for b := range blocks {
				scaleWeightsAVX2(scaled, p, &scales[b*BlockTokens], m)
				sumsI8AVX2(&a.Acc[i*n+32*b], c, at(scaled, first), &vq[n*first+32*b], 36*n+32*31*b, n, 32, m, positions)
			}
		})
}

func storeKVF16AVX2(block []byte, slot int, k, v []float32) {
	n := len(k)
	values := block[2*BlockTokens*n:]
	storeF16AVX2(&block[2*keyIndex(slot, 0, n)], &values[2*valueIndex(slot, 0, n)], &k[0], &v[:n][0], n)
}

func storeKVQ8AVX2(block []byte, slot int, k, v []float32) {
	storeQ8With(block, slot, k, v, func(q *int8, d, x *float32) {
		var bias int32
		var start [2]int16
		quantize32AVX2(q, d, &bias, &start[0], x, 1)
	})
}

//go:noescape
func scoresF16AVX2(p, q *float32, k *byte, head, n int)

//go:noescape
func scoresF32AVX2(p, q *float32, k *byte, head, n int)

//go:noescape
func scoresQ8AVX2(p *float32, q *int8, dq *float32, k *byte, dk *float32, head, n int)

//go:noescape
func scaleWeightsAVX2(dst, p, d *float32, n int)

//go:noescape
func sumsF16AVX2(acc, c, p *float32, v *byte, ahead, head, width, n, positions int)

//go:noescape
func sumsF32AVX2(acc, c, p *float32, v *byte, ahead, head, width, n, positions int)

//go:noescape
func sumsI8AVX2(acc, c, p *float32, v *byte, ahead, head, width, n, positions int)

//go:noescape
func softmaxAVX2(p, c, m, l *float32, n int, next uintptr)

//go:noescape
func storeF16AVX2(k, v *byte, key, value *float32, head int)
