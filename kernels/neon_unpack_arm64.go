//go:build !noasm

package kernels

import "unsafe"

// unpackFunc unpacks the blocks of a row to int8 in q and sets the row's numbers
// in the heads of its quad; head is the row's place in the first of them.
type unpackFunc func(q *byte, head unsafe.Pointer, w *byte, blocks int)

//go:noescape
func unpackQ4_0Neon(q *byte, head unsafe.Pointer, w *byte, blocks int)

//go:noescape
func unpackQ4_1Neon(q *byte, head unsafe.Pointer, w *byte, blocks int)

//go:noescape
func unpackQ5_0Neon(q *byte, head unsafe.Pointer, w *byte, blocks int)

//go:noescape
func unpackQ5_1Neon(q *byte, head unsafe.Pointer, w *byte, blocks int)

//go:noescape
func unpackQ8_0Neon(q *byte, head unsafe.Pointer, w *byte, blocks int)

//go:noescape
func unpackIQ4_NLNeon(q *byte, head unsafe.Pointer, w *byte, blocks int)

//go:noescape
func unpackQ2_KNeon(q *byte, head unsafe.Pointer, w *byte, blocks int)

//go:noescape
func unpackQ3_KNeon(q *byte, head unsafe.Pointer, w *byte, blocks int)

//go:noescape
func unpackQ4_KNeon(q *byte, head unsafe.Pointer, w *byte, blocks int)

//go:noescape
func unpackQ5_KNeon(q *byte, head unsafe.Pointer, w *byte, blocks int)

//go:noescape
func unpackQ6_KNeon(q *byte, head unsafe.Pointer, w *byte, blocks int)

//go:noescape
func unpackIQ4_XSNeon(q *byte, head unsafe.Pointer, w *byte, blocks int)

var unpackers = [NumFormats]unpacker{
	Q4_0:   {1, 0, unpackQ4_0Neon},
	Q4_1:   {1, 1, unpackQ4_1Neon},
	Q5_0:   {1, 0, unpackQ5_0Neon},
	Q5_1:   {1, 1, unpackQ5_1Neon},
	Q8_0:   {1, 0, unpackQ8_0Neon},
	IQ4_NL: {1, 0, unpackIQ4_NLNeon},
	Q2_K:   {1, 1, unpackQ2_KNeon},
	Q3_K:   {1, 0, unpackQ3_KNeon},
	Q4_K:   {2, 1, unpackQ4_KNeon},
	Q5_K:   {2, 1, unpackQ5_KNeon},
	Q6_K:   {1, 0, unpackQ6_KNeon},
	IQ4_XS: {2, 0, unpackIQ4_XSNeon},
}
