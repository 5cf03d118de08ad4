package runtime

import (
	"context"
	"io"
	"iter"
	"sync"
	"time"
)

// The ways in which a choice ends.
const (
	FinishStop      = "stop"      // end token, stop token or stop string
	FinishLength    = "length"    // max_tokens, or the context is full
	FinishTimeout   = "timeout"   // Request.Timeout ran out
	FinishCancelled = "cancelled" // the context of Submit or the engine ended
)

// Event is a piece of one choice's text.
type Event struct {
	Choice int
	// Text is whole characters; it may be empty while a character or a
	// possible stop string is incomplete.
	Text     string
	Tokens   []int32
	LogProbs LogProbs // of Tokens, when the request asks for them
	Echo     bool     // the prompt, not generated text
	Done     bool     // the choice's last event
	// FinishReason, Usage and Timings are set in the last event.
	FinishReason string
	Usage        Usage
	Timings      Timings
}

// Usage counts the tokens of a choice; of all choices in a [Result].
type Usage struct {
	PromptTokens     int
	CachedTokens     int // of the prompt, found in the prefix cache
	CompletionTokens int // generated, without an end token
}

// Timings are the parts of a choice's life.
type Timings struct {
	Queued   time.Duration // from Submit until the scheduler took it
	Prompt   time.Duration // then until the first token
	Generate time.Duration // then until the last
	// Drafted and Accepted count the tokens that prompt lookup proposed, and
	// those that the sampler then drew.
	Drafted, Accepted int
}

// Result is everything that a request gave.
type Result struct {
	Choices []Choice
	Usage   Usage
}

// Choice is one continuation.
type Choice struct {
	Text         string
	Tokens       []int32
	LogProbs     LogProbs
	FinishReason string
	Timings      Timings
}

// Stream receives the events of one request. The engine never waits for its
// reader: events are kept, at most one per generated token, until they are
// read.
type Stream struct {
	cancel context.CancelFunc
	ready  chan struct{} // capacity 1: something changed

	mu      sync.Mutex
	events  []Event
	open    int // choices that still run
	err     error
	reading []Event // taken from events, for Next alone
	next    int     // of reading
}

func newStream(choices int, cancel context.CancelFunc) *Stream {
	return &Stream{cancel: cancel, ready: make(chan struct{}, 1), open: choices}
}

func (s *Stream) send(ev Event) {
	s.mu.Lock()
	s.events = append(s.events, ev)
	if ev.Done {
		s.open--
	}
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
		if s.next < len(s.reading) {
			s.next++
			return s.reading[s.next-1], nil
		}
		clear(s.reading)
		s.next = 0
		s.mu.Lock()
		s.reading, s.events = s.events, s.reading[:0]
		open, err := s.open, s.err
		s.mu.Unlock()
		if len(s.reading) > 0 {
			continue
		}
		if err != nil {
			return Event{}, err
		}
		if open == 0 {
			return Event{}, io.EOF
		}
		select {
		case <-s.ready:
		case <-ctx.Done():
			return Event{}, context.Cause(ctx)
		}
	}
}

// Events iterates over the events until the request ends. Leaving the loop
// early cancels the request.
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

// Close cancels the request. Its blocks are free at the engine's next step.
// The events that are there already can still be read.
func (s *Stream) Close() { s.cancel() }

// Wait reads all events and puts them together.
func (s *Stream) Wait() (*Result, error) {
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
