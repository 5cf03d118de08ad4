package tensor

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"cllm/gguf"
	"cllm/kernels"
)

func TestMatrixAndVectorRefuse(t *testing.T) {
	for want, v := range map[string]gguf.Tensor{
		`"w" is of type IQ2_XXS, which is not supported`: {Type: gguf.IQ2_XXS, Dims: []int64{256, 1}, Data: make([]byte, 66)},
		`"w" has 1 dimensions, want 2`:                   {Type: gguf.F32, Dims: []int64{4}, Data: make([]byte, 16)},
		`rows of Q4_K are multiples of 256 weights`:      {Type: gguf.Q4_K, Dims: []int64{128, 2}, Data: make([]byte, 144)},
		`"w" holds 15 bytes, its 1 x 4 weights of F32`:   {Type: gguf.F32, Dims: []int64{4, 1}, Data: make([]byte, 15)},
		`"w" is 0 x 4`: {Type: gguf.F32, Dims: []int64{4, 0}},
	} {
		v.Name = "w"
		_, err := NewMatrix(v)
		require.ErrorContains(t, err, want)
	}
	for want, v := range map[string]gguf.Tensor{
		"want a vector of F32, F16 or BF16": {Type: gguf.Q8_0, Dims: []int64{32}, Data: make([]byte, 34)},
		"holds 6 bytes":                     {Type: gguf.F32, Dims: []int64{4}, Data: make([]byte, 6)},
		"holds 0 bytes":                     {Type: gguf.F32, Dims: []int64{0}},
	} {
		_, err := Vector(v)
		require.ErrorContains(t, err, want)
	}
}

func TestVectorReadsAlignedAndUnalignedFloats(t *testing.T) {
	data := make([]byte, 17)
	data[1+3], data[1+2] = 0x3f, 0x80 // 1 at offset 1
	data[1+7] = 0x40                  // 2
	v, err := Vector(gguf.Tensor{Type: gguf.F32, Dims: []int64{4}, Data: data[1:]})
	require.NoError(t, err)
	require.Equal(t, []float32{1, 2, 0, 0}, v)
	v, err = Vector(gguf.Tensor{Type: gguf.F16, Dims: []int64{2}, Data: []byte{0, 0x3c, 0, 0xc0}})
	require.NoError(t, err)
	require.Equal(t, []float32{1, -2}, v)
}

// The product of all workers is that of the rows with the columns, whatever
// the number of rows.
func TestMatMul(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	const cols, n = 96, 3
	x := make([]float32, n*cols)
	for i := range x {
		x[i] = rnd.Float32() - 0.5
	}
	for _, rows := range []int{1, 15, 16, 17, 100, 1000} {
		data := make([]byte, rows*cols*4)
		w := make([]float32, rows*cols)
		for i := range w {
			w[i] = rnd.Float32() - 0.5
			bits := math.Float32bits(w[i])
			data[4*i], data[4*i+1], data[4*i+2], data[4*i+3] = byte(bits), byte(bits>>8), byte(bits>>16), byte(bits>>24)
		}
		m, err := NewMatrix(gguf.Tensor{Name: "w", Type: gguf.F32, Dims: []int64{cols, int64(rows)}, Data: data})
		require.NoError(t, err)
		row := make([]float32, cols)
		m.Row(row, rows-1)
		require.Equal(t, w[(rows-1)*cols:], row)

		a := kernels.NewActs(m.Act(), n, cols)
		copy(a.X, x)
		stride := rows + 5
		y := make([]float32, n*stride)
		p := newTestPool(t, 3)
		require.NoError(t, p.Run(func(w *Worker) { w.MatMul(y, stride, m, a) }))
		for c := range n {
			for r := range rows {
				sum := 0.0
				for k := range cols {
					sum += float64(w[r*cols+k]) * float64(x[c*cols+k])
				}
				require.InDelta(t, sum, y[c*stride+r], 1e-5)
			}
			require.Zero(t, y[c*stride+rows], "past the rows")
		}
	}
}
