//go:build amd64 && !noasm

package kernels

//lint:file-ignore U1000 the assembly uses the constants

// blockFormat512 is the product of a block format: its assembly and the bytes of
// a block of 32. unpack and dots take 16 rows, stride bytes apart, and pairs of
// blocks.
type blockFormat512 struct {
	size   int
	unpack func(panel, w *byte, stride, pairs int)
	tile   func(y *float32, stride int, panel *byte, blocks int, q *int8, d *float32, bias *int32, k, cols int, mask uint32)
	dots   func(sums, scales, w *byte, stride, pairs int, q *int8)
	sum    func(acc *float32, sums, scales *byte, blocks int, d *float32, bias *int32, mins *byte)
}

const (
	tileRows   = 16
	tileCols   = 8
	panelBlock = 576 // bytes of a block of 32 of 16 rows in the panel
	// dotsBlocks bounds the blocks whose sums lie in memory at once, so that
	// they stay in the first-level cache: 8 groups of 16.
	dotsBlocks = 8 * 16
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
	// The working memory: sums of eight groups (8 KiB), scales (4 KiB, minimums
	// 8 KiB behind), the products of minimums, accumulators, padded activations.
	sums, mem := &bytesOf(s.I)[0], bytesOf(s.F)
	scales, mins := &mem[0], &mem[12<<10]
	acc := s.F[4<<10:][:tileRows]
	pad := mem[20<<10:][:64]
	for c := range a.N {
		clear(acc)
		for b := 0; b < blocks; b += dotsBlocks {
			m := min(dotsBlocks, blocks-b)
			q, d, bias := a.Q[c*a.K+b*32:], a.D[c*blocks+b:], a.Bias[c*blocks+b:]
			if m > 1 {
				f.dots(sums, scales, &w[b*f.size], size, m/2, &q[0])
				f.sum(&acc[0], sums, scales, m&^1, &d[0], &bias[0], mins)
			}
			if m&1 != 0 {
				// An odd block gets a partner of zero weights and zero activations.
				t := m - 1
				last := padBlocks(s, w[(b+t)*f.size:], size, f.size)
				for i, v := range q[t*32 : t*32+32] {
					pad[i] = byte(v)
				}
				clear(pad[32:])
				f.dots(sums, scales, &last[0], 2*f.size, 1, int8s(pad))
				f.sum(&acc[0], sums, scales, 1, &d[t], &bias[t], mins)
			}
		}
		copy(y[c*stride:], acc[:n])
	}
}

// sumBlocks512 is sumBlocksAVX512 for formats without minimums.
func sumBlocks512(acc *float32, sums, scales *byte, blocks int, d *float32, bias *int32, _ *byte) {
	sumBlocksAVX512(acc, sums, scales, blocks, d, bias)
}

// blockOrder brings the sums of a group's blocks, as the reduction leaves them,
// into their order.
var blockOrder = [16]uint32{0, 4, 1, 5, 2, 6, 3, 7, 8, 12, 9, 13, 10, 14, 11, 15}

var (
	q4_0AVX512   = blockFormat512{18, unpackQ4_0AVX512, tileBlocksAVX512, dotsQ4_0AVX512, sumBlocks512}
	q4_1AVX512   = blockFormat512{20, unpackQ4_1AVX512, tileMinBlocksAVX512, dotsQ4_1AVX512, sumMinBlocksAVX512}
	q5_0AVX512   = blockFormat512{22, unpackQ5_0AVX512, tileBlocksAVX512, dotsQ5_0AVX512, sumBlocks512}
	q5_1AVX512   = blockFormat512{24, unpackQ5_1AVX512, tileMinBlocksAVX512, dotsQ5_1AVX512, sumMinBlocksAVX512}
	q8_0AVX512   = blockFormat512{34, unpackQ8_0AVX512, tileBlocksAVX512, dotsQ8_0AVX512, sumBlocks512}
	iq4_NLAVX512 = blockFormat512{18, unpackIQ4_NLAVX512, tileBlocksAVX512, dotsIQ4_NLAVX512, sumBlocks512}
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
func sumBlocksAVX512(acc *float32, sums, scales *byte, blocks int, d *float32, bias *int32)

//go:noescape
func tileBlocksAVX512(y *float32, stride int, panel *byte, blocks int, q *int8, d *float32, bias *int32, k, cols int, mask uint32)

//go:noescape
func sumMinBlocksAVX512(acc *float32, sums, scales *byte, blocks int, d *float32, bias *int32, mins *byte)

//go:noescape
func tileMinBlocksAVX512(y *float32, stride int, panel *byte, blocks int, q *int8, d *float32, bias *int32, k, cols int, mask uint32)
