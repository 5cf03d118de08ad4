package runtime

// Constraint limits what a choice may say: a grammar, a list of answers. The
// engine asks for the mask before it draws a token, and says which was drawn;
// what is drafted ahead goes the same way, token by token.
//
// Each choice has a clone of its own, which one goroutine uses at a time, but
// not always the same. Mask and Accept run among the engine's workers, so that
// they should be quick; a panic in one of them fails the request. Clone is
// called by Submit. What a constraint holds is the memory of whoever made it.
type Constraint interface {
	// Mask sets the bit of each token that may come next (bit id%64 of word
	// id/64) and clears all others. End tokens need their bits too; with no bit
	// set, the request fails.
	Mask(allowed []uint64)
	// Accept takes the token that was drawn, an end token too.
	Accept(token int32)
	// Clone returns a constraint in the same state, which goes its own way.
	Clone() Constraint
}

// forbid sets the logits of tokens that are not allowed to -Inf.
func forbid(logits []float32, allowed []uint64) {
	for lo := 0; lo < len(logits); lo += 64 {
		word := allowed[lo/64]
		if word == ^uint64(0) {
			continue
		}
		for i := lo; i < min(lo+64, len(logits)); i++ {
			if word>>(i-lo)&1 == 0 {
				logits[i] = negativeInf
			}
		}
	}
}
