//go:build amd64 && !noasm

package kernels

//lint:file-ignore U1000 the assembly uses the constants

import "unsafe"

// tileFormatAVX2 is the product of a format with more than one column: sixteen
// rows are unpacked to a panel, which meets the columns four at a time.
type tileFormatAVX2 struct {
	format Format
	size   int // bytes of a block in the panel
	unpack func(panel, w *byte, stride, n, ahead int)
	tile   func(y *float32, stride int, panel *byte, n int, q *int8, d *float32, start *int16, k, cols int, fetch uintptr, step int, add bool)
	start  func(a *Acts, block int) *int16 // what the tile takes as start
}

func starts32(a *Acts, block int) *int16  { return &a.Start[2*block] }
func starts256(a *Acts, block int) *int16 { return &a.Start[32*block] }
func sums256(a *Acts, block int) *int16   { return &a.Sum[16*block] }
func nothing(*Acts, int) *int16           { return nil }

var tilesAVX2 = map[Format]tileFormatAVX2{
	Q4_0:   {Q4_0, panelSize32, unpackQ4_0AVX2, tileOffset32AVX2, starts32},
	Q4_1:   {Q4_1, panelSize32, unpackQ4_1AVX2, tileMins32AVX2, starts32},
	Q5_0:   {Q5_0, panelSize32, unpackQ5_0AVX2, tileOffset32AVX2, starts32},
	Q5_1:   {Q5_1, panelSize32, unpackQ5_1AVX2, tileMins32AVX2, starts32},
	Q8_0:   {Q8_0, panelSizeSigned32, unpackQ8_0AVX2, tileSigned32AVX2, nothing},
	Q2_K:   {Q2_K, panelSize256, unpackQ2_KAVX2, tileQ2_KAVX2, sums256},
	Q3_K:   {Q3_K, panelSize256, unpackQ3_KAVX2, tileOffset256AVX2, starts256},
	Q4_K:   {Q4_K, panelSize256, unpackQ4_KAVX2, tileQ4_KAVX2, sums256},
	Q5_K:   {Q5_K, panelSize256, unpackQ5_KAVX2, tileQ5_KAVX2, sums256},
	Q6_K:   {Q6_K, panelSize256, unpackQ6_KAVX2, tileOffset256AVX2, starts256},
	IQ4_NL: {IQ4_NL, panelSizeSigned32, unpackIQ4_NLAVX2, tileSigned32AVX2, nothing},
	IQ4_XS: {IQ4_XS, panelSizeSigned256, unpackIQ4_XSAVX2, tileSigned256AVX2, nothing},
}

const (
	tileRowsAVX2 = 16
	// panelBytes bounds the panel, so that it stays in the first-level cache
	// beside the columns.
	panelBytes = 20 << 10
	// panelColumns bounds the columns that meet one panel after another, so that
	// what is left of them in the second-level cache is of use to the next.
	panelColumns = 512
)

// The bytes of a block in the panel, whose layout stands with the tile.
const (
	panelSize32        = 640
	panelSizeSigned32  = 1152
	panelSize256       = 8*panelSize32 + 640
	panelSizeSigned256 = 8*panelSizeSigned32 + 640
)

func (f tileFormatAVX2) mul(y []float32, stride int, w []byte, rows int, a *Acts, s *Scratch) {
	size := a.K / Formats[f.format].BlockLen * Formats[f.format].Bytes
	whole := rows &^ (tileRowsAVX2 - 1)
	var last []byte
	if whole < rows {
		last = padRows(s, w[whole*size:], rows-whole, size)
	}
	for c := 0; c < a.N; c += panelColumns {
		cols := min(panelColumns, a.N-c)
		if whole > 0 {
			f.columns(y[c*stride:], stride, w, whole, a, c, cols, s)
		}
		if whole < rows {
			out := s.F[:panelColumns*tileRowsAVX2]
			f.columns(out, tileRowsAVX2, last, tileRowsAVX2, a, c, cols, s)
			for i := range cols {
				copy(y[(c+i)*stride+whole:], out[i*tileRowsAVX2:][:rows-whole])
			}
		}
	}
}

