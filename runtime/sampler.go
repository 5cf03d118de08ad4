package runtime

import (
	"errors"
	"math"
	"math/rand/v2"
)

// sampler draws the tokens of one choice, as [Sampling] says.
type sampler struct {
	temperature float32
	topK        int
	topP, minP  float32
	penalties   penalties
	random      rand.PCG
}

// penalties are step 2 of [Sampling].
type penalties struct {
	repetition, presence, frequency float32
	window                          int // negative: all
	any                             bool
}

// defaultPenaltyWindow is llama.cpp's.
const defaultPenaltyWindow = 64

func newSampler(s *Sampling, choice int) *sampler {
	p := &sampler{
		temperature: s.Temperature,
		topK:        s.TopK,
		topP:        s.TopP,
		minP:        s.MinP,
		penalties: penalties{
			repetition: s.RepetitionPenalty,
			presence:   s.PresencePenalty,
			frequency:  s.FrequencyPenalty,
			window:     orDefault(s.PenaltyWindow, defaultPenaltyWindow),
		},
	}
	if p.topP == 0 {
		p.topP = 1
	}
	if p.penalties.repetition == 0 {
		p.penalties.repetition = 1
	}
	p.penalties.any = p.penalties.repetition != 1 || p.penalties.presence != 0 || p.penalties.frequency != 0
	seed := s.Seed.number
	if !s.Seed.fixed {
		seed = rand.Uint64()
	}
	p.random.Seed(seed, uint64(choice))
	return p
}

// uniform draws from [0, 1).
func (p *sampler) uniform() float64 { return float64(p.random.Uint64()>>11) / (1 << 53) }

var errNoToken = errors.New("no token can be drawn: every logit is -Inf or not a number")

// guidance is what changes the logits before a token is drawn from them.
type guidance struct {
	biases  biases
	history history
	allowed []uint64 // nil: all tokens
}

// sample draws the token that follows the history. The logits are as they were
// when it returns; when they are shared with other workers, they are meanwhile
// too.
func (p *sampler) sample(logits []float32, g guidance, shared bool, w *workspace) (int32, error) {
	n := len(g.biases.few)
	if p.penalties.any {
		n += w.countTokens(g.history.last(p.penalties.window))
	}
	switch {
	case n == 0 && g.biases.all == nil && g.allowed == nil:
		return p.draw(logits, w)
	case shared || n > mostPatches || g.biases.all != nil || g.allowed != nil:
		copied := w.row[:len(logits)]
		copy(copied, logits)
		logits = copied
	default:
		defer w.restore(logits)
	}
	p.guide(logits, g, w)
	return p.draw(logits, w)
}

// guide applies steps 1 and 2 of [Sampling], and keeps in w what it overwrites.
func (p *sampler) guide(logits []float32, g guidance, w *workspace) {
	w.patches = w.patches[:0]
	if g.biases.all != nil {
		w.add(logits, g.biases.all[:len(logits)])
	}
	for _, b := range g.biases.few {
		w.set(logits, b.id, logits[b.id]+b.bias)
	}
	if p.penalties.any {
		for _, id := range w.seen {
			x := logits[id]
			if x > 0 {
				x /= p.penalties.repetition
			} else {
				x *= p.penalties.repetition
			}
			x -= float32(w.counts[id])*p.penalties.frequency + p.penalties.presence
			w.set(logits, id, x)
		}
		w.clearCounts()
	}
	if g.allowed != nil {
		forbid(logits, g.allowed)
	}
}

// draw does steps 3 to 7.
func (p *sampler) draw(logits []float32, w *workspace) (int32, error) {
	top := w.scan(logits)
	if math.IsInf(float64(top), -1) || math.IsNaN(float64(top)) {
		return -1, errNoToken
	}
	if math.IsInf(float64(top), 1) || p.temperature == 0 {
		return w.first(logits, top), nil
	}
	switch {
	case p.topK > 0 && p.topK < len(logits):
		w.top(logits, p.topK)
		if p.topP < 1 {
			w.nucleus(p.topP)
		}
	case p.topP < 1:
		w.nucleusOfAll(logits, top, p.topP)
	case p.minP == 0:
		return w.chooseOfAll(logits, top, p.temperature, p.uniform()), nil
	default:
		w.above(logits, top, p.minP)
	}
	if p.minP > 0 {
		w.atLeast(top, p.minP)
	}
	return w.choose(top, p.temperature, p.uniform()), nil
}
