package runtime

import (
	"errors"
	"fmt"
	"slices"

	"cllm/tensor"
)

// sampling is a piece of what the workers do with the rows of a step: a row or
// more for the output of a request, or the draws of a choice.
type sampling struct {
	pick     *pick
	from, to int // rows
	choice   int // of those that share the pick; -1: the rows are the output's
	err      error
}

// sampleAll gives the step's rows to the outputs, and draws tokens, with all
// workers.
func (e *Engine) sampleAll(out [][]float32) {
	e.outputs = out
	e.samplings = e.samplings[:0]
	for i := range e.sched.picks {
		e.planSampling(&e.sched.picks[i])
	}
	e.nextSampling.Store(0)
	err := e.workers.pool.Run(e.sample)
	for i := range e.samplings {
		p := e.samplings[i].pick
		if e.samplings[i].err != nil {
			p.err = e.samplings[i].err
		}
		if p.err == nil {
			p.err = err
		}
	}
}

// planSampling divides what is to be done with the rows of one pick.
func (e *Engine) planSampling(p *pick) {
	q, end := p.seq, p.seq.computed+p.tokens
	o := q.req.output
	draws := 0 // rows, the last
	if end >= q.tokens.len() {
		p.choices = e.sched.forkChoices(q, p.choices)
		if !q.req.silent() {
			draws = 1 + len(q.draft)
		}
	}
	if o.everyRow() || o.hidden() {
		step := p.rows
		if !o.inOrder() {
			step = 1
		}
		for row := 0; row < p.rows; row += step {
			e.samplings = append(e.samplings, sampling{pick: p, from: row, to: row + step, choice: -1})
		}
	}
	if draws == 0 {
		return
	}
	n := max(len(p.choices), draws)
	p.drawn = grown(p.drawn, n)
	if r := q.req; r.LogProbs {
		p.probs = grown(p.probs, n*(1+r.TopLogProbs))
	}
	for c := range p.choices {
		e.samplings = append(e.samplings, sampling{pick: p, from: p.rows - draws, to: p.rows, choice: c})
	}
}

// grown is s with n elements.
func grown[T any](s []T, n int) []T {
	if n > cap(s) {
		s = make([]T, n)
	}
	return s[:n]
}

// sampleSome is what one worker does of the step's sampling.
func (e *Engine) sampleSome(w *tensor.Worker) {
	for {
		i := int(e.nextSampling.Add(1)) - 1
		if i >= len(e.samplings) {
			return
		}
		s := &e.samplings[i]
		s.run(e.outputs[s.pick.out+s.from:s.pick.out+s.to], e.spaces[w.ID])
	}
}

func (s *sampling) run(rows [][]float32, w *workspace) {
	defer func() {
		if cause := recover(); cause != nil {
			w.clearCounts()
			s.err = fmt.Errorf("sampling failed: %v", cause)
		}
	}()
	p := s.pick
	r := p.seq.req
	if s.choice < 0 {
		for i, row := range rows {
			r.output.add(p.seq.computed+p.tokens-p.rows+s.from+i, row, w)
		}
		return
	}
	s.err = p.draw(s.choice, rows, w)
}

var errNothingAllowed = errors.New("the constraint allows no token")

// draw draws the next token of a choice. A draft's tokens are drawn like any
// other, from the logits that follow the tokens before; the first that differs
// from the draft is the last.
func (p *pick) draw(choice int, rows [][]float32, w *workspace) error {
	q := p.choices[choice]
	r := q.req
	drawn := 0
	for i, logits := range rows {
		g := guidance{biases: r.biasesOf(q.generated() + i), history: q.before(i)}
		if q.constraint != nil {
			q.constraint.Mask(w.allowed)
			g.allowed = w.allowed
		}
		id, err := q.sampler.sample(logits, g, len(p.choices) > 1, w)
		if err != nil {
			if g.allowed != nil && !slices.ContainsFunc(g.allowed, func(word uint64) bool { return word != 0 }) {
				err = errNothingAllowed
			}
			return err
		}
		if q.constraint != nil {
			q.constraint.Accept(id)
		}
		at := choice + i
		p.drawn[at] = id
		if r.LogProbs {
			width := 1 + r.TopLogProbs
			w.logProb(p.probs[at*width:at*width:(at+1)*width], logits, id, r.TopLogProbs)
		}
		drawn++
		if i < len(q.draft) && q.draft[i] != id {
			break
		}
	}
	if len(p.choices) == 1 {
		p.drawn = p.drawn[:drawn]
	}
	return nil
}
