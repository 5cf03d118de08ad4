package runtime

import (
	"context"
	"fmt"
)

// Pooling says how the hidden states of a text become one vector.
type Pooling int

// The poolings.
const (
	PoolMean Pooling = iota // the mean of all tokens
	PoolLast                // the last token
)

// Embed computes the embedding of a text: the model's final hidden states,
// pooled and scaled to length 1. It shares steps with the requests that run,
// and fails like [Engine.Submit].
func (e *Engine) Embed(ctx context.Context, tokens []int32, pooling Pooling) ([]float32, error) {
	if pooling != PoolMean && pooling != PoolLast {
		return nil, &FieldError{"pooling", fmt.Sprintf("%d is not known", pooling)}
	}
	m := &embedding{pooling: pooling}
	stream, err := e.submit(ctx, Request{Prompt: tokens}, m)
	if err != nil {
		return nil, err
	}
	result, err := stream.Wait()
	if err != nil {
		return nil, err
	}
	if result.Choices[0].FinishReason == FinishCancelled {
		if err := context.Cause(ctx); err != nil {
			return nil, err
		}
		return nil, ErrClosed
	}
	return m.vector(), nil
}
