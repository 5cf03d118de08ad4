//go:build amd64 && !noasm

package kernels

//lint:file-ignore U1000 the assembly uses the constants

import (
	"slices"
	"unsafe"
)

// everyFourth takes lanes: eight sums, one of each query, to their order.
var everyFourth = [8]uint32{0, 4, 8, 12, 2, 6, 10, 14}

// attendQueries is the number of queries that are handled together.
const attendQueries = 8

// attend512 folds a block into the queries of a, eight at a time. scores fills
// p [n][32] for the queries i to i+n; sums corrects the accumulators of such by c
// and adds the values from first on under the weights p [n][32].
func attend512(a *Attention, visible []Range, scores func(p *float32, i, n int), sums func(c, p *float32, i, n, first, positions int)) {
	c := a.F[:attendQueries]
	for i := 0; i < a.N; i += attendQueries {
		n := min(attendQueries, a.N-i)
		seen := visible[i : i+n]
		if !slices.ContainsFunc(seen, func(r Range) bool { return !r.Empty() }) {
			continue
		}
		p := a.P[i*BlockTokens:]
		scores(&p[0], i, n)
		softmaxAVX512(&p[0], &c[0], &a.M[i], &a.L[i], &seen[0], n)
		for j := 0; j < n; { // those that see the same
			r, from := seen[j], j
			for j++; j < n && seen[j] == r; j++ {
			}
			if !r.Empty() {
				sums(&c[from], &p[from*BlockTokens], i+from, j-from, int(r.Lo), int(r.Hi-r.Lo))
			}
		}
	}
}

func attendF16AVX512(a *Attention, block []byte, visible []Range) {
	n := a.Head
	k, v := unsafe.SliceData(block), block[2*BlockTokens*n:]
	attend512(a, visible,
		func(p *float32, i, m int) { scoresF16AVX512(p, &a.Q[i*n], k, n, m) },
		func(c, p *float32, i, m, first, positions int) {
			sumsF16AVX512(&a.Acc[i*n], c, at(p, first), &v[2*n*first], n, m, positions)
		})
}

func attendF32AVX512(a *Attention, block []byte, visible []Range) {
	n := a.Head
	k, v := unsafe.SliceData(block), block[4*BlockTokens*n:]
	attend512(a, visible,
		func(p *float32, i, m int) { scoresF32AVX512(p, &a.Q[i*n], k, n, m) },
		func(c, p *float32, i, m, first, positions int) {
			sumsF32AVX512(&a.Acc[i*n], c, at(p, first), &v[4*n*first], n, m, positions)
		})
}

// attendQ8AVX512 keeps in a.F, after the corrections, the queries with an offset
// of 128 and the weights times the scales of the values.
func attendQ8AVX512(a *Attention, block []byte, visible []Range) {
	n := a.Head
	kq, kd, vq, vd := blockQ8(block, n)
	scaled := &a.F[16]
	flipped := &bytesOf(a.F[16+attendQueries*BlockTokens:])[0]
	attend512(a, visible,
		func(p *float32, i, m int) {
			flipAVX512(flipped, &a.QQ[i*n], m*n)
			for t := range BlockTokens / KVTile {
				scoresQ8AVX512(&a.P[i*BlockTokens+t*KVTile], flipped, &a.QD[i*n/32],
					&kq[t*KVTile*n], float32s(kd[t*KVTile*n/32*4:]), n, m)
			}
		},
		func(c, p *float32, i, m, first, positions int) {
			sumsQ8AVX512(&a.Acc[i*n], c, p, &vq[n*first], float32s(vd), n, m, first, positions, scaled)
		})
}

func storeKVF16AVX512(block []byte, slot int, k, v []float32) {
	n := len(k)
	values := block[2*BlockTokens*n:]
	storeF16AVX512(&block[2*keyIndex(slot, 0, n)], &values[2*valueIndex(slot, 0, n)], &k[0], &v[:n][0], n)
}

func storeKVQ8AVX512(block []byte, slot int, k, v []float32) {
	storeQ8With(block, slot, k, v, func(q *int8, d, x *float32) {
		var bias int32
		quantize32AVX512(q, d, &bias, x, 1)
	})
}

//go:noescape
func storeF16AVX512(k, v *byte, key, value *float32, head int)

//go:noescape
func scoresF16AVX512(p, q *float32, k *byte, head, n int)

//go:noescape
func scoresF32AVX512(p, q *float32, k *byte, head, n int)

//go:noescape
func sumsF16AVX512(acc, c, p *float32, v *byte, head, n, positions int)

//go:noescape
func sumsF32AVX512(acc, c, p *float32, v *byte, head, n, positions int)

//go:noescape
func flipAVX512(dst *byte, src *int8, n int)

//go:noescape
func scoresQ8AVX512(p *float32, q *byte, dq *float32, k *byte, dk *float32, head, n int)

//go:noescape
func sumsQ8AVX512(acc, c, p *float32, v *byte, dv *float32, head, n, first, positions int, scaled *float32)

//go:noescape
func softmaxAVX512(p, c, m, l *float32, visible *Range, n int)
