//go:build amd64 && !noasm

package kernels

//lint:file-ignore U1000 the assembly uses the constants

import "math"

// transpose4 takes dwords: a 4×4 transposition.
var transpose4 = [16]uint32{0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15}

func rmsNorm512(dst, x, w []float32, eps float32) {
	n := len(x)
	rmsNormAVX512(addr(dst[:n]), addr(x), addr(w[:n]), n, eps)
}

func rope512(x, cos, sin []float32) {
	n := len(cos)
	ropeAVX512(addr(x[:n]), addr(x[n:2*n]), addr(cos), addr(sin[:n]), n)
}

func siluMul512(dst, g, u []float32) {
	n := len(g)
	siluMulAVX512(addr(dst[:n]), addr(g), addr(u[:n]), n)
}

func add512(dst, x []float32) {
	n := len(dst)
	addAVX512(addr(dst), addr(x[:n]), n)
}

func max512(x []float32) float32 {
	if len(x) == 0 {
		return float32(math.Inf(-1))
	}
	return maxAVX512(addr(x), len(x))
}

func quantizeAct32AVX512(a *Acts, col int, x []float32) {
	n := a.K / 32
	q, d, bias := a.Q[col*a.K:][:a.K], a.D[col*n:][:n], a.Bias[col*n:][:n]
	quantize32AVX512(&q[0], &d[0], &bias[0], addr(x[:a.K]), n)
}

func quantizeAct256AVX512(a *Acts, col int, x []float32) {
	n := a.K / 256
	q, d, sum := a.Q[col*a.K:][:a.K], a.D[col*n:][:n], a.Sum[col*16*n:][:16*n]
	quantize256AVX512(&q[0], &d[0], &sum[0], addr(x[:a.K]), n)
}

//go:noescape
func rmsNormAVX512(dst, x, w *float32, n int, eps float32)

//go:noescape
func ropeAVX512(x0, x1, cos, sin *float32, n int)

//go:noescape
func siluMulAVX512(dst, gate, up *float32, n int)

//go:noescape
func addAVX512(dst, x *float32, n int)

//go:noescape
func maxAVX512(x *float32, n int) float32

//go:noescape
func quantize32AVX512(q *int8, d *float32, bias *int32, x *float32, blocks int)

//go:noescape
func quantize256AVX512(q *int8, d *float32, sum *int16, x *float32, supers int)
