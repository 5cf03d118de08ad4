package model

import (
	"fmt"

	"cllm/kernels"
)

// Span is consecutive tokens of one sequence.
type Span struct {
	Tokens []int32
	Pos    int // position of the first token
	// Blocks are the sequence's blocks of the KV cache: block i holds the
	// positions from i*[kernels.BlockTokens]. They reach at least to the last
	// token; those before Pos have been computed.
	Blocks []int32
	// Logits is the number of trailing tokens whose logits are wanted.
	Logits int
	// Hidden asks for the final-normed hidden state of those tokens instead.
	Hidden bool
}

// Batch is the work of one step: spans of different sequences.
type Batch struct {
	Spans []Span
}

// rowSet is a set of tokens of the batch in order: all of them, or those that
// give an output. A tile is a run of them within one span.
type rowSet struct {
	n     int
	tiles []tile
	units int // attention's units of work, see planUnits

	// Inputs of products; all sets share the memory.
	hidden acts // of q, k, v, gate and up
	heads  acts // of o
	inner  acts // of down
}

// row is one token of the batch.
type row struct {
	pos    int32
	span   int32
	token  int32
	logits int32 // its row of the logits, or -1
}

// check refuses what would read or write outside the cache or the weights.
func (r *Runner) check(b *Batch) error {
	c := &r.m.config
	tokens, outputs := 0, 0
	for i := range b.Spans {
		s := &b.Spans[i]
		n := len(s.Tokens)
		tokens += n
		outputs += s.Logits
		switch {
		case n == 0:
			return fmt.Errorf("span %d has no tokens", i)
		case s.Pos < 0 || s.Pos > maxContext-n:
			return fmt.Errorf("span %d begins at position %d, outside [0, %d]", i, s.Pos, maxContext-n)
		case s.Pos+n > len(s.Blocks)*kernels.BlockTokens:
			return fmt.Errorf("span %d ends at position %d, its %d blocks hold %d",
				i, s.Pos+n, len(s.Blocks), len(s.Blocks)*kernels.BlockTokens)
		case s.Logits < 0 || s.Logits > n:
			return fmt.Errorf("span %d wants %d outputs of %d tokens", i, s.Logits, n)
		}
		for _, t := range s.Tokens {
			if t < 0 || int(t) >= c.Vocab {
				return fmt.Errorf("span %d: token %d is outside the vocabulary of %d", i, t, c.Vocab)
			}
		}
		for _, block := range s.Blocks[:(s.Pos+n-1)/kernels.BlockTokens+1] {
			if block < 0 || int(block) >= r.kv.blocks {
				return fmt.Errorf("span %d: block %d is outside the cache of %d", i, block, r.kv.blocks)
			}
		}
	}
	if tokens > r.maxTokens {
		return fmt.Errorf("the batch has %d tokens, the runner takes %d", tokens, r.maxTokens)
	}
	if outputs > r.maxOutputs {
		return fmt.Errorf("the batch wants %d outputs, the runner gives %d", outputs, r.maxOutputs)
	}
	return nil
}

// lay flattens the batch into rows, all and those with an output, and sets
// where their outputs will be.
func (r *Runner) lay(b *Batch) {
	r.spans = b.Spans
	r.rows, r.source, r.out = r.rows[:0], r.source[:0], r.out[:0]
	r.all.reset()
	r.outs.reset()
	hidden, logits := r.m.config.Hidden, 0
	for i := range b.Spans {
		s := &b.Spans[i]
		n := len(s.Tokens)
		first := len(r.rows)
		r.addTiles(&r.all, i, first, first, n)
		r.addTiles(&r.outs, i, first+n-s.Logits, len(r.source), s.Logits)
		for j, t := range s.Tokens {
			at := row{pos: int32(s.Pos + j), span: int32(i), token: t, logits: -1}
			if j >= n-s.Logits {
				o := len(r.source)
				r.source = append(r.source, int32(len(r.rows)))
				if s.Hidden {
					r.out = append(r.out, r.final[o*hidden:][:hidden:hidden])
				} else {
					at.logits = int32(logits)
					vocab := r.m.config.Vocab
					r.out = append(r.out, r.logits[logits*vocab:][:vocab:vocab])
					logits++
				}
			}
			r.rows = append(r.rows, at)
		}
	}
	r.nLogits = logits
	for _, s := range []*rowSet{&r.all, &r.outs} {
		s.hidden.reset(s.n)
		s.heads.reset(s.n)
		s.inner.reset(s.n)
		r.planUnits(s)
	}
}

func (s *rowSet) reset() {
	s.n, s.units, s.tiles = 0, 0, s.tiles[:0]
}
