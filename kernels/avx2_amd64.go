//go:build amd64 && !noasm

package kernels

//lint:file-ignore U1000 the assembly uses the constants

import (
	"unsafe"

	"github.com/klauspost/cpuid/v2"
)

// avx2 is the arithmetic of CPUs with AVX2, FMA and F16C (from Haswell and Zen
// on).
func avx2() *Impl {
	k := &Impl{Name: "avx2", Rank: 10, Missing: missing(cpuid.AVX2, cpuid.FMA3, cpuid.F16C)}
	for f, one := range mulAVX2 {
		k.Mul[f] = one
	}
	for f, tile := range tilesAVX2 {
		one := mulAVX2[f]
		k.Mul[f] = func(y []float32, stride int, w []byte, rows int, a *Acts, s *Scratch) {
			if a.N == 1 {
				one(y, stride, w, rows, a, s)
			} else {
				tile.mul(y, stride, w, rows, a, s)
			}
		}
	}
	for f, one := range decodesAVX2 {
		k.Mul[f] = fewColumns(1, one, k.Mul[f])
	}
	k.Quantize = [NumActKinds]QuantizeFunc{Act32: quantizeAct32AVX2, Act256: quantizeAct256AVX2}
	k.RMSNorm, k.Rope, k.SiLUMul, k.Add, k.Max = rmsNorm2, rope2, siluMul2, add2, max2
	k.StoreKV[KVF16], k.Attend[KVF16] = storeKVF16AVX2, attendF16AVX2
	return k
}

// mulAVX2 are the products with one column, of plain numbers with any.
var mulAVX2 = map[Format]MulFunc{
	F32:    (&floatFormatAVX2{4, loadF32, dotsF32x1AVX2, dotsF32x4AVX2}).mul,
	F16:    (&floatFormatAVX2{2, loadF16, dotsF16x1AVX2, dotsF16x4AVX2}).mul,
	BF16:   (&floatFormatAVX2{2, loadBF16, dotsBF16x1AVX2, dotsBF16x4AVX2}).mul,
	Q4_0:   (&blockFormatAVX2{18, expandQ4_0AVX2, reduceBlocksAVX2}).mul,
	Q4_1:   (&blockFormatAVX2{20, expandQ4_1AVX2, reduceMinBlocksAVX2}).mul,
	Q5_0:   (&blockFormatAVX2{22, expandQ5_0AVX2, reduceBlocksAVX2}).mul,
	Q5_1:   (&blockFormatAVX2{24, expandQ5_1AVX2, reduceMinBlocksAVX2}).mul,
	Q8_0:   (&blockFormatAVX2{34, expandQ8_0AVX2, reduceBlocksAVX2}).mul,
	IQ4_NL: (&blockFormatAVX2{18, expandIQ4_NLAVX2, reduceBlocksAVX2}).mul,
	Q2_K:   (&superFormatAVX2{84, scalesQ2_K, nil, expandQ2_KAVX2, reduceMinSupersAVX2}).mul,
	Q3_K:   (&superFormatAVX2{110, scalesQ3_K, nil, expandQ3_KAVX2, reduceSupersAVX2}).mul,
	Q4_K:   (&superFormatAVX2{144, nil, wordsQ4_KAVX2, expandQ4_KAVX2, reduceMinSupersAVX2}).mul,
	Q5_K:   (&superFormatAVX2{176, nil, wordsQ4_KAVX2, expandQ5_KAVX2, reduceMinSupersAVX2}).mul,
	Q6_K:   (&superFormatAVX2{210, nil, wordsQ6_KAVX2, expandQ6_KAVX2, reduceSupersAVX2}).mul,
	IQ4_XS: (&superFormatAVX2{136, scalesIQ4_XS, nil, expandIQ4_XSAVX2, reduceSupersAVX2}).mul,
}

// rowsAVX2 are the rows that the products with one column take together.
const rowsAVX2 = 8

// blockFormatAVX2 is the product of a block format: the bytes of a block of 32,
// and its assembly.
type blockFormatAVX2 struct {
	size   int
	expand func(dst, w *byte, n int)
	reduce func(acc *float32, sums *byte, scales *float32, n int, d *float32, bias *int32)
}

// parts cuts the panel: eight rows of k weights, eight more (the transposed
// rows, or partial sums), then scales of at most four bytes a weight.
func (s *Scratch) parts(k int) (rows, panel, scales []byte) {
	n := rowsAVX2 * k
	return s.Panel[:n], s.Panel[n : 2*n], s.Panel[2*n : 2*n+4*k]
}

func floats32(b []byte) []float32 { return unsafe.Slice(float32s(b), len(b)/4) }

func (f *blockFormatAVX2) mul(y []float32, stride int, w []byte, rows int, a *Acts, s *Scratch) {
	blocks := a.K / 32
	size := blocks * f.size
	buf, panel, scales := s.parts(a.K)
	d := floats32(scales)
	out := s.F[:rowsAVX2]
	for r := 0; r < rows; r += rowsAVX2 {
		n := min(rowsAVX2, rows-r)
		for i := range n {
			row := w[(r+i)*size : (r+i+1)*size]
			f.expand(&buf[i*a.K], &row[0], blocks)
			dotsBlocksAVX2(&panel[i*32], &buf[i*a.K], &a.Q[0], blocks)
			halvesAVX2(&d[i], &row[0], f.size, blocks)
		}
		f.reduce(&out[0], &panel[0], &d[0], blocks, &a.D[0], &a.Bias[0])
		copy(y[r:], out[:n])
	}
}

