package model

import (
	"fmt"

	"cllm/kernels"
	"cllm/tensor"
)

// stage is the number of floats of a worker's buffers for gate and up before
// they are multiplied: 128 KB each, at least 16 rows of every column.
const stage = 32 << 10

// Runner computes steps of one model on one cache. It holds all memory that a
// step needs, for the largest batch. Its methods are for one goroutine.
type Runner struct {
	m     *Model
	kv    *KVCache
	pool  *tensor.Pool
	step  func(*tensor.Worker)
	local []local

	maxTokens, maxOutputs int

	// queryScale is the config's, with the factor of hadamard taken out when
	// keys and queries go through that.
	queryScale float64

	// The batch, as lay flattens it.
	spans     []Span
	rows      []row
	source    []int32 // the row of each output
	all, outs rowSet
	nLogits   int
	out       [][]float32

	// The state of a step: [row][...].
	cos, sin, qcos, qsin []float32 // [Config.angles]
	x                    []float32 // [Hidden], the residual stream
	delta                []float32 // [Hidden], what is to be added to it
	qkv                  []float32 // [(Heads+2·KVHeads)·HeadDim]
	attn                 []float32 // [Heads·HeadDim]
	ffn                  []float32 // [FFN]
	final                []float32 // [output][Hidden]
	logits               []float32 // [output][Vocab]
	partials             partials

	headIn acts // input of the output head
}

// local is the working memory of one worker.
type local struct {
	row      []float32 // [Hidden]
	half     []float32 // [HeadDim/2]
	gate, up []float32 // stage
	attn     *kernels.Attention
	heads    []kernels.Attention // attn, a KV head each
	sum      *kernels.Attention  // over the segments
	visible  []kernels.Range
	query    *kernels.Acts // quantized queries, for a quantized cache
}

// NewRunner takes the memory for batches of up to maxTokens tokens, of which
// up to maxOutputs give logits or hidden states. Runners of several models may
// share a pool.
func NewRunner(m *Model, kv *KVCache, pool *tensor.Pool, maxTokens, maxOutputs int) (*Runner, error) {
	c := m.config
	if kv.layers != c.Layers || kv.heads != c.KVHeads || kv.headDim != c.HeadDim {
		return nil, fmt.Errorf("the KV cache is for %d layers of %d heads of %d, the model has %d, %d and %d",
			kv.layers, kv.heads, kv.headDim, c.Layers, c.KVHeads, c.HeadDim)
	}
	if maxTokens < 1 || maxOutputs < 1 || maxOutputs > maxTokens {
		return nil, fmt.Errorf("a runner cannot take %d tokens and give %d outputs", maxTokens, maxOutputs)
	}
	r := &Runner{m: m, kv: kv, pool: pool, maxTokens: maxTokens, maxOutputs: maxOutputs}
	r.step = r.forward
	pool.Fit(c.MaxK())
	r.queryScale = c.queryScale
	if kv.format == kernels.KVQ8 {
		r.queryScale /= float64(hadamardRun(c.HeadDim))
	}

	r.rows, r.source = make([]row, 0, maxTokens), make([]int32, 0, maxOutputs)
	r.out = make([][]float32, 0, maxOutputs)
	r.all.tiles, r.outs.tiles = make([]tile, 0, maxTokens), make([]tile, 0, maxOutputs)

	q, n := c.Heads*c.HeadDim, maxTokens*c.angles
	r.cos, r.sin, r.qcos, r.qsin = make([]float32, n), make([]float32, n), make([]float32, n), make([]float32, n)
	r.x, r.delta = make([]float32, maxTokens*c.Hidden), make([]float32, maxTokens*c.Hidden)
	r.qkv = make([]float32, maxTokens*c.qkvWidth())
	r.attn = make([]float32, maxTokens*q)
	r.ffn = make([]float32, maxTokens*c.FFN)
	r.final = make([]float32, maxOutputs*c.Hidden)
	r.logits = make([]float32, maxOutputs*c.Vocab)
	r.partials = newPartials(c)

	var wanted inputs
	wanted.hidden.add(&m.output)
	for i := range m.blocks {
		m.blocks[i].op.inputs(&wanted)
	}
	a := &r.all
	a.hidden = newActs(wanted.hidden, maxTokens, c.Hidden)
	a.heads = newActs(wanted.heads, maxTokens, q)
	a.inner = newActs(wanted.inner, maxTokens, c.FFN)
	r.outs.hidden, r.outs.heads, r.outs.inner = a.hidden.shared(), a.heads.shared(), a.inner.shared()
	r.headIn = a.hidden.shared()

	queries := c.tileQueries()
	for range pool.Threads() {
		l := local{
			row:     make([]float32, c.Hidden),
			half:    make([]float32, c.HeadDim/2),
			gate:    make([]float32, max(stage, tensor.RowStep*maxTokens)),
			up:      make([]float32, max(stage, tensor.RowStep*maxTokens)),
			attn:    kernels.NewAttention(queries, c.HeadDim),
			sum:     kernels.NewAttention(queries, c.HeadDim),
			heads:   make([]kernels.Attention, c.KVHeads),
			visible: make([]kernels.Range, queries),
		}
		if kv.format == kernels.KVQ8 {
			l.query = kernels.NewActs(kernels.Act32, queries, c.HeadDim)
			l.attn.QQ, l.attn.QD = l.query.Q, l.query.D
		}
		r.local = append(r.local, l)
	}
	return r, nil
}