// columns is the product of whole panels with some columns, from c on.
func (f tileFormatAVX2) columns(y []float32, stride int, w []byte, rows int, a *Acts, c, cols int, s *Scratch) {
	info := &Formats[f.format]
	blocks := a.K / info.BlockLen
	size := blocks * info.Bytes
	step := panelBytes / f.size
	for r := 0; r < rows; r += tileRowsAVX2 {
		for b := 0; b < blocks; b += step {
			n := min(step, blocks-b)
			now := &w[r*size+b*info.Bytes]
			ahead := tileRowsAVX2*size + (tileRowsAVX2-1)*b*info.Bytes
			// The tile of less than four columns is too short to fetch the next rows. Of
			// more, every four columns fetch their part of what takes the place of eight
			// weights at a time, and the unpacking asks for what is there.
			fetch, part := uintptr(unsafe.Pointer(&s.Panel[0])), 0
			if cols >= 4 {
				fetch = uintptr(unsafe.Pointer(now)) + uintptr(ahead)
				part = tileRowsAVX2 * info.Bytes * 8 / info.BlockLen / ((cols + 3) / 4)
				ahead = 0
			}
			f.unpack(&s.Panel[0], now, size, n, ahead)
			i := c*blocks + b
			f.tile(&y[r], stride, &s.Panel[0], n, &a.Q[i*info.BlockLen], &a.D[i], f.start(a, i), a.K, cols, fetch, part, b > 0)
		}
	}
}

// Constants of the unpacking, for VPSHUFB.
var (
	// fifthBytes takes byte i of each dword four times.
	fifthBytes = bytesOfDwords(func(i int) [4]byte { return [4]byte{byte(i), byte(i), byte(i), byte(i)} })
	// scaleWords takes byte i of each dword as two words, scaleSigned as their
	// upper halves.
	scaleWords  = bytesOfDwords(func(i int) [4]byte { return [4]byte{byte(i), zeroByte, byte(i), zeroByte} })
	scaleSigned = bytesOfDwords(func(i int) [4]byte { return [4]byte{zeroByte, byte(i), zeroByte, byte(i)} })
	// minWords takes the bytes 2i and 2i+1 of each dword as two words.
	minWords = bytesOfDwords(func(i int) [4]byte { return [4]byte{byte(2*i) % 4, zeroByte, byte(2*i+1) % 4, zeroByte} })
)

const zeroByte = 0x80 // the index that makes a byte 0

func bytesOfDwords(dword func(i int) [4]byte) (t [4][32]byte) {
	for i := range t {
		for b, v := range dword(i) {
			for d := range 8 {
				at := v
				if v != zeroByte {
					at += byte(4 * (d % 4))
				}
				t[i][4*d+b] = at
			}
		}
	}
	return t
}

//go:noescape
func unpackQ4_0AVX2(panel, w *byte, stride, n, ahead int)

//go:noescape
func unpackQ4_1AVX2(panel, w *byte, stride, n, ahead int)

//go:noescape
func unpackQ5_0AVX2(panel, w *byte, stride, n, ahead int)

//go:noescape
func unpackQ5_1AVX2(panel, w *byte, stride, n, ahead int)

//go:noescape
func unpackQ8_0AVX2(panel, w *byte, stride, n, ahead int)

//go:noescape
func unpackIQ4_NLAVX2(panel, w *byte, stride, n, ahead int)

//go:noescape
func unpackQ2_KAVX2(panel, w *byte, stride, n, ahead int)

//go:noescape
func unpackQ3_KAVX2(panel, w *byte, stride, n, ahead int)

//go:noescape
func unpackQ4_KAVX2(panel, w *byte, stride, n, ahead int)

//go:noescape
func unpackQ5_KAVX2(panel, w *byte, stride, n, ahead int)

//go:noescape
func unpackQ6_KAVX2(panel, w *byte, stride, n, ahead int)

//go:noescape
func unpackIQ4_XSAVX2(panel, w *byte, stride, n, ahead int)

//go:noescape
func tileOffset32AVX2(y *float32, stride int, panel *byte, n int, q *int8, d *float32, start *int16, k, cols int, fetch uintptr, step int, add bool)

//go:noescape
func tileMins32AVX2(y *float32, stride int, panel *byte, n int, q *int8, d *float32, start *int16, k, cols int, fetch uintptr, step int, add bool)

//go:noescape
func tileSigned32AVX2(y *float32, stride int, panel *byte, n int, q *int8, d *float32, start *int16, k, cols int, fetch uintptr, step int, add bool)

//go:noescape
func tileQ4_KAVX2(y *float32, stride int, panel *byte, n int, q *int8, d *float32, start *int16, k, cols int, fetch uintptr, step int, add bool)

//go:noescape
func tileQ5_KAVX2(y *float32, stride int, panel *byte, n int, q *int8, d *float32, start *int16, k, cols int, fetch uintptr, step int, add bool)

//go:noescape
func tileQ2_KAVX2(y *float32, stride int, panel *byte, n int, q *int8, d *float32, start *int16, k, cols int, fetch uintptr, step int, add bool)

//go:noescape
func tileOffset256AVX2(y *float32, stride int, panel *byte, n int, q *int8, d *float32, start *int16, k, cols int, fetch uintptr, step int, add bool)

//go:noescape
func tileSigned256AVX2(y *float32, stride int, panel *byte, n int, q *int8, d *float32, start *int16, k, cols int, fetch uintptr, step int, add bool)
