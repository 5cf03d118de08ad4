package runtime

import (
	"fmt"
	"time"

	"cllm/model"
	"cllm/tensor"
)

// step computes one batch.
func (e *Engine) step() {
	s := e.sched
	start := time.Now()
	s.next()
	if len(s.picks) == 0 {
		return
	}
	for i := range s.picks {
		if r := s.picks[i].seq.req; r.admitted.IsZero() {
			r.admitted = start
		}
	}
	out, err := e.forward(&s.batch)
	if err != nil {
		e.stepAlone(err)
		return
	}
	e.draw(out)
	rows := 0
	for i := range s.picks {
		rows += s.picks[i].tokens
	}
	s.cost.observe(rows, time.Since(start))
	for i := range s.picks {
		e.take(&s.picks[i])
	}
	e.mu.Lock()
	e.stats.Steps++
	e.mu.Unlock()
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
			e.draw(out)
		} else {
			p.err = err
		}
		e.take(p)
	}
	s.picks = picks
}

// draw samples what the step's outputs give, all sequences in parallel.
func (e *Engine) draw(out [][]float32) {
	e.outputs = out
	for i := range e.sched.picks {
		if p := &e.sched.picks[i]; p.seq.computed+p.tokens >= len(p.seq.tokens) {
			p.choices = e.sched.split(p.seq, p.choices)
		}
	}
	if err := e.pool.Run(e.sample); err != nil {
		for i := range e.sched.picks {
			if p := &e.sched.picks[i]; p.err == nil {
				p.err = err
			}
		}
	}
}

func (e *Engine) drawAll(w *tensor.Worker) {
	for i := w.ID; i < len(e.sched.picks); i += w.N {
		p := &e.sched.picks[i]
		p.draw(e.outputs[p.out:p.out+p.rows], e.spaces[w.ID])
	}
}

// draw samples the tokens of one sequence, or of all choices that share it. A
// draft's tokens are drawn like any other, from the logits that follow the
// tokens before; the first that differs from the draft is the last.
func (p *pick) draw(rows [][]float32, w *workspace) {
	defer func() {
		if cause := recover(); cause != nil {
			p.err = fmt.Errorf("sampling failed: %v", cause)
		}
	}()
	q := p.seq
	r := q.req
	end := q.computed + p.tokens
	first := end - len(rows) // position of the first row
	if r.embed != nil {
		r.embed.add(rows)
		return
	}
	vocab := r.vocab.Size() // there may be logits of no token
	if r.allRows() {
		if first == 0 && len(q.probs) == 0 {
			q.probs = appendUnknown(q.probs, r.Prompt[0], r.TopLogProbs)
		}
		for ; len(rows) > 0 && first+1 < len(r.Prompt); first++ {
			q.probs = w.logProb(q.probs, rows[0][:vocab], r.Prompt[first+1], r.TopLogProbs)
			rows = rows[1:]
		}
	}
	if end < len(q.tokens) || r.silent() {
		return
	}
	for _, f := range p.choices {
		history := append(f.tokens, f.draft...)
		for i, logits := range rows {
			logits = logits[:vocab]
			n := len(f.tokens) + i
			id, err := f.sampler.sample(logits, history[:n], f.suppressed(n-len(r.Prompt)), w)
			if err != nil {
				p.err = err
				return
			}
			p.drawn = append(p.drawn, id)
			if r.LogProbs {
				p.probs = w.logProb(p.probs, logits, id, r.TopLogProbs)
			}
			if i < len(f.draft) && f.draft[i] != id {
				break
			}
		}
	}
}

// take brings a sequence to where the step has led it.
func (e *Engine) take(p *pick) {
	q := p.seq
	r := q.req
	if !q.running {
		return // its request failed with another choice
	}
	defer func() {
		if cause := recover(); cause != nil {
			e.fail(r, fmt.Errorf("taking a token failed: %v", cause))
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
	if q.computed+n < len(q.tokens) {
		e.sched.advance(q, n)
		return
	}
	if q.generated() > 0 {
		e.sched.advance(q, n)
		e.takeDrawn(p)
		return
	}
	for i, f := range p.choices {
		e.sched.advance(f, n)
		e.echo(f, q.probs)
		if r.silent() {
			e.finish(f, Event{Choice: f.choice}, FinishLength)
			continue
		}
		f.started = time.Now()
		e.accept(f, p.drawn[i], p.prob(i))
	}
}

// takeDrawn gives a sequence the token that was drawn, and those drawn on top
// of a draft: the draft's tokens before the last of them are computed.
func (e *Engine) takeDrawn(p *pick) {
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

// echo sends the prompt, where a request wants it.
func (e *Engine) echo(q *sequence, probs []TokenLogProb) {
	r := q.req
	if !r.Echo || r.embed != nil {
		return
	}
	d := e.vocab.Decoder(r.Special)
	ev := Event{Choice: q.choice, Tokens: r.Prompt, Echo: true}
	for _, id := range r.Prompt {
		ev.Text += d.Push(id)
	}
	ev.Text += d.Flush()
	if r.LogProbs {
		ev.LogProbs = LogProbs{probs, 1 + r.TopLogProbs}
	}
	r.stream.send(ev)
}

// accept gives a sequence its next token. It returns true when that ends it.
func (e *Engine) accept(q *sequence, id int32, probs LogProbs) bool {
	ev, reason := q.accept(id, LogProbs{}.append(probs))
	e.count(func(s *Stats) { s.GeneratedTokens += uint64(len(ev.Tokens)) })
	if reason != "" {
		e.finish(q, ev, reason)
		return true
	}
	q.req.stream.send(ev)
	return false
}

// finish ends a sequence with its last event. Choices that have not begun end
// with it.
func (e *Engine) finish(q *sequence, ev Event, reason string) {
	r := q.req
	e.sched.remove(q)
	now := time.Now()
	if reason == FinishCancelled || reason == FinishTimeout {
		ev.Text = q.flush()
	}
	ev.Done, ev.FinishReason = true, reason
	ev.Usage = Usage{PromptTokens: len(r.Prompt), CachedTokens: r.cached, CompletionTokens: q.generated()}
	ev.Timings = q.timings(now)
	ended := 1
	if q.choice == 0 {
		for ; r.forks > 0; r.forks-- {
			r.stream.send(Event{Choice: r.forks, Done: true, FinishReason: reason,
				Usage: Usage{PromptTokens: len(r.Prompt), CachedTokens: r.cached}})
			ended++
		}
	}
	r.open -= ended
	e.count(func(s *Stats) { s.Finished[reason] += uint64(ended) })
	e.leave(ended)
	r.stream.send(ev)
	if r.open == 0 {
		r.cancel()
	}
}

// fail ends a request, all its choices, with an error.
func (e *Engine) fail(r *request, err error) {
	e.log.Error("a request failed", "error", err)
	for _, list := range [...]*[]*sequence{&e.sched.waiting, &e.sched.running} {
		for i := 0; i < len(*list); {
			if q := (*list)[i]; q.req == r {
				e.sched.remove(q)
			} else {
				i++
			}
		}
	}
	e.count(func(s *Stats) { s.Failed += uint64(r.open) })
	e.leave(r.open)
	r.open = 0
	r.stream.fail(err)
	r.cancel()
}

// leave makes room in the queue.
func (e *Engine) leave(n int) {
	e.mu.Lock()
	e.taken -= n
	e.mu.Unlock()
}
