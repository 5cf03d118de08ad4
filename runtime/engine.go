package runtime

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"

	"cllm/model"
	"cllm/tensor"
)

// Engine runs the requests of many callers on one model. One goroutine makes
// the steps: it takes what was submitted, drops what was cancelled, lets the
// scheduler lay out a batch, runs the model on it, draws tokens and sends
// their text. All methods may be called from any goroutine.
type Engine struct {
	model   forwarder
	vocab   vocabulary
	workers *Workers
	busy    bool // counted among the busy ones of the workers
	log     *slog.Logger
	sched   *scheduler
	spaces  []*workspace // of each worker
	plan    *MemoryPlan
	limit   int    // tokens that a sequence can have
	why     string // what sets the limit
	free    func() // gives back what New took

	options Options // in force

	share    int // bytes that a choice may have unread
	requests *account

	outputs      [][]float32            // of the step
	samplings    []sampling             // what is to be done with them
	nextSampling atomic.Int64           // the first that no worker has
	sample       func(w *tensor.Worker) // e.sampleSome, bound once

	mu        sync.Mutex
	inbox     []*sequence // submitted, not yet seen by the loop
	abandoned []*request  // whose context has ended
	spareList []*request  // to be the next abandoned
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

// start runs the loop.
func (e *Engine) start() { go e.loop() }

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
	for e.intake() {
		if !e.step() {
			e.probe()
			<-e.wakeup // nothing to do, or nobody reads what was done
		}
		if invariants {
			if err := e.sched.pool.check(e.sched.tables()...); err != nil {
				panic(err)
			}
		}
	}
}

// setBusy notes for the other engines on the workers whether this one has
// something to do.
func (e *Engine) setBusy(busy bool) {
	switch {
	case busy && !e.busy:
		e.workers.busy.Add(1)
	case !busy && e.busy:
		e.workers.busy.Add(-1)
	}
	e.busy = busy
}

// others says whether another engine on the workers has something to do.
func (e *Engine) others() bool {
	n := e.workers.busy.Load()
	if e.busy {
		n--
	}
	return n > 0
}

// intake takes what was submitted, and ends what was abandoned or is too late.
// It returns false when the engine closes.
func (e *Engine) intake() bool {
	s := e.sched
	e.mu.Lock()
	for i, q := range e.inbox {
		s.waiting.insert(q)
		e.inbox[i] = nil
	}
	e.inbox = e.inbox[:0]
	abandoned, closed := e.abandoned, e.closed
	e.abandoned, e.spareList = e.spareList[:0], abandoned
	e.mu.Unlock()
	e.expire(abandoned, closed)
	clear(abandoned)
	e.publish()
	if closed {
		e.setBusy(false)
		return false
	}
	e.setBusy(len(s.running)+s.waiting.n > 0)
	if !e.busy {
		e.mu.Lock()
		if e.draining && e.taken == 0 {
			e.idleOnce.Do(func() { close(e.idle) })
		}
		e.mu.Unlock()
	}
	return true
}
