package kernels

import "math"

// fma32 is x·y + z rounded once. The product of two float32 is exact in
// float64; the sum is rounded to 53 bits and then to 24, and rounding twice is
// wrong only where the first result lies half-way between two float32 without
// being exact. Such results take the slow path.
func fma32(x, y, z float32) float32 {
	s := float64(x)*float64(y) + float64(z)
	if halfway(s) {
		return fma32Odd(x, y, z)
	}
	return float32(s)
}

// halfway says whether s may lie half-way between two float32: when its 29 bits
// below a float32's last are 100..., or when it is under the least normal
// float32, whose half-ways lie elsewhere.
func halfway(s float64) bool {
	b := math.Float64bits(s)
	return b&(1<<29-1) == 1<<28 || b<<1 < 897<<53
}

// fmaLanes is lane[i] = fma32(x[i], y[i], lane[i]), with the calls taken out.
func fmaLanes(lane, x, y *[16]float32) {
	for i, z := range lane {
		s := float64(x[i])*float64(y[i]) + float64(z)
		lane[i] = float32(s)
		if halfway(s) {
			lane[i] = fma32Odd(x[i], y[i], z)
		}
	}
}

// axpy is y[i] = fma32(a, x[i], y[i]), with the calls taken out.
func axpy(y []float32, a float32, x []float32) {
	x = x[:len(y)]
	for i, z := range y {
		s := float64(a)*float64(x[i]) + float64(z)
		y[i] = float32(s)
		if halfway(s) {
			y[i] = fma32Odd(a, x[i], z)
		}
	}
}

// fma32Odd is fma32 by rounding the sum to odd (Boldo and Melquiond, 2008): an
// inexact sum goes to its neighbour with an odd last bit, which keeps it off the
// half-ways.
//
//go:noinline
func fma32Odd(x, y, z float32) float32 {
	p, w := float64(x)*float64(y), float64(z)
	s := p + w
	v := s - p
	err := (p - (s - v)) + (w - v) // TwoSum: s + err is exact
	if b := math.Float64bits(s); err != 0 && b&1 == 0 {
		if (err > 0) == (s > 0) {
			b++
		} else {
			b--
		}
		s = math.Float64frombits(b)
	}
	return float32(s)
}

// round32 rounds x to the nearest integer, ties to even; |x| <= 1<<22. The sum
// has no bits left for a fraction.
func round32(x float32) float32 { return float32(x+0x1.8p23) - 0x1.8p23 }

// exp32 is e to the power of x to within 2 units in the last place, after
// Cephes: +0 below -87, x is cut at 88, and NaN stays NaN. It is defined by its operations, so
// that every implementation gives the same bits.
func exp32(x float32) float32 {
	switch {
	case x != x:
		return x
	case x < -87:
		return 0
	case x > 88:
		x = 88
	}
	n := round32(float32(x * 1.44269504))
	r := fma32(n, -0.693359375, x)
	r = fma32(n, 2.12194440e-4, r)
	p := float32(1.9875691500e-4)
	p = fma32(p, r, 1.3981999507e-3)
	p = fma32(p, r, 8.3334519073e-3)
	p = fma32(p, r, 4.1665795894e-2)
	p = fma32(p, r, 1.6666665459e-1)
	p = fma32(p, r, 5.0000001201e-1)
	y := fma32(p, float32(r*r), r) + 1
	return math.Float32frombits(math.Float32bits(y) + uint32(int32(n))<<23)
}

// sumLanes adds sixteen lanes in a fixed tree, and leaves its steps in them.
func sumLanes(lane *[16]float32) float32 {
	for s := 8; s > 0; s /= 2 {
		for i := range s {
			lane[i] += lane[i+s]
		}
	}
	return lane[0]
}
