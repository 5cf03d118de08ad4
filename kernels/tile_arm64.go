//go:build !noasm

package kernels

import "unsafe"

// The products with several columns: eight rows are unpacked to int8 in a panel
// of the scratch and multiplied with four columns at a time.

const (
	tileRows    = 8
	tileColumns = 4
	quadRows    = 4 // rows that lie together in a panel

	// columnBytes bounds the activations that are multiplied with one panel
	// after another, so that they stay in the second-level cache.
	columnBytes = 256 << 10
)

// tileFunc multiplies the eight rows of a panel with cols columns, one after
// another in q, d and sums, and sets y[c*stride+r]. sums is Bias for Act32, for
// Act256 the sums of 16, split if tiles says so. steps is how many times 16
// weights a scale of a super-block is for. mins is 1 if the format has minimums,
// or 0.
type tileFunc func(y *float32, stride int, w *int8, head *byte, q *int8, d *float32, sums unsafe.Pointer, k, steps, mins, cols int)

//go:noescape
func tile32Dotprod(y *float32, stride int, w *int8, head *byte, q *int8, d *float32, sums unsafe.Pointer, k, steps, mins, cols int)

//go:noescape
func tile32I8mm(y *float32, stride int, w *int8, head *byte, q *int8, d *float32, sums unsafe.Pointer, k, steps, mins, cols int)

//go:noescape
func tile256Dotprod(y *float32, stride int, w *int8, head *byte, q *int8, d *float32, sums unsafe.Pointer, k, steps, mins, cols int)

//go:noescape
func tile256I8mm(y *float32, stride int, w *int8, head *byte, q *int8, d *float32, sums unsafe.Pointer, k, steps, mins, cols int)

//go:noescape
func tile32Neon(y *float32, stride int, w *int8, head *byte, q *int8, d *float32, sums unsafe.Pointer, k, steps, mins, cols int)

//go:noescape
func tile32Rows(y *float32, stride int, w *int8, head *byte, q *int8, d *float32, sums unsafe.Pointer, k, steps, mins, cols int)

//go:noescape
func tile256Rows(y *float32, stride int, w *int8, head *byte, q *int8, d *float32, sums unsafe.Pointer, k, steps, mins, cols int)

//go:noescape
func tile256Neon(y *float32, stride int, w *int8, head *byte, q *int8, d *float32, sums unsafe.Pointer, k, steps, mins, cols int)

// interleaveDotprod sets dst [k/4][4 rows][4] from src [4 rows][k].
//
//go:noescape
func interleaveDotprod(dst, src *int8, k int)

// interleaveI8mm sets dst [k/8][4 rows][8] from src [4 rows][k].
//
//go:noescape
func interleaveI8mm(dst, src *int8, k int)

// rowByRow leaves four rows as they are.
func rowByRow(dst, src *int8, k int) {
	copy(unsafe.Slice(dst, quadRows*k), unsafe.Slice(src, quadRows*k))
}

// tiles is how a level multiplies with several columns.
type tiles struct {
	tile32, tile256 tileFunc
	interleave      func(dst, src *int8, k int)
	four            bool // the functions take four columns, neither more nor less
	splits          bool // tile256 wants the sums of 16 split
}

// A panel's heads, one after another for the blocks of a quad.
type (
	head32 struct {
		d, min [quadRows]float32
	}
	head256 struct {
		d, min      [quadRows]float32
		scale, mins [4][quadRows][4]int8 // with steps of two, half of them
	}
)

// unpacker is how the rows of a format come into a panel.
type unpacker struct {
	steps int // see tileFunc
	mins  int
	row   unpackFunc
}

