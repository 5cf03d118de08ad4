//go:build amd64 && !noasm

package kernels

import "unsafe"

//lint:file-ignore U1000 the assembly uses the constants

// blockDecode is the product of a block format of size bytes with one column.
// Its assembly sets y for rows of n blocks, in eights: y has room for rows
// rounded up. q are the activations as pairsAVX2 leaves them; mem is working
// memory, 64 bytes, then 320 for every two blocks.
type blockDecode struct {
	size int
	rows func(y *float32, w *byte, rows, n int, q *int8, d *float32, bias *int32, mem *byte)
}

func (f *blockDecode) mul(y []float32, _ int, w []byte, rows int, a *Acts, s *Scratch) {
	blocks := a.K / 32
	q, mem := int8s(s.Panel), &s.Panel[(blocks+1)/2*64]
	pairsAVX2(q, &a.Q[0], blocks)
	inEights(y, rows, s, func(y *float32, r, n int) {
		f.rows(y, &w[r*blocks*f.size], n, blocks, q, &a.D[0], &a.Bias[0], mem)
	})
}

// superDecode is the same for a super-block format of size bytes. Its assembly
// gets the activations as pairsAVX2 leaves them if pairs is set, and the sums of
// 32 activations rather than 16 if sums32 is set; n are super-blocks, for each of
// which mem has 288 bytes.
type superDecode struct {
	size          int
	pairs, sums32 bool
	rows          func(y *float32, w *byte, rows, n int, q *int8, d *float32, sum *int16, mem *byte)
}

func (f *superDecode) mul(y []float32, _ int, w []byte, rows int, a *Acts, s *Scratch) {
	supers := a.K / 256
	q, sum, mem := &a.Q[0], &a.Sum[0], s.Panel
	if f.pairs {
		q, mem = int8s(mem), mem[a.K:]
		pairsAVX2(q, &a.Q[0], a.K/32)
	}
	if f.sums32 {
		sum, mem = (*int16)(unsafe.Pointer(&mem[0])), mem[(a.K/16+63)&^63:]
		sums32AVX2(sum, &a.Sum[0], supers)
	}
	inEights(y, rows, s, func(y *float32, r, n int) {
		f.rows(y, &w[r*supers*f.size], n, supers, q, &a.D[0], sum, &mem[0])
	})
}

// inEights calls decode for n rows from r on, which may set y up to a multiple of
// eight.
func inEights(y []float32, rows int, s *Scratch, decode func(y *float32, r, n int)) {
	whole := rows &^ 7
	if whole > 0 {
		decode(&y[0], 0, whole)
	}
	if whole < rows {
		decode(&s.F[0], whole, rows-whole)
		copy(y[whole:rows], s.F)
	}
}

var decodesAVX2 = map[Format]MulFunc{
	Q4_0:   (&blockDecode{18, decodeQ4_0AVX2}).mul,
	Q4_1:   (&blockDecode{20, decodeQ4_1AVX2}).mul,
	Q5_0:   (&blockDecode{22, decodeQ5_0AVX2}).mul,
	Q5_1:   (&blockDecode{24, decodeQ5_1AVX2}).mul,
	Q8_0:   (&blockDecode{34, decodeQ8_0AVX2}).mul,
	IQ4_NL: (&blockDecode{18, decodeIQ4_NLAVX2}).mul,
	Q2_K:   (&superDecode{84, false, false, decodeQ2_KAVX2}).mul,
	Q3_K:   (&superDecode{110, false, false, decodeQ3_KAVX2}).mul,
	Q4_K:   (&superDecode{144, false, true, decodeQ4_KAVX2}).mul,
	Q5_K:   (&superDecode{176, false, true, decodeQ5_KAVX2}).mul,
	Q6_K:   (&superDecode{210, false, false, decodeQ6_KAVX2}).mul,
	IQ4_XS: (&superDecode{136, true, false, decodeIQ4_XSAVX2}).mul,
}

