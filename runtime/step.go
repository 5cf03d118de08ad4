package runtime

import (
	"fmt"
	"time"

	"cllm/model"
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
	s.releaseStep()
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

// releaseStep lets go of the sequences of a step, which may have ended.
func (s *scheduler) releaseStep() {
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
	s.releaseStep()
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
