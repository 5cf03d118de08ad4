//go:build amd64 && !noasm

package kernels

//lint:file-ignore U1000 the assembly uses the constants

import "math"

// Constants of the AVX2 kernels.
var (
	// expConst8 are the constants of exp32, eight times each.
	expConst8 = func() (t [len(expConst)][8]float32) {
		for i := range t {
			for j := range t[i] {
				t[i][j] = expConst[i]
			}
		}
		return t
	}()
	// packOrder undoes what packing does to the order of dwords.
	packOrder = [8]uint32{0, 4, 1, 5, 2, 6, 3, 7}
	// eights are the multiples of eight below 32, eight times each, then 0 to 7.
	eights = [5][8]uint32{
		{}, {8, 8, 8, 8, 8, 8, 8, 8}, {16, 16, 16, 16, 16, 16, 16, 16}, {24, 24, 24, 24, 24, 24, 24, 24},
		{0, 1, 2, 3, 4, 5, 6, 7},
	}
)

// The assembly does whole vectors; generic Go does the rest.

func rmsNorm2(dst, x, w []float32, eps float32) {
	n := len(x)
	var lane [16]float32
	squaresAVX2(&lane[0], addr(x), n&^15)
	for i, v := range x[n&^15:] {
		lane[i] = fma32(v, v, lane[i])
	}
	mean := sumLanes(&lane) / float32(n)
	s := 1 / float32(math.Sqrt(float64(mean+eps)))
	dst, w = dst[:n], w[:n]
	m := n &^ 7
	if m > 0 {
		scaleAVX2(addr(dst), addr(x), addr(w), s, m)
	}
	for i := m; i < n; i++ {
		dst[i] = float32(x[i]*s) * w[i]
	}
}

func rope2(x, cos, sin []float32) {
	n := len(cos)
	x0, x1, sin := x[:n], x[n:2*n], sin[:n]
	m := n &^ 7
	if m > 0 {
		ropeAVX2(addr(x0), addr(x1), addr(cos), addr(sin), m)
	}
	for i := m; i < n; i++ {
		c, s, a, b := cos[i], sin[i], x0[i], x1[i]
		x0[i] = float32(a*c) - float32(b*s)
		x1[i] = float32(a*s) + float32(b*c)
	}
}

func siluMul2(dst, g, u []float32) {
	n := len(g)
	dst, u = dst[:n], u[:n]
	m := n &^ 7
	if m > 0 {
		siluMulAVX2(addr(dst), addr(g), addr(u), m)
	}
	siluMul(dst[m:], g[m:], u[m:])
}

func add2(dst, x []float32) {
	x = x[:len(dst)]
	m := len(dst) &^ 7
	if m > 0 {
		addAVX2(addr(dst), addr(x), m)
	}
	add(dst[m:], x[m:])
}

func max2(x []float32) float32 {
	m := len(x) &^ 7
	if m == 0 {
		return maximum(x)
	}
	var lanes [8]float32
	maxAVX2(&lanes[0], addr(x), m)
	return max(maximum(lanes[:]), maximum(x[m:]))
}

func quantizeAct32AVX2(a *Acts, col int, x []float32) {
	n := a.K / 32
	q, d, bias := a.Q[col*a.K:][:a.K], a.D[col*n:][:n], a.Bias[col*n:][:n]
	quantize32AVX2(&q[0], &d[0], &bias[0], &a.Start[col*2*n], addr(x[:a.K]), n)
}

func quantizeAct256AVX2(a *Acts, col int, x []float32) {
	n := a.K / 256
	q, d, sum := a.Q[col*a.K:][:a.K], a.D[col*n:][:n], a.Sum[col*16*n:][:16*n]
	quantize256AVX2(&q[0], &d[0], &sum[0], &a.Start[col*32*n], addr(x[:a.K]), n)
}

func storeKVF16AVX2(block []byte, slot int, k, v []float32) {
	n := len(k)
	values := block[2*BlockTokens*n:]
	storeF16AVX2(&block[2*keyIndex(slot, 0, n)], &values[2*valueIndex(slot, 0, n)], &k[0], &v[:n][0], n)
}

// attendF16AVX2 takes up to four queries that see the same at a time, filled up
// to four in a.F. Queries that see nothing are left out.
func attendF16AVX2(a *Attention, block []byte, visible []Range) {
	const group = 4
	n := a.Head
	var who [group]int
	m := 0
	for i, r := range visible[:a.N] {
		if r.Empty() {
			continue
		}
		if m == group || m > 0 && visible[who[0]] != r {
			attendGroupAVX2(a, block, visible[who[0]], who[:m], n)
			m = 0
		}
		who[m] = i
		m++
	}
	if m > 0 {
		attendGroupAVX2(a, block, visible[who[0]], who[:m], n)
	}
}

func attendGroupAVX2(a *Attention, block []byte, r Range, who []int, n int) {
	// In a.F: queries, then their sums, weights and corrections.
	q, acc := a.F[:4*n], a.F[4*n:8*n]
	p, c := a.F[8*n:][:4*BlockTokens], a.F[8*n+4*BlockTokens:][:4]
	for j, i := range who {
		copy(q[j*n:], a.Q[i*n:][:n])
		copy(acc[j*n:], a.Acc[i*n:][:n])
	}
	clear(q[len(who)*n:])
	clear(acc[len(who)*n:])
	scoresF16AVX2(&p[0], &q[0], &block[0], n)
	scoresF16AVX2(&p[KVTile], &q[0], &block[2*KVTile*n], n)
	clear(p[len(who)*BlockTokens:])
	clear(c)
	for j, i := range who {
		s := p[j*BlockTokens:][:BlockTokens]
		m := max(a.M[i], maximum(s[r.Lo:r.Hi]))
		c[j] = exp32(a.M[i] - m)
		a.L[i] = fma32(a.L[i], c[j], weightsAVX2(&s[0], m, r.Lo, r.Hi))
		a.M[i] = m
	}
	sumsF16AVX2(&acc[0], &c[0], &p[r.Lo], &block[2*(BlockTokens+int(r.Lo))*n], n, int(r.Hi-r.Lo))
	for j, i := range who {
		copy(a.Acc[i*n:][:n], acc[j*n:])
	}
}

//go:noescape
func squaresAVX2(lanes, x *float32, n int)

//go:noescape
func scaleAVX2(dst, x, w *float32, s float32, n int)

//go:noescape
func ropeAVX2(x0, x1, cos, sin *float32, n int)

//go:noescape
func siluMulAVX2(dst, gate, up *float32, n int)

//go:noescape
func addAVX2(dst, x *float32, n int)

//go:noescape
func maxAVX2(lanes, x *float32, n int)

//go:noescape
func quantize32AVX2(q *int8, d *float32, bias *int32, start *int16, x *float32, blocks int)

//go:noescape
func quantize256AVX2(q *int8, d *float32, sum, start *int16, x *float32, supers int)

//go:noescape
func scoresF16AVX2(p, q *float32, k *byte, head int)

//go:noescape
func sumsF16AVX2(acc, c, p *float32, v *byte, head, positions int)

//go:noescape
func weightsAVX2(p *float32, m float32, lo, hi int32) float32

//go:noescape
func storeF16AVX2(k, v *byte, key, value *float32, head int)
