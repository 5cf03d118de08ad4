package kernels

import "math"

func rmsNorm(dst, x, w []float32, eps float32) {
	var lane [16]float32
	n := len(x) / 16 * 16
	for i := 0; i < n; i += 16 {
		v := (*[16]float32)(x[i:])
		fmaLanes(&lane, v, v)
	}
	for i, v := range x[n:] {
		lane[i] = fma32(v, v, lane[i])
	}
	mean := sumLanes(&lane) / float32(len(x))
	s := 1 / float32(math.Sqrt(float64(mean+eps)))
	dst, w = dst[:len(x)], w[:len(x)]
	for i, v := range x {
		dst[i] = float32(v*s) * w[i]
	}
}

func rope(x, cos, sin []float32) {
	n := len(cos)
	x0, x1, sin := x[:n], x[n:2*n], sin[:n]
	for i, c := range cos {
		s, a, b := sin[i], x0[i], x1[i]
		x0[i] = float32(a*c) - float32(b*s)
		x1[i] = float32(a*s) + float32(b*c)
	}
}

func siluMul(dst, g, u []float32) {
	dst, u = dst[:len(g)], u[:len(g)]
	for i, v := range g {
		dst[i] = v / (1 + exp32(-v)) * u[i]
	}
}

func add(dst, x []float32) {
	x = x[:len(dst)]
	for i := range dst {
		dst[i] += x[i]
	}
}

func maximum(x []float32) float32 {
	m := float32(math.Inf(-1))
	for _, v := range x {
		if v > m {
			m = v
		}
	}
	return m
}
