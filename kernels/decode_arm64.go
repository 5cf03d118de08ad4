//go:build !noasm

package kernels

// The products with one column, from the mapped layout, four rows at a time.

// decodeFunc multiplies groups of four rows, rowBytes apart, with a column of
// blocks blocks and sets y[0:4*groups].
type decodeFunc func(y *float32, w *byte, rowBytes, groups, blocks int, q *int8, d *float32)

//go:noescape
func decodeQ8_0Dotprod(y *float32, w *byte, rowBytes, groups, blocks int, q *int8, d *float32)

//go:noescape
func decodeQ8_0Neon(y *float32, w *byte, rowBytes, groups, blocks int, q *int8, d *float32)

//go:noescape
func decodeQ5_0Dotprod(y *float32, w *byte, rowBytes, groups, blocks int, q *int8, d *float32)

//go:noescape
func decodeQ5_0Neon(y *float32, w *byte, rowBytes, groups, blocks int, q *int8, d *float32)

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
