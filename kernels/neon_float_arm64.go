//go:build !noasm

package kernels

// floatsFunc multiplies two rows, rowBytes apart, with two columns, xBytes
// apart: y, yRow and yCol bytes on, of k numbers, a multiple of sixteen. With
// distances of 0 the two are one.
type floatsFunc func(y *float32, yRow, yCol int, w *byte, rowBytes int, x *float32, xBytes, k int)

//go:noescape
func floatsF32(y *float32, yRow, yCol int, w *byte, rowBytes int, x *float32, xBytes, k int)

//go:noescape
func floatsF16(y *float32, yRow, yCol int, w *byte, rowBytes int, x *float32, xBytes, k int)

//go:noescape
func floatsBF16(y *float32, yRow, yCol int, w *byte, rowBytes int, x *float32, xBytes, k int)

// mulFloats is the product of a format of plain numbers.
func mulFloats(f Format, floats floatsFunc) MulFunc {
	size := Formats[f].Bytes
	return func(y []float32, stride int, w []byte, rows int, a *Acts, s *Scratch) {
		if a.K == 0 || a.K%16 != 0 {
			Formats[f].mul(y, stride, w, rows, a, s)
			return
		}
		rowBytes := a.K * size
		most := max(columnBytes/(8*a.K), 1) * 2 // see columnBytes
		for first := 0; first < a.N; first += most {
			end := min(first+most, a.N)
			for r := 0; r < rows; r += 2 {
				yRow, wRow := 4, rowBytes
				if r+1 == rows {
					yRow, wRow = 0, 0
				}
				for c := first; c < end; c += 2 {
					yCol, xCol := 4*stride, 4*a.K
					if c+1 == end {
						yCol, xCol = 0, 0
					}
					floats(&y[c*stride+r], yRow, yCol, &w[r*rowBytes], wRow, &a.X[c*a.K], xCol, a.K)
				}
			}
		}
	}
}