// Constants of the decoding.
var (
	// bitBytes16 are the bytes of 32 bits that the first, then the second
	// sixteen weights of a block need, for two blocks.
	bitBytes16 = func() (t [2][32]byte) {
		for i := range 64 {
			t[i/32][i%32] = byte(i%16/8 + i/32*2)
		}
		return t
	}()
	// rowScales is the way from the slot of each of eight rows to its scales, in
	// the order that HALVES undoes.
	rowScales = func() (t [8]uint16) {
		for place, row := range [8]int{0, 1, 4, 5, 2, 3, 6, 7} {
			t[row] = uint16(8*32 + 4*place - 32*row)
		}
		return t
	}()
	// fifths are 16 with the sign of bitMasks.
	fifths = uint64(0xf010101010101010)
	// pickWord takes bytes: word i of a lane, sixteen times.
	pickWord = func() (t [8][16]uint16) {
		for i := range t {
			for j := range t[i] {
				t[i][j] = uint16(2*i | (2*i+1)<<8)
			}
		}
		return t
	}()
	// evenOdd takes bytes: the even ones, then the odd ones.
	evenOdd = [2]uint64{0x0e0c0a0806040200, 0x0f0d0b0907050301}
	// bytes32 is 32 in sixteen bytes.
	bytes32 = [2]uint64{0x2020202020202020, 0x2020202020202020}
	// joinQ3 brings the high bits of four scales of Q3_K to the bits 6 and 7.
	joinQ3 = [4]uint32{6, 4, 2, 0}
	// fieldsXS are shifts to the two high bits, then to the four low ones of
	// eight scales of IQ4_XS, the masks of both and the offset.
	fieldsXS = [19]uint32{
		12, 16, 20, 24, 14, 18, 22, 26,
		0, 8, 16, 24, 4, 12, 20, 28,
		0x30, 0x0f, 32,
	}
)

//go:noescape
func pairsAVX2(dst, q *int8, blocks int)

//go:noescape
func decodeQ4_0AVX2(y *float32, w *byte, rows, n int, q *int8, d *float32, bias *int32, mem *byte)

//go:noescape
func decodeQ4_1AVX2(y *float32, w *byte, rows, n int, q *int8, d *float32, bias *int32, mem *byte)

//go:noescape
func decodeQ5_0AVX2(y *float32, w *byte, rows, n int, q *int8, d *float32, bias *int32, mem *byte)

//go:noescape
func decodeQ5_1AVX2(y *float32, w *byte, rows, n int, q *int8, d *float32, bias *int32, mem *byte)

//go:noescape
func decodeQ8_0AVX2(y *float32, w *byte, rows, n int, q *int8, d *float32, bias *int32, mem *byte)

//go:noescape
func decodeIQ4_NLAVX2(y *float32, w *byte, rows, n int, q *int8, d *float32, bias *int32, mem *byte)

//go:noescape
func decodeQ2_KAVX2(y *float32, w *byte, rows, n int, q *int8, d *float32, sum *int16, mem *byte)

//go:noescape
func decodeQ3_KAVX2(y *float32, w *byte, rows, n int, q *int8, d *float32, sum *int16, mem *byte)

//go:noescape
func decodeQ4_KAVX2(y *float32, w *byte, rows, n int, q *int8, d *float32, sum *int16, mem *byte)

//go:noescape
func decodeQ5_KAVX2(y *float32, w *byte, rows, n int, q *int8, d *float32, sum *int16, mem *byte)

//go:noescape
func decodeQ6_KAVX2(y *float32, w *byte, rows, n int, q *int8, d *float32, sum *int16, mem *byte)

//go:noescape
func decodeIQ4_XSAVX2(y *float32, w *byte, rows, n int, q *int8, d *float32, sum *int16, mem *byte)

//go:noescape
func sums32AVX2(dst, sum *int16, supers int)
