package runtime

import (
	"context"
	"fmt"
	"math"
)

// Pooling says how the hidden states of a text become one vector.
type Pooling int

// The poolings.
const (
	PoolMean Pooling = iota // the mean of all tokens
	PoolLast                // the last token
)

// embedding gathers the final hidden states of a sequence.
type embedding struct {
	pooling Pooling
	sum     []float64
	n       int
}

// add takes the rows of the next positions, in order.
func (m *embedding) add(rows [][]float32) {
	for _, row := range rows {
		if m.sum == nil {
			m.sum = make([]float64, len(row))
		}
		for i, x := range row {
			m.sum[i] += float64(x)
		}
		m.n++
	}
}

// vector is the pooled state with length 1.
func (m *embedding) vector() []float32 {
	norm := 0.0
	for _, x := range m.sum {
		norm += x * x
	}
	norm = math.Sqrt(norm)
	v := make([]float32, len(m.sum))
	if norm > 0 {
		for i, x := range m.sum {
			v[i] = float32(x / norm)
		}
	}
	return v
}

// Embed computes the embedding of a text: the model's final hidden states,
// pooled and scaled to length 1. It shares steps with the requests that run,
// and fails like [Engine.Submit].
func (e *Engine) Embed(ctx context.Context, tokens []int32, pooling Pooling) ([]float32, error) {
	if pooling != PoolMean && pooling != PoolLast {
		return nil, &FieldError{"pooling", fmt.Sprintf("%d is not known", pooling)}
	}
	r := Request{Prompt: tokens, N: 1}
	if err := r.validate(e.vocab.Size(), e.sched.maxRunning, e.limit, e.why); err != nil {
		return nil, err
	}
	m := &embedding{pooling: pooling}
	stream, err := e.submit(ctx, &request{Request: r, embed: m})
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
