//go:build amd64 && !noasm

package kernels

// floatFormatAVX2 is the product of plain numbers of size bytes: the assembly of
// one row times one column, or times four, gives sixteen lanes of each from the
// first n elements, a multiple of sixteen; load gives the weights that are left.
type floatFormatAVX2 struct {
	size      int
	load      func(b []byte) [16]float32
	one, four func(lanes *float32, w *byte, x *float32, n, xstride int)
}

var floatsAVX2 = map[Format]MulFunc{
	F32:  (&floatFormatAVX2{4, loadF32, dotsF32x1AVX2, dotsF32x4AVX2}).mul,
	F16:  (&floatFormatAVX2{2, loadF16, dotsF16x1AVX2, dotsF16x4AVX2}).mul,
	BF16: (&floatFormatAVX2{2, loadBF16, dotsBF16x1AVX2, dotsBF16x4AVX2}).mul,
}

// floatColumns bounds the values of the columns that all rows meet before the
// next ones, so that they stay in the first-level cache.
const floatColumns = 8 << 10

func (f *floatFormatAVX2) mul(y []float32, stride int, w []byte, rows int, a *Acts, s *Scratch) {
	step := max(4, floatColumns/a.K&^3)
	for c := 0; c < a.N; c += step {
		f.columns(y, stride, w, rows, a, c, min(c+step, a.N), s)
	}
}

// columns is the product with the columns in [lo, hi).
func (f *floatFormatAVX2) columns(y []float32, stride int, w []byte, rows int, a *Acts, lo, hi int, s *Scratch) {
	size, whole := a.K*f.size, a.K&^15
	lanes := s.F[:4*16]
	for r := range rows {
		row := w[r*size : (r+1)*size]
		for c := lo; c < hi; {
			dots, m := f.one, 1
			if hi-c >= 4 {
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
