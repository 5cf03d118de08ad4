package runtime

import (
	"fmt"
	"math"
	"sync"
)

// account is the memory that requests hold of the plan's pool for them.
type account struct {
	mu          sync.Mutex
	limit, held int64 // bytes
}

// MemoryError says that a request needs more memory than all requests together
// may hold: prompt, stop strings, biases, log-probabilities of an echoed
// prompt, and what its caller keeps of the answer ([Stream.Hold]).
type MemoryError struct {
	Need, Limit int64 // bytes
}

func (e *MemoryError) Error() string {
	return fmt.Sprintf("the request needs %s of memory, all requests together have %s: "+
		"shorten the prompt, ask for fewer choices or log-probabilities, or raise the memory of requests", size(e.Need), size(e.Limit))
}

// charge adds n bytes to the own bytes of a request. The error is a
// [*MemoryError] when that can never fit, and an [ErrQueueFull] when it does
// not fit beside the others.
func (a *account) charge(own, n int64) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case n > a.limit-own:
		return &MemoryError{Need: sum(own, n), Limit: a.limit}
	case n > a.limit-a.held:
		return fmt.Errorf("%w: the request needs %s of memory, %s of %s are free", ErrQueueFull, size(n), size(a.limit-a.held), size(a.limit))
	}
	a.held += n
	return nil
}

// sum is a + b, or the most there is.
func sum(a, b int64) int64 { return a + min(b, math.MaxInt64-a) }

func (a *account) refund(n int64) {
	a.mu.Lock()
	a.held -= n
	a.mu.Unlock()
}

// used is the bytes that requests hold now.
func (a *account) used() int64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.held
}

// holding is one request's part of the account: what it was admitted with,
// until engine and reader are both done with it, and what its caller holds,
// until the stream is closed.
type holding struct {
	account        *account
	mu             sync.Mutex
	admitted       int64
	engine, reader bool // still use that
	caller         int64
	closed         bool
}

// newHolding charges what a request is admitted with, and what its caller is
// certain to hold.
func newHolding(a *account, admitted, caller int64) (*holding, error) {
	if err := a.charge(0, sum(admitted, caller)); err != nil {
		return nil, err
	}
	return &holding{account: a, admitted: admitted, caller: caller, engine: true, reader: true}, nil
}

// add charges more bytes to the caller, or gives some back.
func (h *holding) add(n int64) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return ErrStreamClosed
	}
	if n = max(n, -h.caller); n < 0 {
		h.account.refund(-n)
	} else if err := h.account.charge(h.admitted+h.caller, n); err != nil {
		return err
	}
	h.caller += n
	return nil
}

func (h *holding) engineDone() {
	h.mu.Lock()
	h.engine = false
	h.refundUnused()
	h.mu.Unlock()
}

func (h *holding) readerDone() {
	h.mu.Lock()
	h.reader = false
	h.refundUnused()
	h.mu.Unlock()
}

func (h *holding) close() {
	h.mu.Lock()
	h.reader, h.closed = false, true
	h.account.refund(h.caller)
	h.caller = 0
	h.refundUnused()
	h.mu.Unlock()
}

// refundUnused gives back what nobody uses any more.
func (h *holding) refundUnused() {
	if !h.engine && !h.reader {
		h.account.refund(h.admitted)
		h.admitted = 0
	}
}
