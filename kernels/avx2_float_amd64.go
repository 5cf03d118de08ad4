//go:build amd64 && !noasm

package kernels

// floatFormatAVX2 is the product of plain numbers of size bytes. tile is two rows
// times three columns of n values, a multiple of sixteen. Where that does not
// fit, one and four give the sixteen lanes of one row times one column, or times
// four, from the first n elements, a multiple of sixteen, and load the weights
// that are left.
type floatFormatAVX2 struct {
	size      int
	load      func(b []byte) [16]float32
	tile      func(y *float32, stride int, w *byte, wstride int, x *float32, n int)
	one, four func(lanes *float32, w *byte, x *float32, n, xstride int)
}

var floatsAVX2 = map[Format]MulFunc{
	F32:  (&floatFormatAVX2{4, loadF32, tileF32AVX2, dotsF32x1AVX2, dotsF32x4AVX2}).mul,
	F16:  (&floatFormatAVX2{2, loadF16, tileF16AVX2, dotsF16x1AVX2, dotsF16x4AVX2}).mul,
	BF16: (&floatFormatAVX2{2, loadBF16, tileBF16AVX2, dotsBF16x1AVX2, dotsBF16x4AVX2}).mul,
}

const (
	floatRows, floatCols = 2, 3 // of the tile
	// floatColumns bounds the values of the columns that all rows meet before
	// the next ones, so that they stay in the first-level cache.
	floatColumns = 8 << 10
)

func (f *floatFormatAVX2) mul(y []float32, stride int, w []byte, rows int, a *Acts, s *Scratch) {
	if a.K&15 != 0 || rows < floatRows || a.N < floatCols {
		f.dots(y, stride, w, rows, a, s)
		return
	}
	size := a.K * f.size
	step := max(1, floatColumns/a.K/floatCols) * floatCols
	for lo := 0; lo < a.N; lo += step {
		hi := min(lo+step, a.N)
		// The last rows and columns may be computed twice.
		for r := 0; r < rows; r += floatRows {
			r := min(r, rows-floatRows)
			for c := lo; c < hi; c += floatCols {
				c := min(c, a.N-floatCols)
				f.tile(&y[c*stride+r], stride, &w[r*size], size, &a.X[c*a.K], a.K)
			}
		}
	}
}

func (f *floatFormatAVX2) dots(y []float32, stride int, w []byte, rows int, a *Acts, s *Scratch) {
	size, whole := a.K*f.size, a.K&^15
	lanes := s.F[:4*16]
	for r := range rows {
		row := w[r*size : (r+1)*size]
		for c := 0; c < a.N; {
			dots, m := f.one, 1
			if a.N-c >= 4 {
				dots, m = f.four, 4
			}
			dots(&lanes[0], &row[0], &a.X[c*a.K], whole, 4*a.K)
			for i := range m {
				lane := (*[16]float32)(lanes[16*i:])
				if whole < a.K {
					v := f.load(row[whole*f.size:])
					for l, x := range a.X[(c+i)*a.K+whole : (c+i+1)*a.K] {
						lane[l] = fma32(v[l], x, lane[l])
					}
				}
				y[(c+i)*stride+r] = sumLanes(lane)
			}
			c += m
		}
	}
}

//go:noescape
func tileF32AVX2(y *float32, stride int, w *byte, wstride int, x *float32, n int)

//go:noescape
func tileF16AVX2(y *float32, stride int, w *byte, wstride int, x *float32, n int)

//go:noescape
func tileBF16AVX2(y *float32, stride int, w *byte, wstride int, x *float32, n int)

//go:noescape
func dotsF32x1AVX2(lanes *float32, w *byte, x *float32, n, xstride int)

//go:noescape
func dotsF32x4AVX2(lanes *float32, w *byte, x *float32, n, xstride int)

//go:noescape
func dotsF16x1AVX2(lanes *float32, w *byte, x *float32, n, xstride int)

//go:noescape
func dotsF16x4AVX2(lanes *float32, w *byte, x *float32, n, xstride int)

//go:noescape
func dotsBF16x1AVX2(lanes *float32, w *byte, x *float32, n, xstride int)

//go:noescape
func dotsBF16x4AVX2(lanes *float32, w *byte, x *float32, n, xstride int)
