//go:build amd64 && !noasm

package kernels

// floatFormat512 is the product of plain numbers of size bytes: four rows times
// one column, or times four. Of the results of a column, y takes those of the
// mask rows.
type floatFormat512 struct {
	size      int
	one, four func(y *float32, stride int, w *byte, wstride int, x *float32, k int, rows uint32)
}

func (f *floatFormat512) mul(y []float32, stride int, w []byte, rows int, a *Acts, _ *Scratch) {
	size := a.K * f.size
	for r := 0; r < rows; {
		// The last rows of all come alone, as four times the same.
		n, wstride := 4, size
		if rows-r < 4 {
			n, wstride = 1, 0
		}
		c := 0
		for ; c+4 <= a.N; c += 4 {
			f.four(&y[c*stride+r], stride, &w[r*size], wstride, &a.X[c*a.K], a.K, 1<<n-1)
		}
		for ; c < a.N; c++ {
			f.one(&y[c*stride+r], stride, &w[r*size], wstride, &a.X[c*a.K], a.K, 1<<n-1)
		}
		r += n
	}
}

var (
	f32AVX512  = floatFormat512{4, dotsF32x1AVX512, dotsF32x4AVX512}
	f16AVX512  = floatFormat512{2, dotsF16x1AVX512, dotsF16x4AVX512}
	bf16AVX512 = floatFormat512{2, dotsBF16x1AVX512, dotsBF16x4AVX512}
)

//go:noescape
func dotsF32x1AVX512(y *float32, stride int, w *byte, wstride int, x *float32, k int, rows uint32)

//go:noescape
func dotsF32x4AVX512(y *float32, stride int, w *byte, wstride int, x *float32, k int, rows uint32)

//go:noescape
func dotsF16x1AVX512(y *float32, stride int, w *byte, wstride int, x *float32, k int, rows uint32)

//go:noescape
func dotsF16x4AVX512(y *float32, stride int, w *byte, wstride int, x *float32, k int, rows uint32)

//go:noescape
func dotsBF16x1AVX512(y *float32, stride int, w *byte, wstride int, x *float32, k int, rows uint32)

//go:noescape
func dotsBF16x4AVX512(y *float32, stride int, w *byte, wstride int, x *float32, k int, rows uint32)
