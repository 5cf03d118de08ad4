package server

import (
	"context"

	"cllm/runtime"
	"cllm/server/api"
)

// Engine is what a server needs of an engine; [Runtime] makes the real one
// one, tests make their own.
type Engine interface {
	// Submit queues a request, as [runtime.Engine.Submit] does.
	Submit(ctx context.Context, r runtime.Request) (api.Stream, error)
	// Embed computes an embedding, as [runtime.Engine.Embed] does.
	Embed(ctx context.Context, tokens []int32, pooling runtime.Pooling) ([]float32, error)
	// Stats never waits for a step.
	Stats() runtime.Stats
	// Health is why the engine cannot compute, nil while it can. It returns at
	// once.
	Health() error
	// Context is the most tokens of a sequence.
	Context() int
	// Options are those in force.
	Options() runtime.Options
	// Drain refuses new requests and waits until the others have ended.
	Drain(ctx context.Context) error
}

// Runtime is an engine of package runtime as a server takes it.
func Runtime(e *runtime.Engine) Engine { return engine{e} }

type engine struct{ *runtime.Engine }

func (e engine) Submit(ctx context.Context, r runtime.Request) (api.Stream, error) {
	s, err := e.Engine.Submit(ctx, r)
	if err != nil { // a nil *Stream is no nil api.Stream
		return nil, err
	}
	return s, nil
}
