package tensor

import (
	"encoding/binary"
	"fmt"
	"unsafe"

	"cllm/gguf"
	"cllm/kernels"
)

// Matrix is a view of Rows x Cols weights as they lie in the file, row after
// row in their format.
type Matrix struct {
	Format     kernels.Format
	Rows, Cols int
	Data       []byte
}

// NewMatrix views a two-dimensional tensor. The error says what kept it from
// being one that the kernels can multiply.
func NewMatrix(t gguf.Tensor) (Matrix, error) {
	format, err := formatOf(t)
	if err != nil {
		return Matrix{}, err
	}
	if len(t.Dims) != 2 {
		return Matrix{}, fmt.Errorf("tensor %q has %d dimensions, want 2", t.Name, len(t.Dims))
	}
	info := &kernels.Formats[format]
	m := Matrix{Format: format, Rows: int(t.Dims[1]), Cols: int(t.Dims[0]), Data: t.Data}
	if m.Rows <= 0 || m.Cols <= 0 || m.Cols%info.BlockLen != 0 {
		return Matrix{}, fmt.Errorf("tensor %q is %d x %d: rows of %s are multiples of %d weights",
			t.Name, m.Rows, m.Cols, info.Name, info.BlockLen)
	}
	if want := m.Rows * m.RowBytes(); len(m.Data) != want {
		return Matrix{}, fmt.Errorf("tensor %q holds %d bytes, its %d x %d weights of %s need %d",
			t.Name, len(m.Data), m.Rows, m.Cols, info.Name, want)
	}
	return m, nil
}

// RowBytes is the length of one row in Data.
func (m Matrix) RowBytes() int {
	info := &kernels.Formats[m.Format]
	return m.Cols / info.BlockLen * info.Bytes
}

// Row sets dst to the weights of row i; len(dst) = m.Cols.
func (m Matrix) Row(dst []float32, i int) {
	kernels.Formats[m.Format].Dequantize(dst, m.rows(i, i+1))
}

// Slice is a view of the rows [lo, hi).
func (m Matrix) Slice(lo, hi int) Matrix {
	m.Data, m.Rows = m.rows(lo, hi), hi-lo
	return m
}

func (m Matrix) rows(lo, hi int) []byte {
	n := m.RowBytes()
	return m.Data[lo*n : hi*n]
}

// Act is how the matrix wants its activations.
func (m Matrix) Act() kernels.ActKind { return kernels.Formats[m.Format].Act }

// Vector returns the values of a one-dimensional tensor of F32, F16 or BF16:
// a view of the file when it holds aligned F32, else a copy.
func Vector(t gguf.Tensor) ([]float32, error) {
	format, err := formatOf(t)
	if err != nil {
		return nil, err
	}
	info := &kernels.Formats[format]
	if len(t.Dims) != 1 || info.BlockLen != 1 {
		return nil, fmt.Errorf("tensor %q is %s of %d dimensions, want a vector of F32, F16 or BF16",
			t.Name, info.Name, len(t.Dims))
	}
	n := int(t.Dims[0])
	if n <= 0 || len(t.Data) != n*info.Bytes {
		return nil, fmt.Errorf("tensor %q holds %d bytes, its %d values of %s need %d",
			t.Name, len(t.Data), n, info.Name, n*info.Bytes)
	}
	if p := unsafe.Pointer(&t.Data[0]); format == kernels.F32 && uintptr(p)%4 == 0 && littleEndian {
		return unsafe.Slice((*float32)(p), n), nil
	}
	v := make([]float32, n)
	info.Dequantize(v, t.Data)
	return v, nil
}

var littleEndian = binary.NativeEndian.Uint16([]byte{1, 0}) == 1

// formatOf finds the kernels' format of a tensor; ggml's names are the keys.
func formatOf(t gguf.Tensor) (kernels.Format, error) {
	name := t.Type.String()
	for f := range kernels.NumFormats {
		if kernels.Formats[f].Name == name {
			return f, nil
		}
	}
	return 0, fmt.Errorf("tensor %q is of type %s, which is not supported", t.Name, name)
}
