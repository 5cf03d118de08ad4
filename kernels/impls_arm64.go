//go:build !noasm

package kernels

import "github.com/klauspost/cpuid/v2"

func archImpls() []*Impl { return []*Impl{neon(), dotprod()} }

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
	}
}

// dotprod adds SDOT: the Cortex-A76, Neoverse-N1 and later.
func dotprod() *Impl {
	k := neon()
	k.Name, k.Rank, k.Missing = "dotprod", 2, missing(cpuid.ASIMDDP)
	k.Mul[Q5_0] = decode(Q5_0, decodeQ5_0Dotprod, nil)
	k.Mul[Q8_0] = decode(Q8_0, decodeQ8_0Dotprod, nil)
	k.Mul[Q4_K] = decode(Q4_K, decodeQ4_KDotprod, splitSums32)
	k.Mul[Q6_K] = decode(Q6_K, decodeQ6_KDotprod, splitSums16)
	return k
}

// missing names the feature if this CPU (or its operating system) lacks it.
func missing(f cpuid.FeatureID) string {
	if cpuid.CPU.Supports(f) {
		return ""
	}
	return f.String()
}
