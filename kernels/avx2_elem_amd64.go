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
