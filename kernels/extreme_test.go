package kernels

import (
	"encoding/binary"
	"testing"
)

// extremeSigns are patterns of activations of ±127 along a row. Kernels add up
// products in pairs and fours of neighbours, in halves of 16 and 32 and with the signs of
// weights, so that each is where some sum of 16 bits is the greatest or the
// least that there is.
var extremeSigns = map[string]func(i int) bool{
	"plus":    func(int) bool { return false },
	"minus":   func(int) bool { return true },
	"singles": func(i int) bool { return i%2 != 0 },
	"pairs":   func(i int) bool { return i/2%2 != 0 },
	"fours":   func(i int) bool { return i/4%2 != 0 },
	"halves":  func(i int) bool { return i/16%2 != 0 },
	"blocks":  func(i int) bool { return i/32%2 != 0 },
}

// Blocks whose weights are all at an end of their range, times activations that
// are: no sum saturates or overflows. Random numbers come nowhere near.
func TestMulExtremeBlocks(t *testing.T) {
	fills := []struct{ even, odd byte }{
		{0x00, 0x00}, {0xff, 0xff}, {0x80, 0x80}, {0x7f, 0x7f}, {0x81, 0x81}, {0x0f, 0x0f}, {0xf0, 0xf0},
		{0x80, 0x7f}, {0x00, 0xff}, {0x0f, 0xf0},
	}
	const rows, columns = 19, 7
	eachImpl(t, func(t *testing.T, k *Impl) {
		for f := Q4_0; f < NumFormats; f++ {
			info := &Formats[f]
			const n = 512
			w := guarded[byte](t, rows*n/info.BlockLen*info.Bytes)
			scratch := guardedScratch(t, n)
			a := plain.acts(t, newRand(1), info.Act, columns, n)
			want, got := make([]float32, rows*columns), guarded[float32](t, rows*columns)
			for _, fill := range fills {
				for i := 0; i < len(w); i += info.Bytes {
					for j := range info.Bytes {
						w[i+j] = fill.even
						if j%2 != 0 {
							w[i+j] = fill.odd
						}
					}
					for _, at := range formatCases[f].scales {
						binary.LittleEndian.PutUint16(w[i+at:], 0x3c00) // 1
					}
				}
				for name, negative := range extremeSigns {
					extremeActs(a, negative)
					info.mul(want, rows, w, rows, a, scratch)
					for _, cols := range []int{1, 2, 3, columns} {
						k.Mul[f](got, rows, w, rows, a.columns(t, cols), scratch)
						requireSame(t, want[:rows*cols], got[:rows*cols], "%s, weights %x, activations %s, %d columns", f, fill, name, cols)
					}
				}
			}
		}
	})
}

// extremeActs sets every column to ±127 by a pattern, the odd columns to its opposite.
func extremeActs(a *Acts, negative func(i int) bool) {
	x := make([]float32, a.K)
	for c := range a.N {
		for i := range x {
			x[i] = 127
			if negative(i) != (c%2 != 0) {
				x[i] = -127
			}
		}
		generic().Quantize[a.Kind](a, c, x)
	}
}
