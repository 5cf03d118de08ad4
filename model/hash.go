package model

import "math"

// Hash is a fingerprint of the exact bits of logits: FNV-1a over the 32-bit
// patterns.
func Hash(logits []float32) uint64 {
	h := uint64(14695981039346656037)
	for _, x := range logits {
		h = (h ^ uint64(math.Float32bits(x))) * 1099511628211
	}
	return h
}
