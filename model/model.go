// Package model computes the forward pass of dense transformers on the
// weights of a model file, for batches of tokens of many sequences at once.
//
// The logits of a token depend on its sequence alone: not on the other
// sequences of the batch, how the prompt was cut into batches, or the number
// of workers. They are the same bits in every case.
package model

import (
	"errors"
	"fmt"

	"cllm/gguf"
	"cllm/tensor"
)

// Model is a model's shape with its weights, which are views of its file. It
// is valid until the file is closed, and may be shared.
type Model struct {
	config Config
	rope   rope

	embd       tensor.Matrix // [Vocab][Hidden]
	layers     []layer
	outputNorm []float32
	output     tensor.Matrix // [Vocab][Hidden], embd when tied
}

// layer is the weights of one layer. Biases and head norms are nil where the
// architecture has none.
type layer struct {
	attnNorm            []float32
	q, k, v, o          tensor.Matrix
	qBias, kBias, vBias []float32
	qNorm, kNorm        []float32
	ffnNorm             []float32
	gate, up, down      tensor.Matrix
	window              int // positions that a row sees, its own among them, or everything
}

// Load binds the tensors of a file and checks their shapes against its
// metadata. It reads no weights.
func Load(f *gguf.File) (*Model, error) {
	m, err := load(f)
	return m, f.Wrap(err)
}

func load(f *gguf.File) (*Model, error) {
	name, err := f.String("general.architecture")
	if err != nil {
		return nil, err
	}
	arch, ok := architectures[name]
	if !ok {
		return nil, fmt.Errorf("architecture %q is not supported; supported are %s", name, supported())
	}
	c, err := readConfig(f, name)
	if err != nil {
		return nil, err
	}
	c.QKVBias, c.QKNorm = arch.qkvBias, arch.qkNorm

	b := newBinder(f)
	if c.Vocab, err = vocabulary(f); err != nil {
		return nil, err
	}
	m := &Model{
		embd:       b.matrix("token_embd.weight", c.Vocab, c.Hidden),
		outputNorm: b.vector("output_norm.weight", c.Hidden),
	}
	if c.Tied = !b.has("output.weight"); c.Tied {
		m.output = m.embd
	} else {
		m.output = b.matrix("output.weight", c.Vocab, c.Hidden)
	}
	for i := range c.Layers {
		m.layers = append(m.layers, bindLayer(b, &c, i))
		if len(b.errs)+len(b.missing) > maxProblems {
			break
		}
	}
	if err := b.err(name); err != nil {
		return nil, err
	}
	for _, t := range f.Tensors() {
		c.Params += t.Elements()
		c.WeightBytes += int64(len(t.Data))
	}
	m.config, m.rope = c, newRope(c)
	return m, nil
}

func bindLayer(b *binder, c *Config, i int) (l layer) {
	name := func(s string) string { return fmt.Sprintf("blk.%d.%s", i, s) }
	matrix := func(s string, rows, cols int) tensor.Matrix { return b.matrix(name(s), rows, cols) }
	vector := func(s string, n int) []float32 { return b.vector(name(s), n) }
	q, kv := c.Heads*c.HeadDim, c.KVHeads*c.HeadDim

	l.attnNorm = vector("attn_norm.weight", c.Hidden)
	l.q = matrix("attn_q.weight", q, c.Hidden)
	l.k = matrix("attn_k.weight", kv, c.Hidden)
	l.v = matrix("attn_v.weight", kv, c.Hidden)
	l.o = matrix("attn_output.weight", c.Hidden, q)
	if c.QKVBias {
		l.qBias = vector("attn_q.bias", q)
		l.kBias = vector("attn_k.bias", kv)
		l.vBias = vector("attn_v.bias", kv)
	}
	if c.QKNorm {
		l.qNorm = vector("attn_q_norm.weight", c.HeadDim)
		l.kNorm = vector("attn_k_norm.weight", c.HeadDim)
	}
	l.ffnNorm = vector("ffn_norm.weight", c.Hidden)
	l.gate = matrix("ffn_gate.weight", c.FFN, c.Hidden)
	l.up = matrix("ffn_up.weight", c.FFN, c.Hidden)
	l.down = matrix("ffn_down.weight", c.Hidden, c.FFN)
	return l
}

// vocabulary is the number of token embeddings, which must be that of the
// tokenizer's tokens where the file has both.
func vocabulary(f *gguf.File) (int, error) {
	t, ok := f.Tensor("token_embd.weight")
	if !ok || len(t.Dims) != 2 {
		return 0, errors.New("the file lacks the tensor token_embd.weight of 2 dimensions")
	}
	rows := int(t.Dims[1])
	tokens, err := f.Strings("tokenizer.ggml.tokens")
	if err != nil && !errors.Is(err, gguf.ErrMissing) {
		return 0, err
	}
	if err == nil && len(tokens) != rows {
		return 0, fmt.Errorf("token_embd.weight has %d rows, tokenizer.ggml.tokens has %d tokens: they must be as many", rows, len(tokens))
	}
	return rows, nil
}

// Config returns the model's shape.
func (m *Model) Config() Config { return m.config }
