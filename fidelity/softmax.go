package fidelity

import "math"

// softmax is what a row of logits says of all tokens at once.
type softmax struct {
	first int     // the likeliest token
	max   float32 // its logit
	min   float32
	lse   float64 // log of the sum of exp(logit - max)
}

func newSoftmax(logits []float32) softmax {
	s := softmax{max: logits[0], min: logits[0]}
	for i, v := range logits {
		if v > s.max {
			s.first, s.max = i, v
		}
		s.min = min(s.min, v)
	}
	sum := 0.0
	for _, v := range logits {
		sum += math.Exp(float64(v - s.max))
	}
	s.lse = math.Log(sum)
	return s
}

// nll is the negative log-probability of a token with this logit.
func (s *softmax) nll(logit float32) float64 { return s.lse - float64(logit-s.max) }
