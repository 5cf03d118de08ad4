package kernels

import (
	"math"
	"testing"
)

var (
	mulRows    = []int{1, 2, 3, 15, 16, 17, 33}
	mulColumns = []int{1, 2, 3, 4, 5, 7, 8, 9, 16, 17, 32, 33}
)

// canary fills the elements of an output that are nobody's.
var canary = math.Float32frombits(0x7fc0dead)

// Every product has the bits of the generic one, which sees all the rows and
// columns at once: so no result depends on the rest of its batch.
func TestMul(t *testing.T) {
	eachImpl(t, func(t *testing.T, k *Impl) {
		for f := range NumFormats {
			t.Run(f.String(), func(t *testing.T) {
				for d := range numData {
					for _, n := range formatCases[f].ks {
						checkMul(t, k, f, d, n)
					}
				}
			})
		}
	})
}

func checkMul(t *testing.T, k *Impl, f Format, d data, n int) {
	const maxRows, maxColumns = 33, 33
	r := newRand(uint64(n))
	rowBytes := n / Formats[f].BlockLen * Formats[f].Bytes
	// Shifted from the page's end by an odd number of bytes in some rounds.
	room := guarded[byte](t, maxRows*rowBytes+3)
	all := d.acts(t, r, Formats[f].Act, maxColumns, n)
	scratch := guardedScratch(t, (n+255)/256*256)

	weights := make([]byte, maxRows*rowBytes)
	d.weights(r, f, weights)
	want := make([]float32, maxRows*maxColumns)
	Formats[f].mul(want, maxRows, weights, maxRows, all, scratch)

	rows := short(mulRows, 1, 3, 17)
	columns := short(mulColumns, 1, 2, 5, 17)
	if d != plain {
		rows, columns = []int{1, 17}, []int{1, 3, 9, 33}
	}
	for _, nc := range columns {
		a := all.columns(t, nc)
		for _, nr := range rows {
			stride := nr + nr%3
			shift := (nr + nc) % 4
			w := room[len(room)-nr*rowBytes-shift:][:nr*rowBytes]
			first := (maxRows - nr) / 2
			copy(w, weights[first*rowBytes:])
			y := guarded[float32](t, (nc-1)*stride+nr)
			for i := range y {
				y[i] = canary
			}
			k.Mul[f](y, stride, w, nr, a, scratch)
			for i, got := range y {
				wanted := canary
				if i%stride < nr {
					wanted = want[i/stride*maxRows+first+i%stride]
				}
				if !same(wanted, got) {
					t.Fatalf("%s data, k=%d rows=%d columns=%d: row %d of column %d: want %g (%08x), got %g (%08x)", d, n, nr, nc,
						i%stride, i/stride, wanted, math.Float32bits(wanted), got, math.Float32bits(got))
				}
			}
		}
	}
}

// Rows as long as those of the largest models, and longer than any.
func TestMulLongRows(t *testing.T) {
	eachImpl(t, func(t *testing.T, k *Impl) {
		for f := range NumFormats {
			for _, n := range short([]int{8960, 66048}, 8960) {
				const rows, columns = 17, 3
				r := newRand(uint64(n))
				w := guarded[byte](t, rows*n/Formats[f].BlockLen*Formats[f].Bytes)
				plain.weights(r, f, w)
				scratch := guardedScratch(t, n)
				a := plain.acts(t, r, Formats[f].Act, columns, n)
				want, got := make([]float32, rows*columns), guarded[float32](t, rows*columns)
				Formats[f].mul(want, rows, w, rows, a, scratch)
				k.Mul[f](got, rows, w, rows, a, scratch)
				requireSame(t, want, got, "%s, k=%d", f, n)
				one := a.columns(t, 1)
				k.Mul[f](got, rows, w, rows, one, scratch)
				requireSame(t, want[:rows], got[:rows], "%s, k=%d, one column", f, n)
			}
		}
	})
}
