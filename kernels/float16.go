package kernels

import "math"

// float16 is the value of an IEEE half-precision number. Shifted into place, a
// half is the float32 of the same fraction with an exponent too small by 112;
// the product sets that right, for subnormals too, and is exact.
func float16(h uint16) float32 {
	f := math.Float32frombits(uint32(h&0x7fff)<<13) * 0x1p112
	b := math.Float32bits(f) | uint32(h&0x8000)<<16
	if h&0x7c00 == 0x7c00 {
		b |= 0x7f800000
	}
	return math.Float32frombits(b)
}

// toFloat16 rounds f to the nearest half, ties to even.
func toFloat16(f float32) uint16 {
	b := math.Float32bits(f)
	sign := uint16(b >> 16 & 0x8000)
	b &= 0x7fffffff
	switch {
	case b > 0x7f800000: // NaN
		return sign | 0x7e00
	case b >= 0x477ff000: // 65520 and more
		return sign | 0x7c00
	case b < 0x38800000: // under the least normal, 0x1p-14
		// The last bit of numbers from 0.5 to 1 is 0x1p-24, as a subnormal half's.
		return sign | uint16(math.Float32bits(math.Float32frombits(b)+0.5)-math.Float32bits(0.5))
	}
	b += 0xfff + b>>13&1 // a carry into the exponent is right
	return sign | uint16((b-112<<23)>>13)
}

// bfloat16 is the value of a bfloat16 number, the upper half of a float32.
func bfloat16(h uint16) float32 { return math.Float32frombits(uint32(h) << 16) }
