package server

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"cllm/gguf"
	"cllm/runtime"
	"cllm/server/api"
)

// health knows whether the engine can still compute. A request that fails says
// little: it may be to blame itself. So after one a probe is made, a request
// of a single token that is nobody's; when that fails too, nothing works. A
// fault of the mapping needs no probe, and no probe heals it: the weights, or
// some of them, can no longer be read.
type health struct {
	mu      sync.Mutex
	fault   error  // why the engine cannot compute
	id      string // of the fault in the log
	final   bool   // nothing but a new process mends it
	probing bool
	probed  time.Time // when the last probe began
}

// failed notes that a request failed with an error that is not its own fault.
func (h *health) failed(s *Server, err error, id string) {
	var fault *gguf.FaultError
	if errors.As(err, &fault) {
		h.mu.Lock()
		defer h.mu.Unlock()
		if !h.final {
			h.fault, h.id, h.final = err, id, true
			s.log.Error("the model can no longer be read: the server is not healthy until it is started again", "id", id, "error", err)
		}
		return
	}
	h.probe(s, 0)
}

// probe begins a probe, unless there is one or the last is younger than so much.
func (h *health) probe(s *Server, least time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.probing || h.final || time.Since(h.probed) < least {
		return
	}
	h.probing, h.probed = true, time.Now()
	go func() {
		err := s.probe()
		h.mu.Lock()
		defer h.mu.Unlock()
		h.probing = false
		switch e := api.ErrorOf(err); {
		case h.final:
		case err == nil:
			if h.fault != nil {
				s.log.Info("the engine computes again")
			}
			h.fault, h.id = nil, ""
		case e.Kind != api.Internal: // it did not come to run, which says nothing
		default:
			if h.fault == nil {
				h.id = newID()
				s.log.Error("the engine cannot compute: the server is not healthy", "id", h.id, "error", err)
			}
			h.fault = err
		}
	}()
}

// probeTime is the most time that a probe waits for its turn.
const probeTime = time.Minute

// probe has the engine compute one token.
func (s *Server) probe() error {
	ctx, cancel := context.WithTimeout(context.Background(), probeTime)
	defer cancel()
	events, err := s.options.Engine.Submit(ctx, runtime.Request{Prompt: []int32{0}, PromptOnly: true})
	if err != nil {
		return err
	}
	defer events.Close()
	for {
		ev, err := events.Next(ctx)
		switch {
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		}
		if err := api.Interrupted(ctx, ev.FinishReason); err != nil {
			return err
		}
	}
}

// Health is the server's state. It is answered from counters alone, so that it
// does not wait for a step of the engine.
func (s *Server) Health() api.Health {
	h := &s.health
	h.mu.Lock()
	state := api.Health{Fault: h.fault, FaultID: h.id, Draining: s.draining.Load(), Stats: s.options.Engine.Stats()}
	h.mu.Unlock()
	if state.Fault != nil {
		h.probe(s, s.times.probe) // it may have been mended
	}
	return state
}
