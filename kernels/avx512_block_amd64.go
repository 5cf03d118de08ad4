//go:build amd64 && !noasm

package kernels

// blockFormat512 is the product of a block format: its assembly, the bytes of a
// block of 32 and those of the scales that dots writes per block of 16 rows.
// unpack and dots take 16 rows, stride bytes apart, and pairs of blocks.
type blockFormat512 struct {
	size, scales int
	unpack       func(panel, w *byte, stride, pairs int)
	tile         func(y *float32, stride int, panel *byte, blocks int, q *int8, d *float32, bias *int32, k, cols int, mask uint32)
	dots         func(sums, scales, w *byte, stride, pairs int, q *int8)
	reduce       func(acc *float32, sums, scales *byte, blocks int, d *float32, bias *int32)
}

const (
	tileRows   = 16
	tileCols   = 8
	panelBlock = 576 // bytes of a block of 32 of 16 rows in the panel
	// dotsPairs bounds the pairs of blocks whose partial sums lie in memory at
	// once (1 KiB each), so that they stay in the first-level cache.
	dotsPairs = 28
)

func (f *blockFormat512) mul(y []float32, stride int, w []byte, rows int, a *Acts, s *Scratch) {
	blocks := a.K / 32
	rowBytes := blocks * f.size
	for r := 0; r < rows; r += tileRows {
		n := min(tileRows, rows-r)
		group := w[r*rowBytes : (r+n)*rowBytes]
		if a.N <= dotsCols {
			f.mulDots(y[r:], stride, group, n, a, s)
		} else {
			f.mulTile(y[r:], stride, group, n, a, s)
		}
	}
}

// dotsCols is the largest number of columns that are taken one by one.
const dotsCols = 1

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

func (f *blockFormat512) mulTile(y []float32, stride int, w []byte, n int, a *Acts, s *Scratch) {
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

func (f *blockFormat512) mulDots(y []float32, stride int, w []byte, n int, a *Acts, s *Scratch) {
	blocks := a.K / 32
	size := blocks * f.size
	if n < tileRows {
		w = padRows(s, w, n, size)
	}
	sums := &bytesOf(s.I)[0]
	acc := s.F[:tileRows]
	scales := &bytesOf(s.F)[tileRows*4]
	for c := range a.N {
		clear(acc)
		for b := 0; b < blocks; b += 2 * dotsPairs {
			m := min(2*dotsPairs, blocks-b)
			q := a.Q[c*a.K+b*32:]
			if m > 1 {
				f.dots(sums, scales, &w[b*f.size], size, m/2, &q[0])
			}
			if m&1 != 0 {
				// An odd block gets a partner of zero weights and zero activations.
				t := m - 1
				last := padBlocks(s, w[(b+t)*f.size:], size, f.size)
				pad := bytesOf(s.F)[4096:]
				for i, v := range q[t*32 : t*32+32] {
					pad[i] = byte(v)
				}
				clear(pad[32:64])
				f.dots(&bytesOf(s.I)[t*512], &bytesOf(s.F)[tileRows*4+t*f.scales], &last[0], 2*f.size, 1, int8s(pad))
			}
			f.reduce(&acc[0], sums, scales, m, &a.D[c*blocks+b], &a.Bias[c*blocks+b])
		}
		copy(y[c*stride:], acc[:n])
	}
}

var (
	q4_0AVX512   = blockFormat512{18, 32, unpackQ4_0AVX512, tileBlocksAVX512, dotsQ4_0AVX512, reduceBlocksAVX512}
	q4_1AVX512   = blockFormat512{20, 64, unpackQ4_1AVX512, tileMinBlocksAVX512, dotsQ4_1AVX512, reduceMinBlocksAVX512}
	q5_0AVX512   = blockFormat512{22, 32, unpackQ5_0AVX512, tileBlocksAVX512, dotsQ5_0AVX512, reduceBlocksAVX512}
	q5_1AVX512   = blockFormat512{24, 64, unpackQ5_1AVX512, tileMinBlocksAVX512, dotsQ5_1AVX512, reduceMinBlocksAVX512}
	q8_0AVX512   = blockFormat512{34, 32, unpackQ8_0AVX512, tileBlocksAVX512, dotsQ8_0AVX512, reduceBlocksAVX512}
	iq4_NLAVX512 = blockFormat512{18, 32, unpackIQ4_NLAVX512, tileBlocksAVX512, dotsIQ4_NLAVX512, reduceBlocksAVX512}
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
func dotsQ4_0AVX512(sums, scales, w *byte, stride, pairs int, q *int8)

//go:noescape
func unpackQ4_1AVX512(panel, w *byte, stride, pairs int)

//go:noescape
func dotsQ4_1AVX512(sums, scales, w *byte, stride, pairs int, q *int8)

//go:noescape
func unpackQ5_0AVX512(panel, w *byte, stride, pairs int)

//go:noescape
func dotsQ5_0AVX512(sums, scales, w *byte, stride, pairs int, q *int8)

//go:noescape
func unpackQ5_1AVX512(panel, w *byte, stride, pairs int)

//go:noescape
func dotsQ5_1AVX512(sums, scales, w *byte, stride, pairs int, q *int8)

//go:noescape
func unpackQ8_0AVX512(panel, w *byte, stride, pairs int)

//go:noescape
func dotsQ8_0AVX512(sums, scales, w *byte, stride, pairs int, q *int8)

//go:noescape
func unpackIQ4_NLAVX512(panel, w *byte, stride, pairs int)

//go:noescape
func dotsIQ4_NLAVX512(sums, scales, w *byte, stride, pairs int, q *int8)

//go:noescape
func reduceBlocksAVX512(acc *float32, sums, scales *byte, blocks int, d *float32, bias *int32)

//go:noescape
func tileBlocksAVX512(y *float32, stride int, panel *byte, blocks int, q *int8, d *float32, bias *int32, k, cols int, mask uint32)

//go:noescape
func reduceMinBlocksAVX512(acc *float32, sums, scales *byte, blocks int, d *float32, bias *int32)

//go:noescape
func tileMinBlocksAVX512(y *float32, stride int, panel *byte, blocks int, q *int8, d *float32, bias *int32, k, cols int, mask uint32)
