package runtime

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"sync"
	"time"

	"cllm/model"
	"cllm/tensor"
)

// Engine runs the requests of many callers on one model. One goroutine makes
// the steps: it takes what was submitted, drops what was cancelled, lets the
// scheduler lay out a batch, runs the model on it, draws tokens and sends
// their text. All methods may be called from any goroutine.
type Engine struct {
	model  forwarder
	vocab  vocabulary
	pool   *tensor.Pool
	log    *slog.Logger
	sched  *scheduler
	spaces []*workspace // of each worker
	plan   *MemoryPlan
	limit  int    // tokens that a sequence can have
	why    string // what sets the limit
	free   func() // gives back what New took

	outputs [][]float32            // of the step
	sample  func(w *tensor.Worker) // e.drawAll, bound once

	mu        sync.Mutex
	inbox     []*sequence // submitted, not yet seen by the loop
	arrivals  uint64
	places    int // sequences that may be in the engine
	taken     int // sequences that are, choices counted
	draining  bool
	closed    bool
	stats     Stats
	wakeup    chan struct{} // capacity 1
	idle      chan struct{} // closed when draining and nothing is left
	done      chan struct{} // closed when the loop has ended
	closeOnce sync.Once
}

// forwarder is what the engine needs of a model: the outputs of a batch, rows
// in the order of its spans, which the engine may overwrite and which hold
// until the next call.
type forwarder interface {
	Forward(b *model.Batch) ([][]float32, error)
}

var errClosed = errors.New("the engine is closed")

// start makes the channels and runs the loop.
func (e *Engine) start() {
	e.wakeup = make(chan struct{}, 1)
	e.idle = make(chan struct{})
	e.done = make(chan struct{})
	e.sample = e.drawAll
	go e.loop()
}

// Submit queues a request. Its tokens arrive on the stream. When ctx ends, at
// any moment, so does the request, and its blocks are free at the next step.
//
// Errors: [ErrQueueFull], [ErrDraining], [*ContextError] for a prompt that no
// sequence can hold, [*FieldError] for a value that is out of range.
func (e *Engine) Submit(ctx context.Context, r Request) (*Stream, error) {
	if err := r.validate(e.vocab.Size(), e.sched.maxRunning, e.limit, e.why); err != nil {
		return nil, err
	}
	r.N = max(r.N, 1)
	return e.submit(ctx, &request{Request: r})
}

func (e *Engine) submit(ctx context.Context, r *request) (*Stream, error) {
	r.vocab = e.vocab
	r.limit = e.limit
	r.forks, r.open = r.N-1, r.N
	if r.IgnoreEOS {
		r.withheld = e.vocab.EndTokens()
	}
	if r.MinTokens > 0 {
		r.early = append(e.vocab.EndTokens(), r.StopTokens...)
	}
	r.submitted = time.Now()
	if r.Timeout > 0 {
		r.deadline = r.submitted.Add(r.Timeout)
	}
	r.ctx, r.cancel = context.WithCancel(ctx)
	r.stream = newStream(r.N, r.cancel)
	q := newSequence(r, 0)

	e.mu.Lock()
	defer e.mu.Unlock()
	var err error
	switch {
	case e.closed:
		err = errClosed
	case e.draining:
		err = ErrDraining
	case e.taken+r.N > e.places:
		err = ErrQueueFull
	}
	if err != nil {
		r.cancel()
		return nil, err
	}
	e.arrivals++
	r.arrival = e.arrivals
	e.taken += r.N
	e.inbox = append(e.inbox, q)
	e.wake()
	return r.stream, nil
}

func (e *Engine) wake() {
	select {
	case e.wakeup <- struct{}{}:
	default:
	}
}

// Drain refuses new requests and waits until those that are there have ended.
// When ctx ends first, it returns its error; the requests go on until Close.
func (e *Engine) Drain(ctx context.Context) error {
	e.mu.Lock()
	e.draining = true
	e.mu.Unlock()
	e.wake()
	select {
	case <-e.idle:
		return nil
	case <-e.done:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Close cancels what still runs and gives the engine's memory back. The model
// and the tokenizer stay the caller's.
func (e *Engine) Close() error {
	e.closeOnce.Do(func() {
		e.mu.Lock()
		e.closed = true
		e.mu.Unlock()
		e.wake()
		<-e.done
		if e.free != nil {
			e.free()
		}
	})
	return nil
}

// loop makes steps until the engine is closed.
func (e *Engine) loop() {
	defer close(e.done)
	for e.collect() {
		e.step()
		if invariants {
			if err := e.sched.pool.check(e.sched.tables()...); err != nil {
				panic(err)
			}
		}
	}
}

// collect takes what was submitted, ends what was cancelled or is too late,
// and waits while there is nothing to do. It returns false when the engine
// closes.
func (e *Engine) collect() bool {
	s := e.sched
	for {
		e.mu.Lock()
		s.waiting = append(s.waiting, e.inbox...)
		clear(e.inbox)
		e.inbox = e.inbox[:0]
		closed, draining := e.closed, e.draining
		e.mu.Unlock()
		e.expire(closed)
		e.publish()
		if closed {
			return false
		}
		if len(s.waiting)+len(s.running) > 0 {
			return true
		}
		if draining {
			select {
			case <-e.idle:
			default:
				close(e.idle)
			}
		}
		<-e.wakeup
	}
}

// expire ends the requests whose context or time has ended; all of them when
// the engine closes.
func (e *Engine) expire(closed bool) {
	now := time.Now()
	for _, list := range [...]*[]*sequence{&e.sched.waiting, &e.sched.running} {
		for i := 0; i < len(*list); {
			q := (*list)[i]
			r := q.req
			switch {
			case closed || r.ctx.Err() != nil:
				e.finish(q, Event{Choice: q.choice}, FinishCancelled)
			case !r.deadline.IsZero() && now.After(r.deadline):
				e.finish(q, Event{Choice: q.choice}, FinishTimeout)
			default:
				i++
			}
		}
	}
}

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
	out, err := e.model.Forward(&s.batch)
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
		out, err := e.model.Forward(&one)
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
	if r.allRows() {
		for ; len(rows) > 0 && first+1 < len(r.Prompt); first++ {
			q.probs = append(q.probs, w.logProb(rows[0], r.Prompt[first+1], r.LogProbs))
			rows = rows[1:]
		}
	}
	if end < len(q.tokens) || r.MaxTokens == 0 {
		return
	}
	for _, f := range p.choices {
		history := append(f.tokens, f.draft...)
		for i, logits := range rows {
			n := len(f.tokens) + i
			id, err := f.sampler.sample(logits, history[:n], f.suppressed(n-len(r.Prompt)), w)
			if err != nil {
				p.err = err
				return
			}
			p.drawn = append(p.drawn, id)
			if r.LogProbs >= 0 {
				p.probs = append(p.probs, w.logProb(logits, id, r.LogProbs))
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
		if r.embed != nil || r.MaxTokens == 0 {
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
func (e *Engine) echo(q *sequence, probs []LogProb) {
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
	if r.LogProbs >= 0 {
		ev.LogProbs = append([]LogProb{{Token: r.Prompt[0], LogProb: float32(math.NaN())}}, probs...)
	}
	r.stream.send(ev)
}

// accept gives a sequence its next token. It returns true when that ends it.
func (e *Engine) accept(q *sequence, id int32, probs []LogProb) bool {
	ev, reason := q.accept(id, probs)
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
