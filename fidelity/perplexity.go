package fidelity

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"

	"gonum.org/v1/gonum/stat"
)

// Estimate is a value with the standard error that its sample leaves.
type Estimate struct {
	Value float64 `json:"value"`
	Error float64 `json:"error"`
}

// mean is the mean of a sample; of less than two values, no error is known and 0.
func mean(sample []float64) Estimate {
	if len(sample) < 2 {
		return Estimate{Value: stat.Mean(sample, nil)}
	}
	m, dev := stat.MeanStdDev(sample, nil)
	return Estimate{m, stat.StdErr(dev, float64(len(sample)))}
}

// exp is the exponential function of an estimate, with its error carried through.
func (e Estimate) exp() Estimate {
	v := math.Exp(e.Value)
	return Estimate{v, v * e.Error}
}

// Text is the tokens to predict.
type Text struct {
	Tokens  []int32
	BOS     int32 // in the place of each window's first token; -1: none
	Windows int   // as many windows from the start; 0: all whole ones
}

// cut returns the number of windows. As with llama.cpp, a text has to fill two.
func (t *Text) cut(window int) (int, error) {
	n := len(t.Tokens) / window
	if n < 2 {
		return 0, fmt.Errorf("the text has %d tokens: perplexity over windows of %d needs at least %d", len(t.Tokens), window, 2*window)
	}
	if t.Windows > 0 {
		n = min(n, t.Windows)
	}
	return n, nil
}

// window returns the tokens of a window as the model sees them.
func window(tokens []int32, n, i int, bos int32) []int32 {
	w := append([]int32(nil), tokens[i*n:(i+1)*n]...)
	if bos >= 0 {
		w[0] = bos
	}
	return w
}

// Perplexity is the exponential of the mean negative log-probability of a text's tokens. If base is
// not nil, the predictions are written to it as the base of [Diverge]. After each window progress has
// the number of windows and the estimate so far.
func (e *Evaluator) Perplexity(ctx context.Context, t Text, base io.Writer, progress func(windows, of int, ppl Estimate)) (Estimate, error) {
	n, err := t.cut(e.window)
	if err != nil {
		return Estimate{}, err
	}
	var out *baseWriter
	if base != nil {
		if out, err = newBaseWriter(base, e.window, e.vocab, t.Tokens[:n*e.window]); err != nil {
			return Estimate{}, err
		}
	}
	var nll []float64
	for i := range n {
		err := e.each(window(t.Tokens, e.window, i, t.BOS), func(rows [][]float32, next []int32) error {
			if err := ctx.Err(); err != nil {
				return err
			}
			at := len(nll)
			nll = append(nll, make([]float64, len(rows))...)
			out.reserve(len(rows))
			e.spread(len(rows), func(k int) {
				s := newSoftmax(rows[k])
				nll[at+k] = s.nll(rows[k][next[k]])
				out.set(k, rows[k], &s)
			})
			return out.flush()
		})
		if err != nil {
			return Estimate{}, err
		}
		if progress != nil {
			progress(i+1, n, mean(nll).exp())
		}
	}
	ppl := mean(nll).exp()
	if math.IsNaN(ppl.Value) {
		return ppl, errors.New("the model's predictions are no numbers")
	}
	return ppl, nil
}
