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
// nil, prepares the column's sums.
func decode(f Format, kernel decodeFunc, split func(dst, sums *int16, blocks int)) MulFunc {
	info := Formats[f]
	return func(y []float32, stride int, w []byte, rows int, a *Acts, s *Scratch) {
		if rows == 0 {
			return
		}
		blocks := a.K / info.BlockLen
		rowBytes := blocks * info.Bytes
		for c := range a.N {
			var sums *int16
			if a.Kind == Act256 {
				sums = &a.Sum[c*a.K/16]
				if split != nil {
					split((*int16)(unsafe.Pointer(&s.I[0])), sums, blocks)
					sums = (*int16)(unsafe.Pointer(&s.I[0]))
				}
			}
			y, q, d := y[c*stride:][:rows], &a.Q[c*a.K], &a.D[c*blocks]
			if rows < 4 { // each row four times
				for r := range rows {
					kernel(&s.F[0], &w[r*rowBytes], 0, 1, blocks, q, d, sums)
					y[r] = s.F[0]
				}
				continue
			}
			kernel(&y[0], &w[0], rowBytes, rows/4, blocks, q, d, sums)
			if r := rows - 4; rows%4 != 0 { // the last four, some of them again
				kernel(&y[r], &w[r*rowBytes], rowBytes, 1, blocks, q, d, sums)
			}
		}
	}
}
