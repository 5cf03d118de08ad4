package kernels

import "testing"

// Rows and batches so long that implementations take the columns in several goes, to keep
// their activations in a cache.
func TestMulManyColumns(t *testing.T) {
	const rows, columns, k = 9, 21, 16384
	eachImpl(t, func(t *testing.T, impl *Impl) {
		for _, f := range []Format{F16, Q8_0, Q4_K} {
			r := newRand(uint64(f))
			w := make([]byte, rows*k/Formats[f].BlockLen*Formats[f].Bytes)
			plain.weights(r, f, w)
			a := plain.acts(t, r, Formats[f].Act, columns, k)
			s := guardedScratch(t, k)
			want, got := make([]float32, rows*columns), make([]float32, rows*columns)
			Formats[f].mul(want, rows, w, rows, a, s)
			impl.Mul[f](got, rows, w, rows, a, s)
			requireSame(t, want, got, "%s", f)
		}
	})
}

// The slices of a batch may be longer than its columns.
func TestMulLongSlices(t *testing.T) {
	const rows, columns, k = 17, 3, 512
	eachImpl(t, func(t *testing.T, impl *Impl) {
		for f := range NumFormats {
			r := newRand(uint64(f))
			w := make([]byte, rows*k/Formats[f].BlockLen*Formats[f].Bytes)
			plain.weights(r, f, w)
			a, s := plain.acts(t, r, Formats[f].Act, columns+2, k), guardedScratch(t, k)
			want, got := make([]float32, rows*columns), make([]float32, rows*columns)
			Formats[f].mul(want, rows, w, rows, a.columns(t, columns), s)
			for a.N = columns; a.N > 0; a.N-- {
				impl.Mul[f](got, rows, w, rows, a, s)
				requireSame(t, want[:rows*a.N], got[:rows*a.N], "%s, %d columns", f, a.N)
			}
		}
	})
}
