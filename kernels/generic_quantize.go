package kernels

import "math"

// quantizeMin is the largest magnitude below which a block is taken as zero: its
// inverse scale could overflow.
const quantizeMin = 0x1p-100

// maxAbs is the greatest magnitude in x, infinity or NaN if there is one: as
// integers, infinity lies above all numbers and NaN above infinity.
func maxAbs(x []float32) float32 {
	var m uint32
	for _, v := range x {
		m = max(m, math.Float32bits(v)&^(1<<31))
	}
	return math.Float32frombits(m)
}

// spoilt says whether a block of that greatest magnitude has a NaN or infinity.
func spoilt(amax float32) bool { return !(amax <= math.MaxFloat32) }

var nan = float32(math.NaN())

// quantize sets q = round-to-even(x·scale) and returns the sum of q.
func quantize(q []int8, x []float32, scale float32) (sum int32) {
	q = q[:len(x)]
	for i, v := range x {
		// With no bits left for a fraction, the last byte is the integer.
		q[i] = int8(math.Float32bits(float32(v*scale) + 0x1.8p23))
		sum += int32(q[i])
	}
	return sum
}

// quantize32 sets a block's q and returns its scale and sum.
func quantize32(q []int8, x []float32) (d float32, sum int32) {
	amax := maxAbs(x)
	if amax < quantizeMin {
		clear(q)
		return 0, 0
	}
	if spoilt(amax) {
		clear(q)
		return nan, 0
	}
	d = amax / 127
	sum = quantize(q, x, 1/d)
	return float16(toFloat16(d)), sum
}

// start sets the first sums of 16 bits of products with the values q, whose
// weights are stored with an offset.
func start(s *[2]int16, q []int8, offset int16) {
	*s = [2]int16{}
	for i, v := range q {
		s[i/2%2] -= offset * int16(v)
	}
}

func quantizeAct32(a *Acts, col int, x []float32) {
	n := a.K / 32
	q, d, bias := a.Q[col*a.K:][:a.K], a.D[col*n:][:n], a.Bias[col*n:][:n]
	starts := a.Start[col*2*n:][:2*n]
	for b := range n {
		var sum int32
		d[b], sum = quantize32(q[32*b:32*b+32], x[32*b:32*b+32])
		bias[b] = -128 * sum
		start((*[2]int16)(starts[2*b:]), q[32*b:32*b+32], 16)
	}
}

func quantizeAct256(a *Acts, col int, x []float32) {
	n := a.K / 256
	q, d, sums := a.Q[col*a.K:][:a.K], a.D[col*n:][:n], a.Sum[col*16*n:][:16*n]
	starts := a.Start[col*32*n:][:32*n]
	for b := range n {
		amax := maxAbs(x[256*b : 256*b+256])
		if amax < quantizeMin || spoilt(amax) {
			d[b] = 0 * amax // NaN where there is no number
			clear(q[256*b : 256*b+256])
			clear(sums[16*b : 16*b+16])
			clear(starts[32*b : 32*b+32])
			continue
		}
		scale := 127 / amax
		d[b] = 1 / scale
		for g := 16 * b; g < 16*b+16; g++ {
			sums[g] = int16(quantize(q[16*g:16*g+16], x[16*g:16*g+16], scale))
			start((*[2]int16)(starts[2*g:]), q[16*g:16*g+16], 32)
		}
	}
}
