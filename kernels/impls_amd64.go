//go:build !noasm

package kernels

import (
	"strings"

	"github.com/klauspost/cpuid/v2"
)

func archImpls() []*Impl {
	return []*Impl{avx2(), avxVNNI(), avx512()}
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
