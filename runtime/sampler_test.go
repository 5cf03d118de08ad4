package runtime

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"cllm/kernels"
)

// referenceKept is what the sampler may draw from, and with what weights, by
// sorting everything.
func referenceKept(s Sampling, logits []float32, history, suppressed []int32) map[int32]float64 {
	x := slices.Clone(logits)
	for id, b := range s.LogitBias {
		x[id] += b
	}
	for _, id := range suppressed {
		x[id] = float32(math.Inf(-1))
	}
	window := s.PenaltyWindow
	if window == 0 {
		window = 64
	}
	if window > 0 && len(history) > window {
		history = history[len(history)-window:]
	}
	count := map[int32]int{}
	for _, id := range history {
		count[id]++
	}
	for id, n := range count {
		if s.RepetitionPenalty != 0 {
			if x[id] > 0 {
				x[id] /= s.RepetitionPenalty
			} else {
				x[id] *= s.RepetitionPenalty
			}
		}
		x[id] -= float32(n)*s.FrequencyPenalty + s.PresencePenalty
	}
	all := make([]candidate, len(x))
	for i, l := range x {
		all[i] = candidate{int32(i), l}
	}
	slices.SortFunc(all, likelier)
	if s.Temperature == 0 {
		return map[int32]float64{all[0].id: 1}
	}
	if s.TopK > 0 {
		all = all[:min(s.TopK, len(all))]
	}
	if s.TopP > 0 && s.TopP < 1 {
		sum, acc := 0.0, 0.0
		for _, c := range all {
			sum += weight(c.logit, all[0].logit)
		}
		for i, c := range all {
			if acc += weight(c.logit, all[0].logit); acc >= float64(s.TopP)*sum {
				all = all[:i+1]
				break
			}
		}
	}
	kept, sum := map[int32]float64{}, 0.0
	for _, c := range all {
		if weight(c.logit, all[0].logit) >= float64(s.MinP)*(1-1e-7) {
			w := math.Exp(float64(c.logit-all[0].logit) / float64(s.Temperature))
			kept[c.id] = w
			sum += w
		}
	}
	for id := range kept {
		kept[id] /= sum
	}
	return kept
}

func drawSampling(t *rapid.T, vocab int) Sampling {
	s := Sampling{
		Temperature:       rapid.SampledFrom([]float32{0, 0.3, 0.7, 1, 2}).Draw(t, "temperature"),
		TopK:              rapid.SampledFrom([]int{0, 1, 2, 7, 40, 5000}).Draw(t, "top k"),
		TopP:              rapid.SampledFrom([]float32{0, 0.1, 0.5, 0.9, 0.99, 1}).Draw(t, "top p"),
		MinP:              rapid.SampledFrom([]float32{0, 0.05, 0.5, 1}).Draw(t, "min p"),
		RepetitionPenalty: rapid.SampledFrom([]float32{0, 1, 1.1, 2}).Draw(t, "repetition"),
		PresencePenalty:   rapid.SampledFrom([]float32{0, 0.5, -1}).Draw(t, "presence"),
		FrequencyPenalty:  rapid.SampledFrom([]float32{0, 0.25}).Draw(t, "frequency"),
		PenaltyWindow:     rapid.SampledFrom([]int{0, 3, -1}).Draw(t, "window"),
		Seed:              FixedSeed(rapid.Uint64().Draw(t, "seed")),
	}
	if rapid.Bool().Draw(t, "bias") {
		s.LogitBias = map[int32]float32{}
		for range rapid.SampledFrom([]int{1, 1 + vocab/5}).Draw(t, "biases") { // a few, or a vector
			s.LogitBias[int32(rapid.IntRange(0, vocab-1).Draw(t, "biased"))] = 3
		}
	}
	return s
}

// What is drawn must be what a sampler that sorts everything could draw, and
// as often.
func TestSamplerAgainstSorting(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		vocab := rapid.SampledFrom([]int{1, 3, 127, 128, 129, 1000, 6000}).Draw(t, "vocab")
		random := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "logits"), 0))
		spread := rapid.SampledFrom([]float64{0.1, 3, 20}).Draw(t, "spread")
		logits := make([]float32, vocab)
		for i := range logits {
			logits[i] = float32(random.NormFloat64() * spread)
			if spread == 20 { // with many equals
				logits[i] = float32(math.Round(float64(logits[i])))
			}
		}
		past := make([]int32, rapid.SampledFrom([]int{0, 1, 70, 5000}).Draw(t, "history"))
		for i := range past {
			past[i] = random.Int32N(int32(vocab))
		}
		var suppressed []int32
		if vocab > 1 && rapid.Bool().Draw(t, "suppress") {
			suppressed = []int32{int32(random.IntN(vocab))}
		}
		s := drawSampling(t, vocab)
		before := slices.Clone(logits)
		w := newWorkspace(vocab, kernels.All()[0])
		p := newSampler(&s, 0)
		half := len(past) / 2
		g := guidance{history: history{past[:half], past[half:]}, biases: newBiases(vocab, s.LogitBias, suppressed...)}
		shared := rapid.Bool().Draw(t, "shared")
		kept := referenceKept(s, logits, past, suppressed)
		const draws = 200
		count := map[int32]int{}
		for range draws {
			id, err := p.sample(logits, g, shared, w)
			require.NoError(t, err)
			require.Contains(t, kept, id)
			count[id]++
		}
		require.Equal(t, before, logits, "the logits must be as they were")
		for id, share := range kept {
			// Bernstein's inequality: a right sampler is beyond it once in e^28.
			slack := 28./3 + math.Sqrt(28*28./9+56*draws*share*(1-share))
			require.InDelta(t, draws*share, count[id], slack, "token %d of %d", id, len(kept))
		}
	})
}

