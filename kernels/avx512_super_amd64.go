//go:build amd64 && !noasm

package kernels

//lint:file-ignore U1000 the assembly uses the constants

// superFormat512 is the product of a super-block format: its assembly and the
// bytes of a super-block of 256. unpack takes 16 rows, stride bytes apart.
type superFormat512 struct {
	size   int
	unpack func(panel, w *byte, stride, supers int)
	tile   func(y *float32, stride int, panel *byte, supers int, q *int8, d *float32, sum *int16, k, cols int, mask uint32)
}

func (f *superFormat512) mul(y []float32, stride int, w []byte, rows int, a *Acts, s *Scratch) {
	supers := a.K / 256
	size := supers * f.size
	for r := 0; r < rows; r += tileRows {
		n := min(tileRows, rows-r)
		group := w[r*size : (r+n)*size]
		if n < tileRows {
			group = padRows(s, group, n, size)
		}
		f.unpack(&s.Panel[0], &group[0], size, supers)
		for c := 0; c < a.N; c += tileCols {
			f.tile(&y[r+c*stride], stride, &s.Panel[0], supers,
				&a.Q[c*a.K], &a.D[c*supers], &a.Sum[c*16*supers],
				a.K, min(tileCols, a.N-c), 1<<n-1)
		}
	}
}

var (
	q2_KAVX512   = superFormat512{84, unpackQ2_KAVX512, tileMins16AVX512}
	q3_KAVX512   = superFormat512{110, unpackQ3_KAVX512, tileOffset16AVX512}
	q4_KAVX512   = superFormat512{144, unpackQ4_KAVX512, tileMins32AVX512}
	q5_KAVX512   = superFormat512{176, unpackQ5_KAVX512, tileMins32AVX512}
	q6_KAVX512   = superFormat512{210, unpackQ6_KAVX512, tileOffset16AVX512}
	iq4_XSAVX512 = superFormat512{136, unpackIQ4_XSAVX512, tileOffset32AVX512}
)

// Constants of the super-block formats.
var (
	// sixBits and sixBitsQ3 are the shuffles, shifts, rotations and masks of
	// SIXBITS, four dwords each, for the scales of Q4_K and Q3_K.
	sixBits = [20]uint32{
		0x07060504, 0x0f0e0d0c, 0x0b0a0908, 0x0f0e0d0c,
		0x80808080, 0x07060504, 0x80808080, 0x0b0a0908,
		0, 0, 0, 4,
		2, 2, 2, 2,
		0x3f3f3f3f, 0x0f0f0f0f, 0x3f3f3f3f, 0x0f0f0f0f,
	}
	sixBitsQ3 = [20]uint32{
		0x05040302, 0x09080706, 0x05040302, 0x09080706,
		0x0d0c0b0a, 0x0d0c0b0a, 0x0d0c0b0a, 0x0d0c0b0a,
		0, 0, 4, 4,
		28, 30, 0, 2,
		0x0f0f0f0f, 0x0f0f0f0f, 0x0f0f0f0f, 0x0f0f0f0f,
	}
	// fieldsIQ4 are the positions of the bits of eight scales in eight bytes.
	fieldsIQ4 = [16]byte{
		32, 36, 40, 44, 48, 52, 56, 60,
		12, 14, 16, 18, 20, 22, 24, 26,
	}
	// fifthRotate brings bit 2j of 32 bytes, and bit 2j+1 of the same in the
	// upper half, to bit 4, thirdRotate to bit 2.
	fifthRotate, thirdRotate = rotations(4), rotations(2)
	// pairShift brings the bit pairs 0 and 1, or 2 and 3, of 32 bytes to the
	// lowest bits.
	pairShift = [2][8]uint64{{0, 0, 0, 0, 2, 2, 2, 2}, {4, 4, 4, 4, 6, 6, 6, 6}}
	// halfShift brings the low nibbles of 32 bytes to the lower half, the high
	// ones to the upper.
	halfShift = [8]uint64{0, 0, 0, 0, 4, 4, 4, 4}
	// pairShiftLeft brings the bit pairs 0 and 1 of 32 bytes to the bits 4-5,
	// pairShiftRight 2 and 3.
	pairShiftLeft  = [8]uint64{4, 4, 4, 4, 2, 2, 2, 2}
	pairShiftRight = [8]uint64{0, 0, 0, 0, 2, 2, 2, 2}
)

// rotations are counts of bits to the right that bring bit 2j, in the lower
// half, and bit 2j+1 to the given bit of every byte.
func rotations(bit int) (t [4][8]uint64) {
	for j := range t {
		for i := range 8 {
			t[j][i] = uint64(2*j+i/4-bit) & 63
		}
	}
	return t
}

//go:noescape
func unpackQ2_KAVX512(panel, w *byte, stride, supers int)

//go:noescape
func unpackQ3_KAVX512(panel, w *byte, stride, supers int)

//go:noescape
func unpackQ4_KAVX512(panel, w *byte, stride, supers int)

//go:noescape
func unpackQ5_KAVX512(panel, w *byte, stride, supers int)

//go:noescape
func unpackQ6_KAVX512(panel, w *byte, stride, supers int)

//go:noescape
func unpackIQ4_XSAVX512(panel, w *byte, stride, supers int)

//go:noescape
func tileMins32AVX512(y *float32, stride int, panel *byte, supers int, q *int8, d *float32, sum *int16, k, cols int, mask uint32)

//go:noescape
func tileMins16AVX512(y *float32, stride int, panel *byte, supers int, q *int8, d *float32, sum *int16, k, cols int, mask uint32)

//go:noescape
func tileOffset32AVX512(y *float32, stride int, panel *byte, supers int, q *int8, d *float32, sum *int16, k, cols int, mask uint32)

//go:noescape
func tileOffset16AVX512(y *float32, stride int, panel *byte, supers int, q *int8, d *float32, sum *int16, k, cols int, mask uint32)
