package kernels

import (
	"compress/gzip"
	"encoding/binary"
	"io"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/mat"
)

func goldenPath(f Format) string {
	return filepath.Join("..", "testdata", "kernels", "dequant", f.String()+".bin.gz")
}

// The decoders against those of the gguf Python package, bit by bit
// (scripts/record_dequant.py).
func TestDequantizeGolden(t *testing.T) {
	for f := range NumFormats {
		t.Run(f.String(), func(t *testing.T) {
			file, err := os.Open(goldenPath(f))
			require.NoError(t, err)
			defer file.Close()
			z, err := gzip.NewReader(file)
			require.NoError(t, err)
			data, err := io.ReadAll(z)
			require.NoError(t, err)
			size := binary.LittleEndian.Uint32(data)
			src, weights := data[4:4+size], data[4+size:]
			want := make([]float32, len(weights)/4)
			for i := range want {
				want[i] = math.Float32frombits(binary.LittleEndian.Uint32(weights[4*i:]))
			}
			require.Equal(t, len(want)/Formats[f].BlockLen*Formats[f].Bytes, len(src))
			got := make([]float32, len(want))
			Formats[f].Dequantize(got, src)
			requireSame(t, want, got, "")
		})
	}
}

// Products are those of the decoded weights and activations by gonum in float64,
// within what the roundings of float32 may move.
func TestMulIsAProduct(t *testing.T) {
	const rows, columns = 9, 3
	eachImpl(t, func(t *testing.T, impl *Impl) {
		for f := range NumFormats {
			for d := range extreme + 1 {
				k := formatCases[f].ks[len(formatCases[f].ks)-1]
				r := newRand(uint64(f))
				w := make([]byte, rows*k/Formats[f].BlockLen*Formats[f].Bytes)
				d.weights(r, f, w)
				a := d.acts(t, r, Formats[f].Act, columns, k)
				y := make([]float32, rows*columns)
				impl.Mul[f](y, rows, w, rows, a, NewScratch((k+255)/256*256))
				decoded := make([]float32, rows*k)
				Formats[f].Dequantize(decoded, w)
				weights, x := mat.NewDense(rows, k, nil), mat.NewDense(columns, k, nil)
				for i, w := range decoded {
					weights.Set(i/k, i%k, float64(w))
				}
				for c := range columns {
					x.SetRow(c, a.decode(c))
				}
				product, size := mul64(x, weights), mul64(magnitudes(x), magnitudes(weights))
				for i, got := range y {
					c, row := i/rows, i%rows
					// Two roundings a block and one for each sum of them.
					bound := 0x1p-20*size.At(c, row) + 1e-38
					require.InDelta(t, product.At(c, row), float64(got), bound, "%s, %s data, row %d, column %d", f, d, row, c)
				}
			}
		}
	})
}

// mul64 is x·wᵀ.
func mul64(x, w *mat.Dense) *mat.Dense {
	var y mat.Dense
	y.Mul(x, w.T())
	return &y
}

func magnitudes(x *mat.Dense) *mat.Dense {
	var y mat.Dense
	y.Apply(func(_, _ int, v float64) float64 { return math.Abs(v) }, x)
	return &y
}

// decode is column c as the numbers that it stands for.
func (a *Acts) decode(c int) []float64 {
	x := make([]float64, a.K)
	for i := range x {
		if a.Kind == ActF32 {
			x[i] = float64(a.X[c*a.K+i])
			continue
		}
		length := len(a.Q) / len(a.D)
		x[i] = float64(a.Q[c*a.K+i]) * float64(a.D[(c*a.K+i)/length])
	}
	return x
}
