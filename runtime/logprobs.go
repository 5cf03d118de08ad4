package runtime

import "math"

// logProb computes a token's log-probability from unchanged logits, and those
// of the n likeliest tokens.
func (w *workspace) logProb(logits []float32, id int32, n int) LogProb {
	top := w.scan(logits)
	norm := float64(top) + math.Log(w.weigh(logits, top, 1))
	p := LogProb{Token: id, LogProb: float32(float64(logits[id]) - norm)}
	if n > 0 {
		w.top(logits, n)
		p.Top = make([]TokenLogProb, len(w.kept))
		for i, c := range w.kept {
			p.Top[i] = TokenLogProb{c.id, float32(float64(c.logit) - norm)}
		}
	}
	return p
}
