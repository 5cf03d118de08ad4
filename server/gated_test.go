package server

import (
	"context"
	"fmt"
	"io"
	"slices"
	"sync"

	"cllm/runtime"
	"cllm/server/api"
)

// gatedEngine is an engine whose requests go on when the test says so, and fail
// when it says so: what is tested with it does not depend on how fast a machine
// is. It has so many places.
type gatedEngine struct {
	places int

	mu       sync.Mutex
	streams  []*gatedStream // of the requests that have not ended
	draining bool
	health   error
	room     int64 // for what is held of answers; 0: any
	held     int64
	changed  chan struct{} // closed at each change
}

func newGatedEngine(places int) *gatedEngine {
	return &gatedEngine{places: places, changed: make(chan struct{})}
}

// gatedStream is a request of a [gatedEngine].
type gatedStream struct {
	engine  *gatedEngine
	ctx     context.Context
	request runtime.Request
	steps   chan gatedStep
	holds   int64
}

// gatedStep is what Next returns.
type gatedStep struct {
	ev  runtime.Event
	err error
}

func (g *gatedEngine) Embed(context.Context, []int32, runtime.Pooling) ([]float32, error) {
	return nil, runtime.ErrClosed
}

func (g *gatedEngine) Submit(ctx context.Context, r runtime.Request) (api.Stream, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case g.draining:
		return nil, runtime.ErrDraining
	case len(g.streams) == g.places:
		return nil, runtime.ErrQueueFull
	}
	s := &gatedStream{g, ctx, r, make(chan gatedStep, 1000), r.Hold}
	g.streams = append(g.streams, s)
	g.held += s.holds
	g.change()
	return s, nil
}

// change tells those who wait; the lock is held.
func (g *gatedEngine) change() {
	close(g.changed)
	g.changed = make(chan struct{})
}

// wait returns when the requests, in the order of their arrival, are as the
// condition wants them.
func (g *gatedEngine) wait(cond func(streams []*gatedStream) bool) []*gatedStream {
	for {
		g.mu.Lock()
		streams, changed := slices.Clone(g.streams), g.changed
		g.mu.Unlock()
		if cond(streams) {
			return streams
		}
		<-changed
	}
}

// open waits until there are n requests.
func (g *gatedEngine) open(n int) []*gatedStream {
	return g.wait(func(streams []*gatedStream) bool { return len(streams) == n })
}

func (g *gatedEngine) Stats() runtime.Stats {
	g.mu.Lock()
	defer g.mu.Unlock()
	return runtime.Stats{Running: len(g.streams)}
}

func (g *gatedEngine) Health() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.health
}

func (g *gatedEngine) setHealth(err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.health = err
}

func (g *gatedEngine) Context() int { return 2048 }

func (g *gatedEngine) Options() runtime.Options {
	return runtime.Options{Parallel: 8, MaxWaiting: max(g.places-8, 0)}
}

func (g *gatedEngine) Drain(ctx context.Context) error {
	g.mu.Lock()
	g.draining = true
	g.mu.Unlock()
	for {
		g.mu.Lock()
		n, changed := len(g.streams), g.changed
		g.mu.Unlock()
		if n == 0 {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func (s *gatedStream) Next(ctx context.Context) (runtime.Event, error) {
	select {
	case step := <-s.steps:
		return step.ev, step.err
	default:
	}
	select {
	case step := <-s.steps:
		return step.ev, step.err
	case <-ctx.Done():
		return runtime.Event{}, context.Cause(ctx)
	}
}

func (s *gatedStream) Hold(bytes int64) error {
	g := s.engine
	g.mu.Lock()
	defer g.mu.Unlock()
	defer g.change()
	switch {
	case g.room > 0 && s.holds+bytes > g.room:
		return &runtime.MemoryError{Need: s.holds + bytes, Limit: g.room}
	case g.room > 0 && g.held+bytes > g.room:
		return fmt.Errorf("%w: no room", runtime.ErrQueueFull)
	}
	s.holds += bytes
	g.held += bytes
	return nil
}

func (s *gatedStream) Close() {
	s.engine.mu.Lock()
	defer s.engine.mu.Unlock()
	if i := slices.Index(s.engine.streams, s); i >= 0 {
		s.engine.streams = slices.Delete(s.engine.streams, i, i+1)
		s.engine.held -= s.holds
		s.engine.change()
	}
}

// text lets a piece of text out.
func (s *gatedStream) text(text string) {
	s.steps <- gatedStep{ev: runtime.Event{Text: text, Tokens: []int32{1}}}
}

// fail ends the request with an error.
func (s *gatedStream) fail(err error) { s.steps <- gatedStep{err: err} }

// end ends the request as engines do.
func (s *gatedStream) end(reason string) {
	s.steps <- gatedStep{ev: runtime.Event{Done: true, FinishReason: reason, Usage: runtime.Usage{PromptTokens: 1, CompletionTokens: 1}}}
	s.steps <- gatedStep{err: io.EOF}
}
