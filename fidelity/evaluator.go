// Package fidelity measures how well a model predicts a text, and how far its predictions are from
// those of another form of the same model: perplexity and KL divergence, in llama.cpp's way and with
// its file format, so that figures of both programs compare.
//
// A text is read in windows of n tokens, each on its own. The positions of the second half count: from
// n/2 to n-2 (0-based), each predicting the token after it. A model that wants BOS sees it in the
// place of each window's first token.
package fidelity

import (
	"fmt"
	"sync"

	"cllm/kernels"
	"cllm/model"
	"cllm/tensor"
)

// A pass computes up to PassTokens tokens without logits, or PassRows with: 64 rows of Qwen's
// vocabulary are 39 MB.
const (
	PassTokens = 256
	PassRows   = 64
)

// Evaluator computes the logits of windows.
type Evaluator struct {
	runner *model.Runner
	kv     *model.KVCache
	pool   *tensor.Pool
	blocks []int32
	window int
	vocab  int
}

// Counted is the number of positions of a window of n tokens that count.
func Counted(n int) int { return n - 1 - n/2 }

// KVBytes is the memory of an evaluator's keys and values.
func KVBytes(c model.Config, format kernels.KVFormat, window int) int64 {
	return int64(model.BlocksFor(window)) * model.BlockBytes(c, format)
}

// NewEvaluator takes memory for windows of so many tokens, from 4 to the model's context.
func NewEvaluator(m *model.Model, k *kernels.Impl, format kernels.KVFormat, threads, window int) (*Evaluator, error) {
	c := m.Config()
	if window < 4 || window > c.Context {
		return nil, fmt.Errorf("a window of %d tokens: must be 4 to %d, the model's context", window, c.Context)
	}
	kv, err := model.NewKVCache(c, format, model.BlocksFor(window))
	if err != nil {
		return nil, err
	}
	e := &Evaluator{kv: kv, pool: tensor.NewPool(threads, k, c.MaxK()), window: window, vocab: c.Vocab}
	if e.runner, err = model.NewRunner(m, kv, e.pool, PassTokens, PassRows); err != nil {
		_ = e.Close()
		return nil, err
	}
	for i := range model.BlocksFor(window) {
		e.blocks = append(e.blocks, int32(i))
	}
	return e, nil
}

// Close gives the memory back.
func (e *Evaluator) Close() error {
	e.pool.Close()
	return e.kv.Close()
}

// each calls fn with the logits of a window's counted positions in order, some at a time, and the
// tokens that follow them. The rows are valid until fn returns.
func (e *Evaluator) each(tokens []int32, fn func(rows [][]float32, next []int32) error) error {
	first := e.window / 2
	for at := 0; at < e.window-1; {
		span := model.Span{Pos: at, Blocks: e.blocks}
		if at < first {
			span.Tokens = tokens[at:min(at+PassTokens, first)]
		} else {
			span.Tokens = tokens[at:min(at+PassRows, e.window-1)]
			span.Logits = len(span.Tokens)
		}
		rows, err := e.runner.Forward(&model.Batch{Spans: []model.Span{span}})
		if err != nil {
			return err
		}
		at += len(span.Tokens)
		if span.Logits > 0 {
			if err := fn(rows, tokens[at-span.Logits+1:at+1]); err != nil {
				return err
			}
		}
	}
	return nil
}

// spread calls fn for 0 to n-1 on as many goroutines as the evaluator has threads.
func (e *Evaluator) spread(n int, fn func(i int)) {
	var group sync.WaitGroup
	threads := min(e.pool.Threads(), n)
	for t := range threads {
		group.Go(func() {
			for i := t; i < n; i += threads {
				fn(i)
			}
		})
	}
	group.Wait()
}
