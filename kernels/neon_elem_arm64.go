//go:build !noasm

package kernels

import "math"

//go:noescape
func quantize32Neon(q *int8, d *float32, sums *int32, x *float32, blocks int)

//go:noescape
func quantize256Neon(q *int8, d *float32, sums *int16, x *float32, blocks int)

//go:noescape
func sumSquaresNeon(x *float32, n int) float32

//go:noescape
func scaleMulNeon(dst, x, w *float32, n int, s float32)

//go:noescape
func ropeNeon(x0, x1, cos, sin *float32, n int)

//go:noescape
func siluMulNeon(dst, gate, up *float32, n int)

//go:noescape
func addNeon(dst, x *float32, n int)

//go:noescape
func maxNeon(x *float32, n int) float32

// expConstants are those of exp32 and its limits, as EXP_CONSTANTS loads them.
var expConstants = [13]float32{
	1.44269504, 0x1.8p23, -0.693359375, 2.12194440e-4,
	1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1,
	1, 88, -87,
}

func quantizeAct32Neon(a *Acts, col int, x []float32) {
	if n := a.K / 32; n > 0 {
		quantize32Neon(&a.Q[col*a.K], &a.D[col*n], &a.Bias[col*n], &x[:a.K][0], n)
	}
}

func quantizeAct256Neon(a *Acts, col int, x []float32) {
	if n := a.K / 256; n > 0 {
		quantize256Neon(&a.Q[col*a.K], &a.D[col*n], &a.Sum[col*16*n], &x[:a.K][0], n)
	}
}

// The lengths of a model's vectors are multiples of 16 or 32; what is over, or
// other lengths, is left to generic Go.

func rmsNormNeon(dst, x, w []float32, eps float32) {
	n := len(x)
	if n == 0 || n%16 != 0 {
		rmsNorm(dst, x, w, eps)
		return
	}
	mean := sumSquaresNeon(&x[0], n) / float32(n)
	scaleMulNeon(&dst[:n][0], &x[0], &w[:n][0], n, 1/float32(math.Sqrt(float64(mean+eps))))
}

func ropeRotateNeon(x, cos, sin []float32) {
	n := len(cos)
	if n == 0 || n%4 != 0 {
		rope(x, cos, sin)
		return
	}
	ropeNeon(&x[0], &x[n : 2*n][0], &cos[0], &sin[:n][0], n)
}

func siluMulAllNeon(dst, g, u []float32) {
	n := len(g) &^ 3
	if n > 0 {
		siluMulNeon(&dst[:n][0], &g[0], &u[:n][0], n)
	}
	siluMul(dst[n:], g[n:], u[n:])
}

func addAllNeon(dst, x []float32) {
	n := len(dst) &^ 15
	if n > 0 {
		addNeon(&dst[0], &x[:n][0], n)
	}
	add(dst[n:], x[n:])
}

func maximumNeon(x []float32) float32 {
	n := len(x) &^ 15
	if n == 0 {
		return maximum(x)
	}
	m := maxNeon(&x[0], n)
	if m == 0 || m != m { // the first zero's sign, or signalling NaN
		return maximum(x)
	}
	for _, v := range x[n:] {
		if v > m {
			m = v
		}
	}
	return m
}
