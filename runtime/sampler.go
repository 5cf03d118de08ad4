package runtime

import (
	"cmp"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
)

// sampler draws the tokens of one sequence, as [Sampling] says.
type sampler struct {
	temperature  float32
	topK         int
	topP, minP   float32
	repetition   float32
	presence     float32
	frequency    float32
	window       int
	bias         []biasedToken // by id
	random       rand.PCG
	countsTokens bool // any penalty at all
}

type biasedToken struct {
	id   int32
	bias float32
}

// defaultPenaltyWindow is llama.cpp's.
const defaultPenaltyWindow = 64

func newSampler(s *Sampling, choice int) *sampler {
	p := &sampler{
		temperature: s.Temperature,
		topK:        s.TopK,
		topP:        s.TopP,
		minP:        s.MinP,
		repetition:  s.RepetitionPenalty,
		presence:    s.PresencePenalty,
		frequency:   s.FrequencyPenalty,
		window:      s.PenaltyWindow,
	}
	if p.repetition == 0 {
		p.repetition = 1
	}
	if p.topP == 0 {
		p.topP = 1
	}
	if p.window == 0 {
		p.window = defaultPenaltyWindow
	}
	p.countsTokens = p.repetition != 1 || p.presence != 0 || p.frequency != 0
	for id, b := range s.LogitBias {
		p.bias = append(p.bias, biasedToken{id, b})
	}
	slices.SortFunc(p.bias, func(a, b biasedToken) int { return cmp.Compare(a.id, b.id) })
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

// sample draws the token that follows history. It changes logits while it
// works and leaves them as they were. suppressed tokens are not drawn.
func (p *sampler) sample(logits []float32, history, suppressed []int32, w *workspace) (int32, error) {
	p.patch(logits, history, suppressed, w)
	id, err := p.draw(logits, w)
	for i := len(w.patches) - 1; i >= 0; i-- {
		logits[w.patches[i].id] = w.patches[i].logit
	}
	w.patches = w.patches[:0]
	return id, err
}

// patch applies steps 1 and 2, and keeps in w what it overwrites.
func (p *sampler) patch(logits []float32, history, suppressed []int32, w *workspace) {
	set := func(id int32, x float32) {
		w.patches = append(w.patches, candidate{id, logits[id]})
		logits[id] = x
	}
	for _, b := range p.bias {
		set(b.id, logits[b.id]+b.bias)
	}
	for _, id := range suppressed {
		set(id, float32(math.Inf(-1)))
	}
	if !p.countsTokens {
		return
	}
	if p.window >= 0 && len(history) > p.window {
		history = history[len(history)-p.window:]
	}
	w.ids = append(w.ids[:0], history...)
	slices.Sort(w.ids)
	for i := 0; i < len(w.ids); {
		id, n := w.ids[i], 1
		for i+n < len(w.ids) && w.ids[i+n] == id {
			n++
		}
		i += n
		x := logits[id]
		if x > 0 {
			x /= p.repetition
		} else {
			x *= p.repetition
		}
		x -= float32(n)*p.frequency + p.presence
		set(id, x)
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
