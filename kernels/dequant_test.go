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

// Products are those of the decoded weights and activations, within what the
// roundings of float32 may move.
func TestMulIsAProduct(t *testing.T) {
	for f := range NumFormats {
		for d := range extreme + 1 {
			k := formatCases[f].ks[len(formatCases[f].ks)-1]
			const rows, columns = 9, 3
			r := newRand(uint64(f))
			w := make([]byte, rows*k/Formats[f].BlockLen*Formats[f].Bytes)
			d.weights(r, f, w)
			a := d.acts(t, r, Formats[f].Act, columns, k)
			y := make([]float32, rows*columns)
			Formats[f].mul(y, rows, w, rows, a, NewScratch(k))
			decoded := make([]float32, rows*k)
			Formats[f].Dequantize(decoded, w)
			for c := range columns {
				x := a.decode(c)
				for row := range rows {
					sum, size := 0.0, 0.0
					for i, w := range decoded[row*k:][:k] {
						sum += float64(w) * x[i]
						size += math.Abs(float64(w) * x[i])
					}
					// Two roundings a block and one for each sum of them.
					bound := 0x1p-20*size + 1e-38
					require.InDelta(t, sum, float64(y[c*rows+row]), bound, "%s, %s data, row %d, column %d", f, d, row, c)
				}
			}
		}
	}
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