// superFormatAVX2 is the product of a super-block format: the bytes of a
// super-block of 256, what unpacks its scales (in assembly, or one super-block
// in Go), and its assembly.
type superFormatAVX2 struct {
	size   int
	scales func(u *superBlock, b []byte)
	words  func(words *int16, d *float32, w *byte, stride, n int)
	expand func(dst, w *byte, n int)
	reduce func(acc *float32, sums *byte, scales *float32, n int, d *float32)
}

// wordsAVX2 are the scales and the minimums of a super-block, for 16 weights
// each.
type wordsAVX2 [2][16]int16

// row unpacks the scales of a row to words, d and dmin to d[16·b] and d[16·b+8].
func (f *superFormatAVX2) row(words []wordsAVX2, d []float32, row []byte, u *superBlock) {
	if f.words != nil {
		f.words(&words[0][0][0], &d[0], &row[0], f.size, len(words))
		return
	}
	for b := range words {
		f.scales(u, row[b*f.size:])
		for g := range 16 {
			words[b][0][g], words[b][1][g] = int16(u.scale[g]), int16(u.mins[g])
		}
		d[16*b], d[16*b+8] = u.d, u.min
	}
}

func (f *superFormatAVX2) mul(y []float32, stride int, w []byte, rows int, a *Acts, s *Scratch) {
	supers := a.K / 256
	size := supers * f.size
	buf, panel, _ := s.parts(a.K)
	out, u := s.F[:rowsAVX2], (*superBlock)(unsafe.Pointer(&s.I[0]))
	words := unsafe.Slice((*wordsAVX2)(unsafe.Pointer(&s.I[1024])), supers)
	d := s.F[1024 : 1024+16*supers]
	for r := 0; r < rows; r += rowsAVX2 {
		n := min(rowsAVX2, rows-r)
		for i := range n {
			row := w[(r+i)*size : (r+i+1)*size]
			f.expand(&buf[i*a.K], &row[0], supers)
			f.row(words, d[i:], row, u)
			dotsSupersAVX2(&panel[i*32], &buf[i*a.K], &words[0][0][0], &a.Q[0], &a.Sum[0], supers)
		}
		f.reduce(&out[0], &panel[0], &d[0], supers, &a.D[0])
		copy(y[r:], out[:n])
	}
}

// Constants of the unpacking: for the bits of BITS, the byte of 32 bits that
// each of 32 weights needs and the masks in it; the offsets of Q4_0 and Q5_0.
var (
	bitBytes = func() (t [32]byte) {
		for i := range t {
			t[i] = byte(i / 8)
		}
		return t
	}()
	// twice takes bytes: eight scales twice each, then eight minimums.
	twice = [32]byte{
		0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7,
		8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13, 14, 14, 15, 15,
	}
	bitMasks = uint64(0x8040201008040201)
	offsets  = [2]uint32{0x08080808, 0xf0f0f0f0}
)

//go:noescape
func expandQ4_0AVX2(dst, w *byte, n int)

//go:noescape
func expandQ4_1AVX2(dst, w *byte, n int)

//go:noescape
func expandQ5_0AVX2(dst, w *byte, n int)

//go:noescape
func expandQ5_1AVX2(dst, w *byte, n int)

//go:noescape
func expandQ8_0AVX2(dst, w *byte, n int)

//go:noescape
func expandIQ4_NLAVX2(dst, w *byte, n int)

//go:noescape
func expandQ2_KAVX2(dst, w *byte, n int)

//go:noescape
func expandQ3_KAVX2(dst, w *byte, n int)

//go:noescape
func expandQ4_KAVX2(dst, w *byte, n int)

//go:noescape
func expandQ5_KAVX2(dst, w *byte, n int)

//go:noescape
func expandQ6_KAVX2(dst, w *byte, n int)

//go:noescape
func expandIQ4_XSAVX2(dst, w *byte, n int)

//go:noescape
func halvesAVX2(dst *float32, w *byte, stride, n int)

//go:noescape
func wordsQ4_KAVX2(words *int16, d *float32, w *byte, stride, n int)

//go:noescape
func wordsQ6_KAVX2(words *int16, d *float32, w *byte, stride, n int)

//go:noescape
func dotsBlocksAVX2(sums, row *byte, q *int8, blocks int)

//go:noescape
func dotsSupersAVX2(sums, row *byte, scales *int16, q *int8, sum *int16, supers int)

//go:noescape
func reduceBlocksAVX2(acc *float32, sums *byte, scales *float32, n int, d *float32, bias *int32)

//go:noescape
func reduceSupersAVX2(acc *float32, sums *byte, scales *float32, n int, d *float32)

//go:noescape
func reduceMinBlocksAVX2(acc *float32, sums *byte, scales *float32, n int, d *float32, bias *int32)

//go:noescape
func reduceMinSupersAVX2(acc *float32, sums *byte, scales *float32, n int, d *float32)