func TestSamplerIsSeeded(t *testing.T) {
	logits := make([]float32, 1000)
	w := newWorkspace(len(logits), kernels.All()[0])
	text := func(s Sampling, choice int) (ids []int32) {
		p := newSampler(&s, choice)
		for range 20 {
			id, err := p.sample(logits, guidance{}, false, w)
			require.NoError(t, err)
			ids = append(ids, id)
		}
		return ids
	}
	s := Sampling{Temperature: 1, Seed: FixedSeed(5)}
	require.Equal(t, text(s, 0), text(s, 0))
	require.NotEqual(t, text(s, 0), text(s, 1), "choices differ")
	require.NotEqual(t, text(Sampling{Temperature: 1}, 0), text(Sampling{Temperature: 1}, 0))
}

func TestSamplerOnBadLogits(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	for _, s := range []Sampling{
		{}, {Temperature: 1}, {Temperature: 1, TopK: 2}, {Temperature: 1, TopP: 0.5}, {Temperature: 1, MinP: 0.1},
		{Temperature: 1e-30, TopK: 3}, {Temperature: 100, TopP: 0.99},
	} {
		w := newWorkspace(4, kernels.All()[0])
		p := newSampler(&s, 0)
		for _, logits := range [][]float32{{nan, nan, nan, nan}, {-inf, -inf, nan, -inf}} {
			_, err := p.sample(logits, guidance{}, false, w)
			require.ErrorIs(t, err, errNoToken)
		}
		for range 20 {
			id, err := p.sample([]float32{nan, -inf, 1, nan}, guidance{}, false, w)
			require.NoError(t, err)
			require.EqualValues(t, 2, id)
		}
		id, err := p.sample([]float32{nan, inf, 1, 2}, guidance{}, false, w)
		require.NoError(t, err)
		require.EqualValues(t, 1, id)
		_, err = p.sample([]float32{1, -inf, nan, nan}, guidance{biases: newBiases(4, nil, 0)}, false, w)
		require.ErrorIs(t, err, errNoToken)
	}
}

func TestLogProb(t *testing.T) {
	logits := []float32{1, 3, 2, float32(math.Inf(-1))}
	w := newWorkspace(4, kernels.All()[0])
	p := LogProbs{w.logProb(nil, logits, 2, 2), 3}.At(0)
	norm := math.Log(math.Exp(1) + math.Exp(3) + math.Exp(2))
	require.InDelta(t, 2-norm, p.LogProb, 1e-6)
	require.Len(t, p.Top, 2)
	require.Equal(t, []int32{1, 2}, []int32{p.Top[0].Token, p.Top[1].Token})
	require.InDelta(t, 3-norm, p.Top[0].LogProb, 1e-6)
}

func TestSamplingDoesNotAllocate(t *testing.T) {
	logits, past := benchLogits()
	w := newWorkspace(len(logits), kernels.All()[0])
	g := guidance{history: history{prompt: past}, biases: newBiases(len(logits), nil, 1)}
	for _, s := range []Sampling{usual, {Temperature: 1, TopP: 0.9}, {}} {
		p := newSampler(&s, 0)
		p.sample(logits, g, false, w)
		require.Zero(t, testing.AllocsPerRun(5, func() { p.sample(logits, g, false, w) }))
	}
}

var usual = Sampling{Temperature: 0.7, TopP: 0.9, TopK: 40, RepetitionPenalty: 1.1, Seed: FixedSeed(1)}

func benchLogits() (logits []float32, history []int32) {
	random := rand.New(rand.NewPCG(1, 2))
	logits = make([]float32, 151936)
	for i := range logits {
		logits[i] = float32(random.NormFloat64() * 3)
	}
	for range 200 {
		history = append(history, random.Int32N(151936))
	}
	return
}

// The cost of one token of one sequence over a vocabulary of 151,936: as usual,
// and with the most that a request can ask for.
func BenchmarkSample(b *testing.B) {
	best, err := kernels.Select("")
	require.NoError(b, err)
	logits, past := benchLogits()
	random := rand.New(rand.NewPCG(3, 4))
	long := make([]int32, 32768)
	for i := range long {
		long[i] = random.Int32N(int32(len(logits)))
	}
	biased := make(map[int32]float32, len(logits))
	for id := range logits {
		biased[int32(id)] = float32(id%5) / 10
	}
	window := Sampling{RepetitionPenalty: 1.1, PenaltyWindow: -1}
	for _, c := range []struct {
		name     string
		sampling Sampling
		g        guidance
	}{
		{"usual", usual, guidance{history: history{prompt: past}}},
		{"greedy", Sampling{}, guidance{history: history{prompt: past}}},
		{"top-p", Sampling{Temperature: 0.7, TopP: 0.9}, guidance{history: history{prompt: past}}},
		{"min-p", Sampling{Temperature: 0.7, MinP: 0.05}, guidance{history: history{prompt: past}}},
		{"all", Sampling{Temperature: 1}, guidance{history: history{prompt: past}}},
		{"greedy, penalties over 32768 tokens", window, guidance{history: history{prompt: long}}},
		{"greedy, a bias for every token", Sampling{}, guidance{biases: newBiases(len(logits), biased)}},
		{"greedy, 4700 biases", Sampling{}, guidance{biases: newBiases(len(logits), biased, long[:0]...).first(4700)}},
	} {
		b.Run(c.name, func(b *testing.B) {
			w := newWorkspace(len(logits), best)
			p := newSampler(&c.sampling, 0)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := p.sample(logits, c.g, false, w); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// first is n biases one by one.
func (b biases) first(n int) biases {
	var few biases
	for id, x := range b.all[:n] {
		few.few = append(few.few, biasedToken{int32(id), x})
	}
	return few
}
