package fidelity

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat"
)

// Divergence says how far the predictions Q of a model are from those of a base P. The names and the
// order are those of llama-perplexity's report.
type Divergence struct {
	Positions   int          `json:"positions"`
	Perplexity  Estimate     `json:"ppl"`
	Base        Estimate     `json:"ppl_base"`
	Correlation float64      `json:"correlation"`  // of the log-probabilities
	LogRatio    Estimate     `json:"ln_ppl_ratio"` // of Perplexity to Base
	KL          Distribution `json:"kl_divergence"`
	DeltaP      Distribution `json:"delta_p"` // of the probability of the token that follows, Q's less P's
	RMSDeltaP   Estimate     `json:"rms_delta_p"`
	SameFirst   Estimate     `json:"same_first"` // share of positions with the same likeliest token
}

// Distribution is a mean and quantiles.
type Distribution struct {
	Mean      Estimate           `json:"mean"`
	Quantiles map[string]float64 `json:"quantiles"` // by the names in [QuantileNames]
}

var quantiles = []struct {
	name string
	p    float64
}{
	{"maximum", 1}, {"99.9%", 0.999}, {"99%", 0.99}, {"95%", 0.95}, {"90%", 0.9}, {"75%", 0.75}, {"median", 0.5}, {"25%", 0.25},
	{"10%", 0.1}, {"5%", 0.05}, {"1%", 0.01}, {"0.1%", 0.001}, {"minimum", 0},
}

// QuantileNames are the quantiles of a distribution, from the maximum to the minimum.
func QuantileNames() (names []string) {
	for _, q := range quantiles {
		names = append(names, q.name)
	}
	return names
}

func distribution(sample []float64) Distribution {
	d := Distribution{mean(sample), map[string]float64{}}
	sorted := slices.Sorted(slices.Values(sample))
	for _, q := range quantiles {
		d.Quantiles[q.name] = quantile(sorted, q.p)
	}
	return d
}

// quantile interpolates between the values of a sorted sample, of which the first is at 0 and the last
// at 1, as llama.cpp does; gonum's interpolation has the first at 1/n.
func quantile(sorted []float64, p float64) float64 {
	n := float64(len(sorted))
	return stat.Quantile(min((p*(n-1)+1)/n, 1), stat.LinInterp, sorted, nil)
}

// sample is what each position gave.
type sample struct {
	nll, base, kl, delta []float64
	same                 []float64 // 1 or 0
}

func (s *sample) grow(n int) {
	for _, list := range []*[]float64{&s.nll, &s.base, &s.kl, &s.delta, &s.same} {
		*list = append(*list, make([]float64, n)...)
	}
}

// set compares the predictions at one position.
func (s *sample) set(i int, logits []float32, base logProbs, next int32) {
	q := newSoftmax(logits)
	shift := float64(q.max) + q.lse
	first, most, kl := 0, base.of(0), 0.0
	for k, logit := range logits {
		log := base.of(k)
		if log > most {
			first, most = k, log
		}
		if log > -baseRange { // what is less likely is not told apart by the file
			p := float64(log)
			kl += math.Exp(p) * (p - float64(logit) + shift)
		}
	}
	s.nll[i], s.base[i], s.kl[i] = q.nll(logits[next]), -float64(base.of(int(next))), kl
	s.delta[i] = math.Exp(-s.nll[i]) - math.Exp(-s.base[i])
	if q.first == first {
		s.same[i] = 1
	}
}

// Diverge compares the model's predictions with those of a base, over the base's text. bos is in the
// place of each window's first token, -1 is none. After each window progress has the number of windows
// and the mean KL divergence so far.
func (e *Evaluator) Diverge(ctx context.Context, b *Base, bos int32, progress func(windows, of int, kl Estimate)) (*Divergence, error) {
	if b.Vocab != e.vocab {
		return nil, fmt.Errorf("the base has a vocabulary of %d, the model one of %d", b.Vocab, e.vocab)
	}
	if b.Window != e.window {
		return nil, fmt.Errorf("the base has windows of %d tokens, the evaluator of %d", b.Window, e.window)
	}
	var s sample
	for i := range b.Windows {
		err := e.each(window(b.Tokens, b.Window, i, bos), func(rows [][]float32, next []int32) error {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := b.next(len(rows)); err != nil {
				return err
			}
			at := len(s.nll)
			s.grow(len(rows))
			e.spread(len(rows), func(k int) { s.set(at+k, rows[k], b.at(k), next[k]) })
			return nil
		})
		if err != nil {
			return nil, err
		}
		if progress != nil {
			progress(i+1, b.Windows, mean(s.kl))
		}
	}
	if math.IsNaN(stat.Mean(s.kl, nil)) {
		return nil, errors.New("the predictions of the model or of its base are no numbers")
	}
	return s.divergence(), nil
}

func (s *sample) divergence() *Divergence {
	n := float64(len(s.nll))
	nll, base := mean(s.nll), mean(s.base)
	d := &Divergence{Positions: len(s.nll), Perplexity: nll.exp(), Base: base.exp(), KL: distribution(s.kl), DeltaP: distribution(s.delta),
		SameFirst: mean(s.same)}
	if r := stat.Correlation(s.nll, s.base, nil); !math.IsNaN(r) {
		d.Correlation = r
	}
	covariance := stat.Covariance(s.nll, s.base, nil) / n
	d.LogRatio = Estimate{nll.Value - base.Value, math.Sqrt(max(nll.Error*nll.Error+base.Error*base.Error-2*covariance, 0))}
	squares := make([]float64, len(s.delta))
	for i, v := range s.delta {
		squares[i] = v * v
	}
	square := mean(squares)
	if rms := math.Sqrt(square.Value); rms > 0 {
		d.RMSDeltaP = Estimate{rms, square.Error / (2 * rms)}
	}
	return d
}
