//go:build amd64 && !noasm

package kernels

//lint:file-ignore U1000 the assembly uses the constants

import (
	"github.com/klauspost/cpuid/v2"
)

// avx512 is the arithmetic of CPUs with AVX-512 and its byte instructions (from
// Ice Lake and Zen 4 on).
func avx512() *Impl {
	k := &Impl{
		Name: "avx512",
		Rank: 20,
		Missing: missing(cpuid.AVX512F, cpuid.AVX512BW, cpuid.AVX512VL, cpuid.AVX512DQ,
			cpuid.AVX512VBMI, cpuid.AVX512VNNI, cpuid.AVX2, cpuid.F16C, cpuid.BMI2),
	}
	k.Mul[F32] = f32AVX512.mul
	k.Mul[F16] = f16AVX512.mul
	k.Mul[BF16] = bf16AVX512.mul
	k.Mul[Q4_0] = q4_0AVX512.mul
	k.Mul[Q4_1] = q4_1AVX512.mul
	k.Mul[Q5_0] = q5_0AVX512.mul
	k.Mul[Q5_1] = q5_1AVX512.mul
	k.Mul[Q8_0] = q8_0AVX512.mul
	k.Mul[IQ4_NL] = iq4_NLAVX512.mul
	k.Mul[Q2_K] = q2_KAVX512.mul
	k.Mul[Q3_K] = q3_KAVX512.mul
	k.Mul[Q4_K] = q4_KAVX512.mul
	k.Mul[Q5_K] = q5_KAVX512.mul
	k.Mul[Q6_K] = q6_KAVX512.mul
	k.Mul[IQ4_XS] = iq4_XSAVX512.mul
	for f := range decodesAVX2 {
		k.Mul[f] = oneOrMany(decode512(f), k.Mul[f])
	}
	k.Quantize = [NumActKinds]QuantizeFunc{Act32: quantizeAct32AVX512, Act256: quantizeAct256AVX512}
	k.RMSNorm, k.Rope, k.SiLUMul, k.Add, k.Max = rmsNorm512, rope512, siluMul512, add512, max512
	k.StoreKV[KVF16], k.StoreKV[KVQ8] = storeKVF16AVX512, storeKVQ8AVX512
	k.Attend = [NumKVFormats]AttendFunc{KVF16: attendF16AVX512, KVF32: attendF32AVX512, KVQ8: attendQ8AVX512}
	return k
}

// decode512 is the product with one column. That of super-blocks is as fast in
// 256 bits.
func decode512(f Format) MulFunc {
	if one, ok := decodesAVX512[f]; ok {
		return one
	}
	if cpuid.CPU.Supports(cpuid.AVXVNNI) {
		return decodesAVXVNNI[f]
	}
	return decodesAVX2[f]
}

// Constants of the AVX-512 kernels.
var (
	// nibbleShift brings the low nibbles of 16 bytes to the lanes 0 and 2 and
	// the high ones to 1 and 3.
	nibbleShift = [8]uint64{0, 0, 4, 4, 0, 0, 4, 4}
)
