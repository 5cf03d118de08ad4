package runtime

import (
	"errors"
	"time"

	"cllm/model"
	"cllm/tensor"
)

// health is what the last forward pass says of the engine. Only a fault of the
// mapping is the engine's own: whatever else fails, fails with its request.
type health struct {
	err    error     // the fault, nil when the pass succeeded
	at     time.Time // of the pass
	wanted bool      // somebody asks, and the pass was long ago
}

// probeAge is how old the last pass may be when somebody asks for the
// engine's health.
const probeAge = time.Second

// Health is nil while the engine can compute. It is [ErrClosed] after Close,
// and the fault (a [*tensor.Fault]) after a pass that could not read the model,
// until one succeeds. It returns at once, with what is known; when the last
// pass was over a second ago and nothing runs, it has the engine make one of a
// single token, whose outcome the next call tells.
func (e *Engine) Health() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return ErrClosed
	}
	if !e.health.wanted && time.Since(e.health.at) > probeAge {
		e.health.wanted = true
		e.wake()
	}
	return e.health.err
}

// forward runs the model, and notes what that says of the engine.
func (e *Engine) forward(b *model.Batch) ([][]float32, error) {
	out, err := e.model.Forward(b)
	fault := mappingFault(err)
	if err != nil && fault == nil {
		return out, err
	}
	e.mu.Lock()
	was := e.health.err
	e.health = health{at: time.Now()}
	if fault != nil {
		e.health.err = fault
	}
	e.mu.Unlock()
	switch {
	case fault != nil && was == nil:
		e.log.Error("the model cannot be read", "error", fault)
	case fault == nil && was != nil:
		e.log.Info("the model can be read again")
	}
	return out, err
}

// mappingFault is the fault of the mapping in an error; nil when it is another.
func mappingFault(err error) *tensor.Fault {
	if err == nil {
		return nil
	}
	var fault *tensor.Fault
	if !errors.As(err, &fault) || !fault.Mapping() {
		return nil
	}
	return fault
}

// probe computes one token when somebody wants to know whether that works.
func (e *Engine) probe() {
	e.mu.Lock()
	wanted := e.health.wanted
	e.mu.Unlock()
	if !wanted {
		return
	}
	block, err := e.sched.pool.alloc()
	if err != nil {
		return // no sequence can run either
	}
	_, err = e.forward(&model.Batch{Spans: []model.Span{{Tokens: []int32{0}, Blocks: []int32{block}, Logits: 1}}})
	e.sched.pool.release(block)
	if err != nil { // of no request: nothing works, whatever the reason
		e.mu.Lock()
		was := e.health.err
		e.health = health{err: err, at: time.Now()}
		e.mu.Unlock()
		if was == nil {
			e.log.Error("the engine cannot compute", "error", err)
		}
	}
}