// mul is the product of the format f by tiles, or with less than least columns by
// few, unless that is nil.
func (t tiles) mul(f Format, few MulFunc, least int) MulFunc {
	info, u := Formats[f], unpackers[f]
	tile, headBytes := t.tile32, int(unsafe.Sizeof(head32{}))
	if info.Act == Act256 {
		tile, headBytes = t.tile256, int(unsafe.Sizeof(head256{}))
	}
	return func(y []float32, stride int, w []byte, rows int, a *Acts, s *Scratch) {
		if a.N < least && few != nil {
			few(y, stride, w, rows, a, s)
			return
		}
		p := panel{tiles: t, unpacker: u, tile: tile, k: a.K, blocks: a.K / info.BlockLen, headBytes: headBytes, scratch: s}
		p.rowBytes = p.blocks * info.Bytes
		most := max(columnBytes/a.K/tileColumns, 1) * tileColumns
		for c := 0; c < a.N; c += most {
			c := c
			if t.four { // at least four
				c = min(c, a.N-tileColumns)
			}
			p.columns(y[c*stride:], stride, w, rows, a, c, min(most, a.N-c))
		}
	}
}

// panel is the state of one call.
type panel struct {
	tiles
	unpacker
	tile                           tileFunc
	k, blocks, rowBytes, headBytes int
	scratch                        *Scratch
}

// columns multiplies the rows with the n columns from column first on; y starts
// at that column.
func (p *panel) columns(y []float32, stride int, w []byte, rows int, a *Acts, first, n int) {
	s := p.scratch
	sums := unsafe.Pointer(&s.I[0])
	sumBytes := 4
	switch {
	case a.Kind == Act32:
		sums = unsafe.Pointer(&a.Bias[first*p.blocks])
	case !p.splits || p.mins == 0:
		sumBytes = 32
		sums = unsafe.Pointer(&a.Sum[first*p.k/16])
	case p.steps == 2:
		sumBytes = 16
		splitSums32((*int16)(sums), &a.Sum[first*p.k/16], n*p.blocks)
	default:
		sumBytes = 32
		splitSums16((*int16)(sums), &a.Sum[first*p.k/16], n*p.blocks)
	}
	for r := 0; r < rows; r += tileRows {
		r := min(r, max(rows-tileRows, 0)) // the last eight, some of them again
		p.unpack(w[r*p.rowBytes:], min(rows-r, tileRows))
		for c := 0; c < n; c += tileColumns {
			c, cols := c, min(n-c, tileColumns)
			if p.four { // the last four, some of them again
				c, cols = min(c, n-tileColumns), tileColumns
			}
			out, outStride := &y[c*stride+r], stride
			if rows < tileRows { // beside the output
				out, outStride = &s.F[0], tileRows
			}
			p.tile(out, outStride, (*int8)(unsafe.Pointer(&s.Panel[0])), p.heads(0), &a.Q[(first+c)*p.k], &a.D[(first+c)*p.blocks],
				unsafe.Add(sums, c*p.blocks*sumBytes), p.k, p.steps, p.mins, cols)
			for i := 0; i < cols && rows < tileRows; i++ {
				copy(y[(c+i)*stride:][:rows], s.F[i*tileRows:])
			}
		}
	}
}

// The scratch's panel: two quads of weights, one quad row by row, two quads of
// heads.
func (p *panel) heads(quad int) *byte {
	return &p.scratch.Panel[12*p.k+quad*p.blocks*p.headBytes]
}

// unpack fills the panel from the n rows of w; the rows that are not there are
// the last one again.
func (p *panel) unpack(w []byte, n int) {
	rowwise := p.scratch.Panel[8*p.k : 12*p.k]
	for quad := range 2 {
		for row := range quadRows {
			r := min(quad*quadRows+row, n-1)
			p.row(&rowwise[row*p.k], unsafe.Add(unsafe.Pointer(p.heads(quad)), 4*row), &w[r*p.rowBytes], p.blocks)
		}
		p.interleave((*int8)(unsafe.Pointer(&p.scratch.Panel[quad*quadRows*p.k])), (*int8)(unsafe.Pointer(&rowwise[0])), p.k)
	}
}
