//go:build amd64 && !noasm

package kernels

//lint:file-ignore U1000 the assembly uses the constants

import "github.com/klauspost/cpuid/v2"

// avx2 is the arithmetic of CPUs with AVX2, FMA and F16C (from Haswell and Zen
// on).
func avx2() *Impl {
	k := &Impl{Name: "avx2", Rank: 10, Missing: missing(cpuid.AVX2, cpuid.FMA3, cpuid.F16C)}
	for f, m := range floatsAVX2 {
		k.Mul[f] = m
	}
	for f, tile := range tilesAVX2 {
		k.Mul[f] = oneOrMany(decodesAVX2[f], tile.mul)
	}
	k.Quantize = [NumActKinds]QuantizeFunc{Act32: quantizeAct32AVX2, Act256: quantizeAct256AVX2}
	k.RMSNorm, k.Rope, k.SiLUMul, k.Add, k.Max = rmsNorm2, rope2, siluMul2, add2, max2
	k.StoreKV[KVF16], k.StoreKV[KVQ8] = storeKVF16AVX2, storeKVQ8AVX2
	k.Attend = [NumKVFormats]AttendFunc{KVF16: attendF16AVX2, KVF32: attendF32AVX2, KVQ8: attendQ8AVX2}
	return k
}

// oneOrMany takes one column with one and more with many.
func oneOrMany(one, many MulFunc) MulFunc {
	return func(y []float32, stride int, w []byte, rows int, a *Acts, s *Scratch) {
		if a.N == 1 {
			one(y, stride, w, rows, a, s)
		} else {
			many(y, stride, w, rows, a, s)
		}
	}
}

// Constants of the unpacking: the masks of the bits of a byte, the offset of
// Q4_0.
var (
	bitMasks = uint64(0x8040201008040201)
	offset8  = uint32(0x08080808)
)
