//go:build amd64 && !noasm

package kernels

//lint:file-ignore U1000 the assembly uses the constants

// blockFormat512 is the product of a block format: its assembly and the bytes of
// a block of 32. unpack takes 16 rows, stride bytes apart, and pairs of blocks.
type blockFormat512 struct {
	size   int
	unpack func(panel, w *byte, stride, pairs int)
	tile   func(y *float32, stride int, panel *byte, blocks int, q *int8, d *float32, bias *int32, k, cols int, mask uint32)
}

const (
	tileRows   = 16
	tileCols   = 8
	panelBlock = 576 // bytes of a block of 32 of 16 rows in the panel
)

func (f *blockFormat512) mul(y []float32, stride int, w []byte, rows int, a *Acts, s *Scratch) {
	rowBytes := a.K / 32 * f.size
	for r := 0; r < rows; r += tileRows {
		n := min(tileRows, rows-r)
		f.panel(y[r:], stride, w[r*rowBytes:(r+n)*rowBytes], n, a, s)
	}
}

// padRows copies n < 16 rows of size bytes to the end of the panel, but for
// padRoom, so that the assembly may read sixteen.
func padRows(s *Scratch, w []byte, n, size int) []byte {
	buf := s.Panel[len(s.Panel)-padRoom-tileRows*size:]
	clear(buf[copy(buf, w[:n*size]) : tileRows*size])
	return buf
}

// padRoom is the last part of the panel, for padBlocks.
const padRoom = 2048

// padBlocks gives the last block of each of 16 rows a partner of zeros.
func padBlocks(s *Scratch, w []byte, stride, size int) []byte {
	buf := s.Panel[len(s.Panel)-padRoom:]
	for i := range tileRows {
		b := buf[2*i*size : 2*(i+1)*size]
		clear(b[copy(b, w[i*stride:i*stride+size]):])
	}
	return buf
}

// panel is the product of n rows, sixteen or less.
func (f *blockFormat512) panel(y []float32, stride int, w []byte, n int, a *Acts, s *Scratch) {
	blocks := a.K / 32
	pairs, size := blocks/2, blocks*f.size
	if n < tileRows {
		w = padRows(s, w, n, size)
	}
	if pairs > 0 {
		f.unpack(&s.Panel[0], &w[0], size, pairs)
	}
	if blocks&1 != 0 {
		last := padBlocks(s, w[pairs*2*f.size:], size, f.size)
		f.unpack(&s.Panel[pairs*2*panelBlock], &last[0], 2*f.size, 1)
	}
	for c := 0; c < a.N; c += tileCols {
		f.tile(&y[c*stride], stride, &s.Panel[0], blocks,
			&a.Q[c*a.K], &a.D[c*blocks], &a.Bias[c*blocks],
			a.K, min(tileCols, a.N-c), 1<<n-1)
	}
}

var (
	q4_0AVX512   = blockFormat512{18, unpackQ4_0AVX512, tileBlocksAVX512}
	q4_1AVX512   = blockFormat512{20, unpackQ4_1AVX512, tileMinBlocksAVX512}
	q5_0AVX512   = blockFormat512{22, unpackQ5_0AVX512, tileBlocksAVX512}
	q5_1AVX512   = blockFormat512{24, unpackQ5_1AVX512, tileMinBlocksAVX512}
	q8_0AVX512   = blockFormat512{34, unpackQ8_0AVX512, tileBlocksAVX512}
	iq4_NLAVX512 = blockFormat512{18, unpackIQ4_NLAVX512, tileBlocksAVX512}
)

var decodesAVX512 = map[Format]MulFunc{
	Q4_0:   (&blockDecode{18, decodeQ4_0AVX512}).mul,
	Q4_1:   (&blockDecode{20, decodeQ4_1AVX512}).mul,
	Q5_0:   (&blockDecode{22, decodeQ5_0AVX512}).mul,
	Q5_1:   (&blockDecode{24, decodeQ5_1AVX512}).mul,
	Q8_0:   (&blockDecode{34, decodeQ8_0AVX512}).mul,
	IQ4_NL: (&blockDecode{18, decodeIQ4_NLAVX512}).mul,
}

// Orders of the second pass of decode: that of eight rows' sums as the tree leaves
// them, A and B; that of scales as rowScales has them, of A and B, or with their
// minimums (scales, then minimums, the indices from 16 on being B's).
var (
	sumOrder   = [16]uint32{0, 8, 1, 9, 2, 10, 3, 11, 4, 12, 5, 13, 6, 14, 7, 15}
	scaleOrder = [16]uint32{0, 2, 8, 10, 4, 6, 12, 14, 1, 3, 9, 11, 5, 7, 13, 15}
	minOrder   = [2][16]uint32{
		{0, 2, 8, 10, 4, 6, 12, 14, 16, 18, 24, 26, 20, 22, 28, 30},
		{1, 3, 9, 11, 5, 7, 13, 15, 17, 19, 25, 27, 21, 23, 29, 31},
	}
)

// Values of nibbles with an offset of 128.
var (
	tableQ4_0 = func() (t [16]byte) {
		for i := range t {
			t[i] = byte(128 + i - 8)
		}
		return t
	}()
	tableIQ4 = func() (t [16]byte) {
		for i, v := range valuesIQ4 {
			t[i] = byte(128 + int(v))
		}
		return t
	}()
)

//go:noescape
func unpackQ4_0AVX512(panel, w *byte, stride, pairs int)

//go:noescape
func unpackQ4_1AVX512(panel, w *byte, stride, pairs int)

//go:noescape
func unpackQ5_0AVX512(panel, w *byte, stride, pairs int)

//go:noescape
func unpackQ5_1AVX512(panel, w *byte, stride, pairs int)

//go:noescape
func unpackQ8_0AVX512(panel, w *byte, stride, pairs int)

//go:noescape
func unpackIQ4_NLAVX512(panel, w *byte, stride, pairs int)

//go:noescape
func tileBlocksAVX512(y *float32, stride int, panel *byte, blocks int, q *int8, d *float32, bias *int32, k, cols int, mask uint32)

//go:noescape
func tileMinBlocksAVX512(y *float32, stride int, panel *byte, blocks int, q *int8, d *float32, bias *int32, k, cols int, mask uint32)

//go:noescape
func decodeQ4_0AVX512(y *float32, w *byte, rows, n int, q *int8, d *float32, bias *int32, mem *byte)

//go:noescape
func decodeQ4_1AVX512(y *float32, w *byte, rows, n int, q *int8, d *float32, bias *int32, mem *byte)

//go:noescape
func decodeQ5_0AVX512(y *float32, w *byte, rows, n int, q *int8, d *float32, bias *int32, mem *byte)

//go:noescape
func decodeQ5_1AVX512(y *float32, w *byte, rows, n int, q *int8, d *float32, bias *int32, mem *byte)

//go:noescape
func decodeQ8_0AVX512(y *float32, w *byte, rows, n int, q *int8, d *float32, bias *int32, mem *byte)

//go:noescape
func decodeIQ4_NLAVX512(y *float32, w *byte, rows, n int, q *int8, d *float32, bias *int32, mem *byte)
