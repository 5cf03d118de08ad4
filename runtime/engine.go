package runtime

import (
	"context"
	"log/slog"
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

	options Options // in force

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
	health    health
	wakeup    chan struct{} // capacity 1
	idle      chan struct{} // closed when draining and nothing is left
	done      chan struct{} // closed when the loop has ended
	closeOnce sync.Once
	idleOnce  sync.Once
}

// forwarder is what the engine needs of a model: the outputs of a batch, rows
// in the order of its spans, which the engine may overwrite and which hold
// until the next call.
type forwarder interface {
	Forward(b *model.Batch) ([][]float32, error)
}

// start makes the channels and runs the loop.
func (e *Engine) start() {
	e.wakeup = make(chan struct{}, 1)
	e.idle = make(chan struct{})
	e.done = make(chan struct{})
	go e.loop()
}

// Submit queues a request. Its tokens arrive on the stream. When ctx ends, at
// any moment, so does the request, and its blocks are free at the next step.
//
// Errors: [ErrQueueFull], [ErrDraining], [ErrClosed], [*ContextError] for a prompt that no
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
		err = ErrClosed
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

// collect waits until there is something to do. It returns false when the
// engine closes.
func (e *Engine) collect() bool {
	for {
		busy, closed, draining := e.gather()
		switch {
		case closed:
			return false
		case busy:
			return true
		case draining:
			e.idleOnce.Do(func() { close(e.idle) })
		}
		<-e.wakeup
	}
}

// gather takes what was submitted, and ends what was cancelled or is too late.
func (e *Engine) gather() (busy, closed, draining bool) {
	s := e.sched
	e.mu.Lock()
	s.waiting = append(s.waiting, e.inbox...)
	clear(e.inbox)
	e.inbox = e.inbox[:0]
	closed, draining = e.closed, e.draining
	e.mu.Unlock()
	e.expire(closed)
	if !closed && len(s.waiting)+len(s.running) == 0 {
		e.probe()
	}
	e.publish()
	return len(s.waiting)+len(s.running) > 0, closed, draining
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
