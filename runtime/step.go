package runtime

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"cllm/model"
	"cllm/tensor"
)

// step computes one batch. It returns false when there is nothing to compute.
func (e *Engine) step() bool {
	s := e.sched
	start := time.Now()
	s.next()
	if len(s.picks) == 0 {
		return false
	}
	for i := range s.picks {
		if r := s.picks[i].seq.req; r.admitted.IsZero() {
			r.admitted = start
		}
	}
	out, err := e.forward(&s.batch)
	if err != nil {
		e.stepAlone(err)
		return true
	}
	e.sampleAll(out)
	s.cost.observe(s.weight(), time.Since(start))
	for i := range s.picks {
		e.apply(&s.picks[i])
	}
	s.forget()
	e.count(func(s *Stats) { s.Steps++ })
	return true
}

// weight is the tokens of the step; a row of a prompt, which must be computed
// to the end and scored, counts like another.
func (s *scheduler) weight() (n int) {
	for i := range s.picks {
		p := &s.picks[i]
		n += p.tokens
		if p.seq.req.output.everyRow() {
			n += p.rows
		}
	}
	return n
}

// forget lets go of the sequences of a step, which may have ended.
func (s *scheduler) forget() {
	for i := range s.picks {
		p := &s.picks[i]
		p.seq = nil
		clear(p.choices)
	}
	clear(s.prompts)
}

// stepAlone computes a step that failed again, one sequence at a time, so that
// only those fail that are to blame. Positions are written with the same
// values, so nothing is lost.
func (e *Engine) stepAlone(err error) {
	e.log.Error("a step failed, its sequences are computed one by one", "error", err)
	s := e.sched
	spans, picks := s.batch.Spans, s.picks
	for i := range picks {
		p := &picks[i]
		p.out = 0
		one := model.Batch{Spans: spans[i : i+1]}
		out, err := e.forward(&one)
		if err == nil {
			s.picks = picks[i : i+1]
			e.sampleAll(out)
		} else {
			p.err = err
		}
		e.apply(p)
	}
	s.picks = picks
	s.forget()
}

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
			w.forget()
			s.err = fmt.Errorf("sampling failed: %v", cause)
		}
	}()
	p := s.pick
	r := p.seq.req
	if s.choice < 0 {
		for i, row := range rows {
			if !r.output.hidden() {
				row = row[:r.vocab.Size()] // there may be logits of no token
			}
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
		logits = logits[:r.vocab.Size()]
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

// apply brings a sequence to where the step has led it.
func (e *Engine) apply(p *pick) {
	q := p.seq
	r := q.req
	if !q.running {
		return // its request failed with another choice
	}
	defer func() {
		if cause := recover(); cause != nil {
			e.fail(r, fmt.Errorf("a drawn token could not be taken: %v", cause))
		}
	}()
	if p.err != nil {
		e.fail(r, p.err)
		return
	}
	n := p.tokens - len(q.draft)
	if q.generated() == 0 {
		e.count(func(s *Stats) { s.PromptTokens += uint64(n) })
	}
	if q.computed+n < q.tokens.len() {
		e.sched.advance(q, n)
		return
	}
	if q.generated() > 0 {
		e.sched.advance(q, n)
		e.applyDrawn(p)
		return
	}
	for i, f := range p.choices {
		e.sched.advance(f, n)
		if r.Echo {
			r.stream.writePrompt(f.choice, r.echo())
		}
		if r.silent() {
			e.finish(f, "", FinishLength)
			continue
		}
		f.started = time.Now()
		e.accept(f, p.drawn[i], p.prob(i))
	}
}

// applyDrawn gives a sequence the token that was drawn, and those drawn on top
// of a draft: the draft's tokens before the last of them are computed.
func (e *Engine) applyDrawn(p *pick) {
	q := p.seq
	if n := len(q.draft); n > 0 {
		accepted := len(p.drawn) - 1
		q.guess.learn(n, accepted)
		e.count(func(s *Stats) {
			s.DraftedTokens += uint64(n)
			s.AcceptedTokens += uint64(accepted)
		})
	}
	for i, id := range p.drawn {
		if i > 0 {
			e.sched.advance(q, 1)
		}
		if e.accept(q, id, p.prob(i)) {
			return
		}
	}
}

// accept gives a sequence its next token. It returns true when that ends it.
func (e *Engine) accept(q *sequence, id int32, probs LogProbs) bool {
	text, kept, reason := q.accept(id)
	var tokens []int32
	if kept {
		tokens = q.tokens.drawn[q.generated()-1:]
		e.count(func(s *Stats) { s.GeneratedTokens++ })
	} else {
		probs = LogProbs{}
	}
	if over := q.req.stream.write(q.choice, text, tokens, probs, e.share); over && reason == "" {
		e.stall(q)
	}
	if reason != "" {
		e.finish(q, "", reason)
		return true
	}
	return false
}
