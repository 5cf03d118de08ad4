//go:build !noasm

package kernels

import (
	"strings"

	"github.com/klauspost/cpuid/v2"
)

func archImpls() []*Impl { return []*Impl{neon(), dotprod(), i8mm()} }

// neon is for every arm64: the Cortex-A72 and its like.
func neon() *Impl {
	return &Impl{
		Name: "neon",
		Rank: 1,
		Mul: [NumFormats]MulFunc{
			Q5_0: decode(Q5_0, decodeQ5_0Neon, nil),
			Q8_0: decode(Q8_0, decodeQ8_0Neon, nil),
			Q4_K: decode(Q4_K, decodeQ4_KNeon, nil),
			Q6_K: decode(Q6_K, decodeQ6_KNeon, nil),
		},
		Quantize: [NumActKinds]QuantizeFunc{Act32: quantizeAct32Neon, Act256: quantizeAct256Neon},
		RMSNorm:  rmsNormNeon,
		Rope:     ropeRotateNeon,
		SiLUMul:  siluMulAllNeon,
		Add:      addAllNeon,
		Max:      maximumNeon,
		StoreKV:  [NumKVFormats]func([]byte, int, []float32, []float32){KVF16: storeKVF16Neon, KVQ8: storeKVQ8Neon},
		Attend: [NumKVFormats]func(*Attention, []byte, []int32){
			KVF16: attendF16Neon, KVF32: attendF32Neon, KVQ8: attendQ8With(scoresQ8Neon),
		},
	}
}

// dotprod adds SDOT: the Cortex-A76, Neoverse-N1 and later.
func dotprod() *Impl {
	k := neon()
	k.Name, k.Rank, k.Missing = "dotprod", 2, missing(cpuid.ASIMDDP)
	k.Attend[KVQ8] = attendQ8With(scoresQ8Dotprod)
	k.tile(tiles{tile32Dotprod, tile256Dotprod, interleaveDotprod})
	return k
}

// i8mm adds SMMLA for several columns: the Neoverse-V1 and later.
func i8mm() *Impl {
	k := dotprod()
	k.Name, k.Rank, k.Missing = "i8mm", 3, missing(cpuid.ASIMDDP, cpuid.I8MM)
	k.tile(tiles{tile32I8mm, tile256I8mm, interleaveI8mm})
	return k
}

// tile sets the products of the quantized formats to tiles, with SDOT for one
// column.
func (k *Impl) tile(t tiles) {
	few := [NumFormats]MulFunc{
		Q5_0: decode(Q5_0, decodeQ5_0Dotprod, nil),
		Q8_0: decode(Q8_0, decodeQ8_0Dotprod, nil),
		Q4_K: decode(Q4_K, decodeQ4_KDotprod, splitSums32),
		Q6_K: decode(Q6_K, decodeQ6_KDotprod, splitSums16),
	}
	for f := range NumFormats {
		if unpackers[f].row != nil {
			k.Mul[f] = t.mul(f, few[f])
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
