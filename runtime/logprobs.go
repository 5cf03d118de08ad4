package runtime

import (
	"math"
	"slices"
)

// LogProb is the natural logarithm of a token's probability, from the model's
// logits before bias, penalties and temperature. The first token of a prompt
// has none: NaN.
type LogProb struct {
	Token   int32
	LogProb float32
	Top     []TokenLogProb // the likeliest tokens, in order; to be read only
}

// TokenLogProb is one alternative of a [LogProb].
type TokenLogProb struct {
	Token   int32
	LogProb float32
}

// LogProbs are the [LogProb] of consecutive tokens, eight bytes for each token
// and each alternative. Choices may share them: nothing in them changes. The
// zero value is that of no tokens.
type LogProbs struct {
	entries []TokenLogProb // of each token: its own, then the likeliest
	width   int            // entries of a token
}

// noToken fills the entries of a token that has fewer alternatives.
const noToken = -1

// Len is the number of tokens.
func (l LogProbs) Len() int {
	if l.width == 0 {
		return 0
	}
	return len(l.entries) / l.width
}

// At is the log-probability of the i-th token.
func (l LogProbs) At(i int) LogProb {
	e := l.entries[i*l.width : (i+1)*l.width : (i+1)*l.width]
	p := LogProb{Token: e[0].Token, LogProb: e[0].LogProb}
	for n := len(e); n > 1; n-- {
		if e[n-1].Token != noToken {
			p.Top = e[1:n:n]
			break
		}
	}
	return p
}

// Slice is the log-probabilities of the tokens from lo to hi.
func (l LogProbs) Slice(lo, hi int) LogProbs {
	return LogProbs{l.entries[lo*l.width : hi*l.width : hi*l.width], l.width}
}

// append returns l with the tokens of more behind it.
func (l LogProbs) append(more LogProbs) LogProbs {
	if more.width == 0 {
		return l
	}
	return LogProbs{append(l.entries, more.entries...), more.width}
}

// logProb appends a token's log-probability, from unchanged logits, and those
// of the n likeliest tokens.
func (w *workspace) logProb(dst []TokenLogProb, logits []float32, id int32, n int) []TokenLogProb {
	top := w.scan(logits)
	norm := float64(top) + math.Log(w.weigh(logits, top, 1))
	dst = append(slices.Grow(dst, 1+n), TokenLogProb{id, float32(float64(logits[id]) - norm)})
	if n == 0 {
		return dst
	}
	w.top(logits, n)
	for _, c := range w.kept {
		dst = append(dst, TokenLogProb{c.id, float32(float64(c.logit) - norm)})
	}
	for range n - len(w.kept) {
		dst = append(dst, TokenLogProb{Token: noToken})
	}
	return dst
}
