//go:build amd64 && !noasm

package kernels

import "unsafe"

//lint:file-ignore U1000 the assembly uses the constants

// superFormat512 is the product of a super-block format: its assembly and the
// bytes of a super-block of 256. unpack and dots take 16 rows, stride bytes
// apart.
type superFormat512 struct {
	size int
	// swapped: dots takes the activations with the second and the third 32 of
	// every 128 exchanged.
	swapped bool
	unpack  func(panel, w *byte, stride, supers int)
	tile    func(y *float32, stride int, panel *byte, supers int, q *int8, d *float32, sum *int16, k, cols int, mask uint32)
	dots    func(sums, scales, w *byte, stride, supers int, q *int8, sum *int16)
	sum     func(acc *float32, sums, scales *byte, supers int, d *float32)
}

func (f *superFormat512) mul(y []float32, stride int, w []byte, rows int, a *Acts, s *Scratch) {
	supers := a.K / 256
	size := supers * f.size
	q := a.Q
	if f.swapped && a.N <= dotsCols {
		q = unsafe.Slice(int8s(s.Panel), a.N*a.K)
		swapParts(q, a.Q)
	}
	for r := 0; r < rows; r += tileRows {
		n := min(tileRows, rows-r)
		group := w[r*size : (r+n)*size]
		if n < tileRows {
			group = padRows(s, group, n, size)
		}
		if a.N <= dotsCols {
			f.mulDots(y[r:], stride, group, n, a, q, s)
			continue
		}
		f.unpack(&s.Panel[0], &group[0], size, supers)
		for c := 0; c < a.N; c += tileCols {
			f.tile(&y[r+c*stride], stride, &s.Panel[0], supers,
				&a.Q[c*a.K], &a.D[c*supers], &a.Sum[c*16*supers],
				a.K, min(tileCols, a.N-c), 1<<n-1)
		}
	}
}

// swapParts exchanges the second and the third 32 of every 128 of q.
func swapParts(dst, q []int8) {
	type part = [32]int8
	for i := 0; i < len(dst); i += 128 {
		to, from := (*[4]part)(unsafe.Pointer(&dst[i])), (*[4]part)(unsafe.Pointer(&q[i]))
		to[0], to[1], to[2], to[3] = from[0], from[2], from[1], from[3]
	}
}

// dotsSupers bounds the super-blocks of a row whose sums lie in memory at once,
// 128 bytes each for 16 rows, with 64 of scales.
const dotsSupers = 1 << 10

func (f *superFormat512) mulDots(y []float32, stride int, w []byte, n int, a *Acts, q []int8, s *Scratch) {
	supers := a.K / 256
	sums, acc, scales := &bytesOf(s.I)[0], s.F[:tileRows], &bytesOf(s.F)[tileRows*4]
	for c := range a.N {
		clear(acc)
		for b := 0; b < supers; b += dotsSupers {
			m, i := min(dotsSupers, supers-b), c*supers+b
			f.dots(sums, scales, &w[b*f.size], supers*f.size, m, &q[256*i], &a.Sum[16*i])
			f.sum(&acc[0], sums, scales, m, &a.D[i])
		}
		copy(y[c*stride:], acc[:n])
	}
}

var (
	q2_KAVX512   = superFormat512{84, false, unpackQ2_KAVX512, tileMins16AVX512, dotsQ2_KAVX512, sumMinSupersAVX512}
	q3_KAVX512   = superFormat512{110, false, unpackQ3_KAVX512, tileOffset16AVX512, dotsQ3_KAVX512, sumSupersAVX512}
	q4_KAVX512   = superFormat512{144, true, unpackQ4_KAVX512, tileMins32AVX512, dotsQ4_KAVX512, sumMinSupersAVX512}
	q5_KAVX512   = superFormat512{176, false, unpackQ5_KAVX512, tileMins32AVX512, dotsQ5_KAVX512, sumMinSupersAVX512}
	q6_KAVX512   = superFormat512{210, false, unpackQ6_KAVX512, tileOffset16AVX512, dotsQ6_KAVX512, sumSupersAVX512}
	iq4_XSAVX512 = superFormat512{136, false, unpackIQ4_XSAVX512, tileOffset32AVX512, dotsIQ4_XSAVX512, sumSupersAVX512}
)

// Constants of the super-block formats.
var (
	// signOdd is the sign of every second float32.
	signOdd = uint64(1 << 63)
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
	// spread32 takes bytes: for each of four 64 weights the index of the scale
	// of each word, in its even byte, then that of the minimum of 16 weights.
	// spreadSwapped is that where the second and third 32 of 128 are exchanged.
	spread32      = spreads(func(quarter, half int) int { return 2*quarter + half })
	spreadSwapped = spreads(func(quarter, half int) int { return quarter/2*4 + quarter%2 + 2*half })
	// spreadXS takes dwords: the index of the scale of 32 weights.
	spreadXS = func() (t [4][16]uint32) {
		for w := range 16 {
			for j := range 4 {
				t[j][w] = uint32(2*j + w/8)
			}
		}
		return t
	}()
	// spread16 takes words: the index of the scale of each word.
	spread16 = func() (t [4][32]uint16) {
		for w := range 32 {
			for j := range 4 {
				t[j][w] = uint16(4*j + w/8)
			}
		}
		return t
	}()
)

func spreads(scale func(quarter, half int) int) (t [5][64]byte) {
	for w := range 32 {
		for j := range 4 {
			t[j][2*w] = byte(scale(j, w/16))
		}
		t[4][2*w] = byte(8 + w/2%8)
	}
	return t
}

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
func dotsQ2_KAVX512(sums, scales, w *byte, stride, supers int, q *int8, sum *int16)

//go:noescape
func unpackQ3_KAVX512(panel, w *byte, stride, supers int)

//go:noescape
func dotsQ3_KAVX512(sums, scales, w *byte, stride, supers int, q *int8, sum *int16)

//go:noescape
func unpackQ4_KAVX512(panel, w *byte, stride, supers int)

//go:noescape
func dotsQ4_KAVX512(sums, scales, w *byte, stride, supers int, q *int8, sum *int16)

//go:noescape
func unpackQ5_KAVX512(panel, w *byte, stride, supers int)

//go:noescape
func dotsQ5_KAVX512(sums, scales, w *byte, stride, supers int, q *int8, sum *int16)

//go:noescape
func unpackQ6_KAVX512(panel, w *byte, stride, supers int)

//go:noescape
func dotsQ6_KAVX512(sums, scales, w *byte, stride, supers int, q *int8, sum *int16)

//go:noescape
func unpackIQ4_XSAVX512(panel, w *byte, stride, supers int)

//go:noescape
func dotsIQ4_XSAVX512(sums, scales, w *byte, stride, supers int, q *int8, sum *int16)

//go:noescape
func sumMinSupersAVX512(acc *float32, sums, scales *byte, supers int, d *float32)

//go:noescape
func sumSupersAVX512(acc *float32, sums, scales *byte, supers int, d *float32)

//go:noescape
func tileMins32AVX512(y *float32, stride int, panel *byte, supers int, q *int8, d *float32, sum *int16, k, cols int, mask uint32)

//go:noescape
func tileMins16AVX512(y *float32, stride int, panel *byte, supers int, q *int8, d *float32, sum *int16, k, cols int, mask uint32)

//go:noescape
func tileOffset32AVX512(y *float32, stride int, panel *byte, supers int, q *int8, d *float32, sum *int16, k, cols int, mask uint32)

//go:noescape
func tileOffset16AVX512(y *float32, stride int, panel *byte, supers int, q *int8, d *float32, sum *int16, k, cols int, mask uint32)
