package runtime

import (
	"context"
	"errors"
	"io"
	"iter"
	goruntime "runtime"
	"sync"
)

// ErrStreamClosed is the error of [Stream.Hold] after Close.
var ErrStreamClosed = errors.New("the stream is closed")

// Stream receives the events of one request. The engine never waits for its
// reader: what a choice has given since it was last read becomes one event. A
// choice with more unread than its share pauses until it is read, and ends
// with [FinishTimeout] when nobody reads for [Options.StallTimeout].
//
// A stream must be read to its end or closed: until then it holds memory that
// other requests are refused for.
type Stream struct {
	cancel  context.CancelFunc
	engine  func() // wakes the engine: a choice was read
	holding *holding
	ready   chan struct{} // capacity 1: something changed
	width   int           // entries of a token's log-probabilities
	echo    echo          // the same for all choices

	mu    sync.Mutex
	boxes []mailbox // of each choice
	order []int     // of the choices with something unread, the first to be read first
	open  int       // choices that still run
	err   error

	piece *echoPiece // of the prompt, which is being read
}

func newStream(choices, width int, cancel context.CancelFunc, wake func(), h *holding) *Stream {
	s := &Stream{cancel: cancel, engine: wake, holding: h, ready: make(chan struct{}, 1), width: width, open: choices, boxes: make([]mailbox, choices)}
	// Whoever forgets to close a stream loses its memory no longer than Go does.
	goruntime.AddCleanup(s, (*holding).close, h)
	return s
}

// write adds a piece of a choice's text. When that makes more than share bytes
// unread, the choice is over its share until it is read.
func (s *Stream) write(choice int, text string, tokens []int32, probs LogProbs, share int) (over bool) {
	s.mu.Lock()
	b := &s.boxes[choice]
	b.add(text, tokens, probs)
	s.queue(choice)
	if over = b.bytes() > share; over {
		b.over.Store(true)
	}
	s.mu.Unlock()
	s.wake()
	return over
}

// writePrompt puts the prompt before a choice's text.
func (s *Stream) writePrompt(choice int, e echo) {
	s.mu.Lock()
	s.echo = e
	s.boxes[choice].prompt = true
	s.queue(choice)
	s.mu.Unlock()
	s.wake()
}

// end ends a choice with its last piece of text.
func (s *Stream) end(choice int, text string, e ending) {
	s.mu.Lock()
	b := &s.boxes[choice]
	b.add(text, nil, LogProbs{})
	b.ended, b.ending = true, e
	s.queue(choice)
	s.open--
	s.mu.Unlock()
	s.wake()
}

// fail ends all choices with an error.
func (s *Stream) fail(err error) {
	s.mu.Lock()
	if s.err == nil {
		s.err = err
	}
	s.open = 0
	s.mu.Unlock()
	s.wake()
}

// queue notes that a choice has something unread.
func (s *Stream) queue(choice int) {
	if b := &s.boxes[choice]; !b.queued {
		b.queued = true
		s.order = append(s.order, choice)
	}
}

// over says whether a choice has more unread than its share.
func (s *Stream) over(choice int) bool { return s.boxes[choice].over.Load() }

func (s *Stream) wake() {
	select {
	case s.ready <- struct{}{}:
	default:
	}
}

// Next returns the next event, and io.EOF after the last event of the last
// choice. It returns early when ctx ends; that does not cancel the request.
// One goroutine at a time may read a stream.
func (s *Stream) Next(ctx context.Context) (Event, error) {
	for {
		if s.piece != nil {
			ev, more := s.piece.next()
			if !more {
				s.piece = nil
			}
			return ev, nil
		}
		ev, found, err := s.read()
		switch {
		case err != nil:
			s.holding.readerDone()
			return Event{}, err
		case found && s.piece == nil:
			return ev, nil
		case found:
			continue
		}
		select {
		case <-s.ready:
		case <-ctx.Done():
			return Event{}, context.Cause(ctx)
		}
	}
}

// read empties the mailbox that waits longest: into an event, or into piece
// when the prompt comes first. After the last it returns how the request ended.
func (s *Stream) read() (ev Event, found bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.order) == 0 {
		switch {
		case s.err != nil:
			return ev, false, s.err
		case s.open == 0:
			return ev, false, io.EOF
		}
		return ev, false, nil
	}
	choice := s.order[0]
	b := &s.boxes[choice]
	if b.prompt {
		b.prompt = false
		s.piece = s.echo.read(choice)
		if b.bytes() > 0 || b.ended {
			return ev, true, nil // the text stays next in order
		}
	} else {
		ev = b.event(choice, s.width)
	}
	s.order = s.order[:copy(s.order, s.order[1:])]
	b.queued = false
	if b.over.Swap(false) {
		s.engine()
	}
	return ev, true, nil
}

// Events iterates over the events until the request ends. Leaving the loop
// early closes the stream.
func (s *Stream) Events() iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		for {
			ev, err := s.Next(context.Background())
			if err == io.EOF {
				return
			}
			if !yield(ev, err) {
				s.Close()
				return
			}
			if err != nil {
				return
			}
		}
	}
}

// Hold charges bytes to the engine's memory for requests, for what the caller
// keeps of the answer: a whole answer that is put together, encoded, before it
// is sent. Negative bytes give some back, Close all. When there is no room the
// error is a [*MemoryError] (the request alone is too large) or an
// [ErrQueueFull] (beside the others), and nothing is charged. What is certain
// before the answer begins belongs into [Request.Hold].
func (s *Stream) Hold(bytes int64) error { return s.holding.add(bytes) }

// Close cancels the request, if it still runs, and ends what [Stream.Hold] and
// the unread events hold. Its blocks are free at the engine's next step. The
// events that are there already can still be read.
func (s *Stream) Close() {
	s.cancel()
	s.holding.close()
}

// Wait reads all events, puts them together, and closes the stream. The result
// is the caller's memory, which the engine does not count.
func (s *Stream) Wait() (*Result, error) {
	defer s.Close()
	r := &Result{}
	var texts [][]byte
	for ev, err := range s.Events() {
		if err != nil {
			return nil, err
		}
		for len(r.Choices) <= ev.Choice {
			r.Choices = append(r.Choices, Choice{})
			texts = append(texts, nil)
		}
		c := &r.Choices[ev.Choice]
		texts[ev.Choice] = append(texts[ev.Choice], ev.Text...)
		c.Tokens = append(c.Tokens, ev.Tokens...)
		c.LogProbs = c.LogProbs.append(ev.LogProbs)
		if ev.Done {
			c.Text = string(texts[ev.Choice])
			c.FinishReason, c.Timings = ev.FinishReason, ev.Timings
			r.Usage.PromptTokens = ev.Usage.PromptTokens
			r.Usage.CachedTokens = max(r.Usage.CachedTokens, ev.Usage.CachedTokens)
			r.Usage.CompletionTokens += ev.Usage.CompletionTokens
		}
	}
	return r, nil
}
