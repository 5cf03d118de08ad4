package runtime

// history is the tokens of a choice: the prompt, which all choices of a
// request share, and those that were drawn (or drafted) after it.
type history struct{ prompt, drawn []int32 }

func (h history) len() int { return len(h.prompt) + len(h.drawn) }

func (h history) at(i int) int32 {
	if i < len(h.prompt) {
		return h.prompt[i]
	}
	return h.drawn[i-len(h.prompt)]
}

// last is the last n tokens; all when n is negative.
func (h history) last(n int) history {
	switch {
	case n < 0 || n >= h.len():
		return h
	case n <= len(h.drawn):
		return history{drawn: h.drawn[len(h.drawn)-n:]}
	}
	return history{h.prompt[len(h.prompt)-(n-len(h.drawn)):], h.drawn}
}

// block is the tokens of a full block of the KV cache.
func (h history) block(i int) (tokens [blockTokens]int32) {
	at := i * blockTokens
	n := 0
	if at < len(h.prompt) {
		n = copy(tokens[:], h.prompt[at:])
	}
	if n < blockTokens {
		copy(tokens[n:], h.drawn[at+n-len(h.prompt):])
	}
	return tokens
}
