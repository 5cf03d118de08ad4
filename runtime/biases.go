package runtime

import (
	"cmp"
	"maps"
	"math"
	"slices"
)

var negativeInf = float32(math.Inf(-1))

// biases are what is added to the logits before all else, prepared once for
// all choices of a request: a few by token, or one for each.
type biases struct {
	few []biasedToken
	all []float32 // nil: few are all there are
}

type biasedToken struct {
	id   int32
	bias float32
}

// manyBiases is the share of the vocabulary, one of so many, from which a
// vector is added faster than single tokens.
const manyBiases = 32

// newBiases puts biases and tokens that are ruled out together.
func newBiases(vocab int, given map[int32]float32, ruledOut ...int32) biases {
	if len(given)+len(ruledOut) > vocab/manyBiases {
		b := biases{all: make([]float32, vocab)}
		for id, x := range given {
			b.all[id] = x
		}
		for _, id := range ruledOut {
			b.all[id] = negativeInf
		}
		return b
	}
	sum := make(map[int32]float32, len(given)+len(ruledOut))
	maps.Copy(sum, given)
	for _, id := range ruledOut {
		sum[id] = negativeInf
	}
	var b biases
	for id, x := range sum {
		b.few = append(b.few, biasedToken{id, x})
	}
	slices.SortFunc(b.few, func(x, y biasedToken) int { return cmp.Compare(x.id, y.id) })
	return b
}

// biasBytes is at least the memory of newBiases with n biases and tokens.
func biasBytes(vocab, n int) int64 {
	if n > vocab/manyBiases {
		return 4 * int64(vocab)
	}
	return 16 * int64(n)
}
