//go:build amd64 && !noasm

package kernels

//lint:file-ignore U1000 the assembly uses the constants

import (
	"unsafe"

	"github.com/klauspost/cpuid/v2"
)

// avxVNNI is the arithmetic of CPUs with the dot products of AVX-512 in 256 bits
// (Alder Lake and later, Zen 5); but for these it is avx2.
func avxVNNI() *Impl {
	k := avx2()
	k.Name, k.Rank = "avxvnni", 15
	k.Missing = missing(cpuid.AVX2, cpuid.FMA3, cpuid.F16C, cpuid.AVXVNNI)
	for f, tile := range tilesAVX2 {
		if t, ok := tilesAVXVNNI[f]; ok {
			tile = t
		}
		k.Mul[f] = oneOrMany(decodesAVXVNNI[f], tile.mul)
	}
	return k
}

// biases are the starts of sums that are 32 bits wide.
func biases(a *Acts, block int) *int16 { return (*int16)(unsafe.Pointer(&a.Bias[block])) }

// tilesAVXVNNI take the panels of avx2.
var tilesAVXVNNI = map[Format]tileFormatAVX2{
	Q4_0:   {Q4_0, panelSize32, unpackQ4_0AVX2, tileOffset32AVXVNNI, biases},
	Q4_1:   {Q4_1, panelSize32, unpackQ4_1AVX2, tileMins32AVXVNNI, biases},
	Q5_0:   {Q5_0, panelSize32, unpackQ5_0AVX2, tileOffset32AVXVNNI, biases},
	Q5_1:   {Q5_1, panelSize32, unpackQ5_1AVX2, tileMins32AVXVNNI, biases},
	Q8_0:   {Q8_0, panelSizeSigned32, unpackQ8_0AVX2, tileSigned32AVXVNNI, biases},
	IQ4_NL: {IQ4_NL, panelSizeSigned32, unpackIQ4_NLAVX2, tileSigned32AVXVNNI, biases},
	IQ4_XS: {IQ4_XS, panelSizeSigned256, unpackIQ4_XSAVX2, tileSigned256AVXVNNI, sums256},
}

// minus128 is -128 in words.
var minus128 = [16]int16{
	-128, -128, -128, -128, -128, -128, -128, -128, -128, -128, -128, -128, -128, -128, -128, -128,
}

var decodesAVXVNNI = map[Format]MulFunc{
	Q4_0:   (&blockDecode{18, decodeQ4_0AVXVNNI}).mul,
	Q4_1:   (&blockDecode{20, decodeQ4_1AVXVNNI}).mul,
	Q5_0:   (&blockDecode{22, decodeQ5_0AVXVNNI}).mul,
	Q5_1:   (&blockDecode{24, decodeQ5_1AVXVNNI}).mul,
	Q8_0:   (&blockDecode{34, decodeQ8_0AVXVNNI}).mul,
	IQ4_NL: (&blockDecode{18, decodeIQ4_NLAVXVNNI}).mul,
	Q2_K:   (&superDecode{84, false, false, decodeQ2_KAVXVNNI}).mul,
	Q3_K:   (&superDecode{110, false, false, decodeQ3_KAVXVNNI}).mul,
	Q4_K:   (&superDecode{144, false, true, decodeQ4_KAVXVNNI}).mul,
	Q5_K:   (&superDecode{176, false, true, decodeQ5_KAVXVNNI}).mul,
	Q6_K:   (&superDecode{210, false, false, decodeQ6_KAVXVNNI}).mul,
	IQ4_XS: (&superDecode{136, true, false, decodeIQ4_XSAVXVNNI}).mul,
}

//go:noescape
func decodeQ4_0AVXVNNI(y *float32, w *byte, rows, n int, q *int8, d *float32, bias *int32, mem *byte)

//go:noescape
func decodeQ4_1AVXVNNI(y *float32, w *byte, rows, n int, q *int8, d *float32, bias *int32, mem *byte)

//go:noescape
func decodeQ5_0AVXVNNI(y *float32, w *byte, rows, n int, q *int8, d *float32, bias *int32, mem *byte)

//go:noescape
func decodeQ5_1AVXVNNI(y *float32, w *byte, rows, n int, q *int8, d *float32, bias *int32, mem *byte)

//go:noescape
func decodeQ8_0AVXVNNI(y *float32, w *byte, rows, n int, q *int8, d *float32, bias *int32, mem *byte)

//go:noescape
func decodeIQ4_NLAVXVNNI(y *float32, w *byte, rows, n int, q *int8, d *float32, bias *int32, mem *byte)

//go:noescape
func decodeQ2_KAVXVNNI(y *float32, w *byte, rows, n int, q *int8, d *float32, sum *int16, mem *byte)

//go:noescape
func decodeQ3_KAVXVNNI(y *float32, w *byte, rows, n int, q *int8, d *float32, sum *int16, mem *byte)

//go:noescape
func decodeQ4_KAVXVNNI(y *float32, w *byte, rows, n int, q *int8, d *float32, sum *int16, mem *byte)

//go:noescape
func decodeQ5_KAVXVNNI(y *float32, w *byte, rows, n int, q *int8, d *float32, sum *int16, mem *byte)

//go:noescape
func decodeQ6_KAVXVNNI(y *float32, w *byte, rows, n int, q *int8, d *float32, sum *int16, mem *byte)

//go:noescape
func decodeIQ4_XSAVXVNNI(y *float32, w *byte, rows, n int, q *int8, d *float32, sum *int16, mem *byte)

//go:noescape
func tileOffset32AVXVNNI(y *float32, stride int, panel *byte, n int, q *int8, d *float32, start *int16, k, cols int, fetch uintptr, step int, add bool)

//go:noescape
func tileMins32AVXVNNI(y *float32, stride int, panel *byte, n int, q *int8, d *float32, start *int16, k, cols int, fetch uintptr, step int, add bool)

//go:noescape
func tileSigned32AVXVNNI(y *float32, stride int, panel *byte, n int, q *int8, d *float32, start *int16, k, cols int, fetch uintptr, step int, add bool)

//go:noescape
func tileSigned256AVXVNNI(y *float32, stride int, panel *byte, n int, q *int8, d *float32, start *int16, k, cols int, fetch uintptr, step int, add bool)
