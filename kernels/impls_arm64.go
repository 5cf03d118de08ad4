//go:build !noasm

package kernels

import (
	"strings"

	"github.com/klauspost/cpuid/v2"
)

func archImpls() []*Impl { return []*Impl{neon(), dotprod(), i8mm()} }

// neon is for every arm64: the Cortex-A72 and its like.
func neon() *Impl {
	k := &Impl{
		Name: "neon",
		Rank: 1,
		Mul: [NumFormats]MulFunc{
			F32:  mulFloats(F32, floatsF32),
			F16:  mulFloats(F16, floatsF16),
			BF16: mulFloats(BF16, floatsBF16),
		},
		Quantize: [NumActKinds]QuantizeFunc{Act32: quantizeAct32Neon, Act256: quantizeAct256Neon},
		RMSNorm:  rmsNormNeon,
		Rope:     ropeRotateNeon,
		SiLUMul:  siluMulAllNeon,
		Add:      addAllNeon,
		Max:      maximumNeon,
		StoreKV:  [NumKVFormats]func([]byte, int, []float32, []float32){KVF16: storeKVF16Neon, KVQ8: storeKVQ8Neon},
		Attend: [NumKVFormats]AttendFunc{
			KVF16: attendF16Neon, KVF32: attendF32Neon, KVQ8: attendQ8With(scoresQ8Neon),
		},
	}
	k.quantized(tiles{tile32Neon, tile256Neon, rowByRow, false, false}, [NumFormats]MulFunc{
		Q5_0: decode(Q5_0, decodeQ5_0Neon, nil),
	})
	// These gain nothing from tiles, for any number of columns.
	k.Mul[Q8_0] = decode(Q8_0, decodeQ8_0Neon, nil)
	k.Mul[Q4_K] = decode(Q4_K, decodeQ4_KNeon, nil)
	k.Mul[Q6_K] = decode(Q6_K, decodeQ6_KNeon, nil)
	return k
}

// dotprod adds SDOT: the Cortex-A76, Neoverse-N1 and later.
func dotprod() *Impl {
	k := neon()
	k.Name, k.Rank, k.Missing = "dotprod", 2, missing(cpuid.ASIMDDP)
	k.Attend[KVQ8] = attendQ8With(scoresQ8Dotprod)
	t, few := tiles{tile32Dotprod, tile256Dotprod, interleaveDotprod, true, true}, fewDotprod()
	k.quantized(t, few)
	k.Mul[Q8_0] = t.mul(Q8_0, few[Q8_0], 2*tileColumns) // there is little to unpack
	return k
}

// i8mm adds SMMLA for several columns: the Neoverse-V1 and later.
func i8mm() *Impl {
	k := dotprod()
	k.Name, k.Rank, k.Missing = "i8mm", 3, missing(cpuid.ASIMDDP, cpuid.I8MM)
	k.quantized(tiles{tile32I8mm, tile256I8mm, interleaveI8mm, true, true}, fewDotprod())
	return k
}

// fewDotprod is the products with less than four columns.
func fewDotprod() [NumFormats]MulFunc {
	few := [NumFormats]MulFunc{
		Q5_0: decode(Q5_0, decodeQ5_0Dotprod, nil),
		Q8_0: decode(Q8_0, decodeQ8_0Dotprod, nil),
		Q4_K: decode(Q4_K, decodeQ4_KDotprod, splitSums32),
		Q6_K: decode(Q6_K, decodeQ6_KDotprod, splitSums16),
	}
	t := tiles{tile32Rows, tile256Rows, rowByRow, false, false}
	for f := range few {
		if few[f] == nil && unpackers[f].row != nil {
			few[f] = t.mul(Format(f), nil, 0)
		}
	}
	return few
}

// quantized sets the products of the quantized formats: tiles, and few, where
// there is one, for less than four columns.
func (k *Impl) quantized(t tiles, few [NumFormats]MulFunc) {
	for f := range NumFormats {
		if unpackers[f].row != nil {
			k.Mul[f] = t.mul(f, few[f], tileColumns)
		}
	}
}

// missing names those of the features that this CPU (or its operating system)
// lacks.
func missing(features ...cpuid.FeatureID) string {
	var names []string
	for _, f := range features {
		if !cpuid.CPU.Supports(f) {
			names = append(names, f.String())
		}
	}
	return strings.Join(names, " ")
}
