package runtime

import (
	"context"
	"errors"
	"slices"
	"time"
)

// request is a Request on its way through the engine: one sequence until its
// prompt is computed, then one per choice.
type request struct {
	Request
	ctx       context.Context
	cancel    context.CancelFunc
	unwatch   func() bool // the context
	stream    *Stream
	holding   *holding
	output    output
	arrival   uint64 // order of Submit
	limit     int    // tokens that a sequence can have
	root      uint64 // of its chain of blocks in the prefix cache
	submitted time.Time
	admitted  time.Time // when the scheduler first took it
	cached    int       // tokens of the prompt found in the prefix cache
	forks     int       // choices that still share the first one's sequence
	open      int       // choices that have not ended
	sequences []*sequence
	vocab     vocabulary

	constraints []Constraint // of each choice; nil: none

	// What is prepared for all choices.
	stops   []stopString
	stopIDs []int32 // ascending
	biases  biases
	early   biases // before MinTokens
	index   *trigrams
}

// vocabulary is what the engine needs of a tokenizer.
type vocabulary interface {
	Size() int
	End(id int32) bool
	EndTokens() []int32
	Decoder(special bool) textDecoder
}

// textDecoder turns tokens into whole characters.
type textDecoder interface {
	Push(id int32) string
	Flush() string
}

// silent says that nothing is to be drawn.
func (r *request) silent() bool {
	return !r.output.draws() || r.PromptOnly || len(r.Prompt) >= r.limit
}

// ends says whether a token ends the text.
func (r *request) ends(id int32) bool {
	if !r.IgnoreEOS && r.vocab.End(id) {
		return true
	}
	_, found := slices.BinarySearch(r.stopIDs, id)
	return found
}

// biasesOf are the biases for the n-th token drawn.
func (r *request) biasesOf(n int) biases {
	if n < r.MinTokens {
		return r.early
	}
	return r.biases
}

// decoder makes the text of the prompt, when it is echoed.
func (r *request) decoder() textDecoder { return r.vocab.Decoder(r.Special) }

// Submit queues a request. Its tokens arrive on the stream. When ctx ends, at
// any moment, so does the request, and its blocks are free at the next step.
//
// Errors: [ErrQueueFull], [ErrDraining], [ErrClosed], [*ContextError] for a
// prompt that no sequence can hold, [*MemoryError] for a request that the
// memory of all could not hold, [*FieldError] for a value that is out of range.
func (e *Engine) Submit(ctx context.Context, r Request) (*Stream, error) {
	return e.submit(ctx, r, nil)
}

// submit queues a request for text, or for another output.
func (e *Engine) submit(ctx context.Context, asked Request, out output) (*Stream, error) {
	if err := asked.validate(e.vocab.Size(), e.sched.maxRunning, e.limit, e.why); err != nil {
		return nil, err
	}
	asked.N = max(asked.N, 1)
	constraints := cloneFor(asked.Constraint, asked.N)
	if err := e.enter(asked.N); err != nil {
		return nil, err
	}
	h, err := newHolding(e.requests, e.bytesOf(&asked), asked.Hold)
	if err != nil {
		e.leave(asked.N)
		return nil, err
	}
	r := e.prepare(asked, out)
	r.holding, r.constraints = h, constraints
	if r.Timeout > 0 {
		r.ctx, r.cancel = context.WithTimeoutCause(ctx, r.Timeout, errTimedOut)
	} else {
		r.ctx, r.cancel = context.WithCancel(ctx)
	}
	r.stream = newStream(r.N, 1+r.TopLogProbs, r.cancel, e.wake, h)
	q := newSequence(r, 0)

	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		r.cancel()
		h.close()
		h.engineDone()
		return nil, ErrClosed
	}
	e.arrivals++
	r.arrival = e.arrivals
	e.inbox = append(e.inbox, q)
	r.unwatch = context.AfterFunc(r.ctx, func() { e.abandon(r) })
	e.wake()
	return r.stream, nil
}

// cloneFor makes a constraint for each choice.
func cloneFor(c Constraint, choices int) []Constraint {
	if c == nil {
		return nil
	}
	all := make([]Constraint, choices)
	for i := range all {
		all[i] = c.Clone()
	}
	return all
}

var errTimedOut = errors.New("the request's time is over")

// enter takes the places of a request in the queue.
func (e *Engine) enter(choices int) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case e.closed:
		return ErrClosed
	case e.draining:
		return ErrDraining
	case e.taken+choices > e.places:
		return ErrQueueFull
	}
	e.taken += choices
	return nil
}

// leave makes room in the queue.
func (e *Engine) leave(choices int) {
	e.mu.Lock()
	e.taken -= choices
	e.mu.Unlock()
	e.wake()
}

// abandon has the loop end a request whose context has.
func (e *Engine) abandon(r *request) {
	e.mu.Lock()
	e.abandoned = append(e.abandoned, r)
	e.mu.Unlock()
	e.wake()
}

// requestBytes is what a request holds whatever it asks for: its own state, the
// goroutine that waits for it, the buffers of a connection.
const requestBytes = 16 << 10

// bytesOf is the memory that a request holds from Submit on.
func (e *Engine) bytesOf(r *Request) int64 {
	vocab := e.vocab.Size()
	n := requestBytes + 4*int64(len(r.Prompt)) + 4*int64(len(r.StopTokens)) + stopBytes(r.Stop) +
		biasBytes(vocab, len(r.Sampling.LogitBias)+1)
	if r.MinTokens > 0 {
		n += biasBytes(vocab, len(r.Sampling.LogitBias)+len(r.StopTokens)+1)
	}
	if e.sched.speculate > 0 {
		n += indexBytes(len(r.Prompt))
	}
	if r.Echo && r.LogProbs {
		n += scoreBytes(len(r.Prompt), r.TopLogProbs)
	}
	return n
}

// prepare does for a request all work that grows with its size, so that the
// engine's loop need not.
func (e *Engine) prepare(asked Request, out output) *request {
	asked.Prompt = slices.Clone(asked.Prompt)
	r := &request{Request: asked, output: out, vocab: e.vocab, limit: e.limit, forks: asked.N - 1, open: asked.N, submitted: time.Now()}
	if out != nil {
		return r
	}
	r.output = continuation{}
	if r.Echo && r.LogProbs {
		r.output = newScores(r.Prompt, r.TopLogProbs)
	}
	r.stops = newStopStrings(r.Stop)
	r.stopIDs = slices.Clone(r.StopTokens)
	slices.Sort(r.stopIDs)
	var withheld []int32
	if r.IgnoreEOS {
		withheld = e.vocab.EndTokens()
	}
	r.biases = newBiases(e.vocab.Size(), r.Sampling.LogitBias, withheld...)
	if r.MinTokens > 0 {
		r.early = newBiases(e.vocab.Size(), r.Sampling.LogitBias, append(e.vocab.EndTokens(), r.stopIDs...)...)
	}
	if e.sched.speculate > 0 {
		r.index = indexPrompt(r.Prompt)
	}
	r.Stop, r.StopTokens, r.Sampling.LogitBias = nil, nil, nil // the caller's
	return r
}
