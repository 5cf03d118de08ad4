//go:build !noasm && (amd64 || arm64)

package kernels

import "unsafe"

// Pointers for the assembly.

// addr is the pointer to the first of x, which may be empty.
func addr(x []float32) *float32 { return unsafe.SliceData(x) }

// at is the pointer to the i-th float32 from p on.
func at(p *float32, i int) *float32 { return (*float32)(unsafe.Add(unsafe.Pointer(p), 4*i)) }

func int8s(b []byte) *int8 { return (*int8)(unsafe.Pointer(&b[0])) }

func float32s(b []byte) *float32 { return (*float32)(unsafe.Pointer(&b[0])) }

// bytesOf views working memory as bytes.
func bytesOf[T int32 | float32](s []T) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(s))), len(s)*4)
}
