//go:build !noasm

package kernels

import "unsafe"

// The products with one column straight from the mapped layout, four rows at a
// time.

// decodeFunc multiplies groups of four rows, rowBytes apart, with one column of
// blocks blocks, and sets y[0:4*groups]. sums is for Act256: the sums of 16 of
// the column, split by splitSums32 or splitSums16 where the function says so.
type decodeFunc func(y *float32, w *byte, rowBytes, groups, blocks int, q *int8, d *float32, sums *int16)

//go:noescape
func decodeQ8_0Dotprod(y *float32, w *byte, rowBytes, groups, blocks int, q *int8, d *float32, sums *int16)

//go:noescape
func decodeQ8_0Neon(y *float32, w *byte, rowBytes, groups, blocks int, q *int8, d *float32, sums *int16)

//go:noescape
func decodeQ5_0Dotprod(y *float32, w *byte, rowBytes, groups, blocks int, q *int8, d *float32, sums *int16)

//go:noescape
func decodeQ5_0Neon(y *float32, w *byte, rowBytes, groups, blocks int, q *int8, d *float32, sums *int16)

//go:noescape
func decodeQ4_KDotprod(y *float32, w *byte, rowBytes, groups, blocks int, q *int8, d *float32, sums *int16)

//go:noescape
func decodeQ4_KNeon(y *float32, w *byte, rowBytes, groups, blocks int, q *int8, d *float32, sums *int16)

//go:noescape
func decodeQ6_KDotprod(y *float32, w *byte, rowBytes, groups, blocks int, q *int8, d *float32, sums *int16)

//go:noescape
func decodeQ6_KNeon(y *float32, w *byte, rowBytes, groups, blocks int, q *int8, d *float32, sums *int16)

// splitSums32 adds the sums of 16 in pairs and splits them: eight low bytes, then
// eight high ones for each super-block, s = low + 128·high.
//
//go:noescape
func splitSums32(dst, sums *int16, blocks int)

// splitSums16 splits the sums of 16: sixteen low bytes, then sixteen high ones
// for each super-block.
//
//go:noescape
func splitSums16(dst, sums *int16, blocks int)

// fifthBits has, for each byte of fifth bits, eight bytes that are 0 where the
// bit is set and 0xff where it is not.
var fifthBits = func() (t [256]uint64) {
	for b := range t {
		for i := range 8 {
			if b>>i&1 == 0 {
				t[b] |= 0xff << (8 * i)
			}
		}
	}
	return t
}()

// decode is the product of the format f with each column by itself. split, or
// nil, prepares a column's sums in the scratch, which has room for a few columns.
func decode(f Format, kernel decodeFunc, split func(dst, sums *int16, blocks int)) MulFunc {
	info := Formats[f]
	return func(y []float32, stride int, w []byte, rows int, a *Acts, s *Scratch) {
		if rows == 0 || a.N == 0 {
			return
		}
		blocks := a.K / info.BlockLen
		rowBytes := blocks * info.Bytes
		var sums unsafe.Pointer
		sumBytes := 0
		if a.Kind == Act256 {
			sums, sumBytes = unsafe.Pointer(&a.Sum[0]), 32*blocks
		}
		if split != nil {
			sums = unsafe.Pointer(&s.I[0])
			for c := range a.N {
				split((*int16)(unsafe.Add(sums, c*sumBytes)), &a.Sum[c*a.K/16], blocks)
			}
		}
		multiply := func(y *float32, row, apart, groups, c int) {
			kernel(y, &w[row*rowBytes], apart, groups, blocks, &a.Q[c*a.K], &a.D[c*blocks], (*int16)(unsafe.Add(sums, c*sumBytes)))
		}
		if rows < 4 { // each row four times, beside the output
			for r := range rows {
				for c := range a.N {
					multiply(&s.F[0], r, 0, 1, c)
					y[c*stride+r] = s.F[0]
				}
			}
			return
		}
		// With one column, one stream of all the rows; with more, four rows stay in
		// the first-level cache for all of them.
		step := 4
		if a.N == 1 {
			step = rows &^ 3
		}
		for r := 0; r < rows; r += step {
			first, groups := r, step/4
			if rows-r < step { // the last four, some of them again
				first, groups = rows-4, 1
			}
			for c := range a.N {
				multiply(&y[c*stride+first], first, rowBytes, groups, c)
			}
		}
	}
}