// MaxK is the longest row of the model's matrices, for [tensor.NewPool].
func (c Config) MaxK() int { return max(c.Hidden, c.FFN, c.Heads*c.HeadDim) }

func (c Config) qkvWidth() int { return (c.Heads + 2*c.KVHeads) * c.HeadDim }
func (c Config) group() int    { return c.Heads / c.KVHeads }

// ScratchBytes is an upper bound of the memory that a runner and its pool take.
func ScratchBytes(c Config, threads, maxTokens, maxOutputs int) int64 {
	q, tokens, outputs := c.Heads*c.HeadDim, int64(maxTokens), int64(maxOutputs)
	floats := tokens * int64(4*c.angles+2*c.Hidden+c.qkvWidth()+q+c.FFN)
	floats += outputs * int64(c.Hidden+c.Vocab)
	floats += int64(partialQueries * (c.HeadDim + 2))
	queries := c.tileQueries()
	local := c.Hidden + c.HeadDim/2 + 64*c.KVHeads + 2*max(stage, tensor.RowStep*maxTokens) +
		queries*(4*c.HeadDim+2*kernels.BlockTokens+8) + 4*kernels.BlockTokens*c.HeadDim
	pool := 40*c.MaxK() + 64<<10 + 4*(128<<10)
	// Inputs of products in each form: 4, 1.4 and 1.4 bytes a value.
	inputs := tokens * int64(c.Hidden+q+c.FFN) * 7
	headers := tokens * 64
	const rounding = 64 << 10 // of the allocator, per worker and for the rest
	return 4*floats + int64(threads)*int64(4*local+pool+rounding) + inputs + headers + 2*rounding
}

// Forward computes a batch. The rows of out are, for the spans in order, the
// logits [Vocab] or hidden states [Hidden] that each asked for; they are valid
// until the next call. The keys and values of all tokens are in the cache
// afterwards. On an error the cache's blocks of these tokens are undefined. It
// does not allocate.
func (r *Runner) Forward(b *Batch) (out [][]float32, err error) {
	if err := r.check(b); err != nil {
		return nil, err
	}
	if len(b.Spans) == 0 {
		return nil, nil
	}
	r.lay(b)
	r.headIn.reset(r.nLogits)
	err = r.pool.Run(r.step)
	r.spans = nil
	if err != nil {
		return nil, fmt.Errorf("forward pass: %w", err)
	}
	return r.out, nil
}
