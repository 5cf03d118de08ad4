package model

import (
	"errors"
	"fmt"
	"iter"

	"cllm/gguf"
)

// Load binds the tensors of a file and checks their shapes against its
// metadata. Of the weights it reads only norms and biases that are not F32, and factors
// of the rotation.
func Load(f *gguf.File) (m *Model, err error) {
	err = f.Guard(func() (err error) {
		m, err = load(f)
		return err
	})
	if err != nil {
		return nil, f.Wrap(err)
	}
	return m, nil
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
	l := &loader{binder: newBinder(f), metadata: &metadata{file: f, arch: name}}
	if l.config, err = arch.shape(l.metadata); err != nil {
		return nil, err
	}
	if l.config.Vocab, err = vocabulary(f); err != nil {
		return nil, err
	}
	arch.describe(l)
	if err := errors.Join(l.metadata.err(), l.binder.err(name)); err != nil {
		return nil, err
	}
	return l.finish(f), nil
}

// loader is what an architecture takes its models from: the shape that was
// read, more metadata, the tensors. It notes what is wrong or missing, so that
// one error can name it all.
type loader struct {
	*binder
	metadata *metadata
	config   Config
	model    Model
	// attentions is how many there are so far.
	attentions int
}

// finish adds up what the blocks did not say.
func (l *loader) finish(f *gguf.File) *Model {
	m, c := &l.model, &l.config
	for i := range m.blocks {
		if m.blocks[i].op.mixes() {
			m.lastMixer = i
		}
	}
	for _, t := range f.Tensors() {
		c.Params += t.Elements()
		c.WeightBytes += int64(len(t.Data))
	}
	m.config, m.warnings = *c, l.warnings()
	return m
}

// refuse makes a count in the metadata that is not 0 an error.
func (l *loader) refuse(key, what string) {
	if n, err := l.metadata.file.Uint(l.metadata.key(key)); err == nil && n > 0 {
		l.errs = append(l.errs, l.metadata.errorf(key, "%d %s are not supported in this architecture", n, what))
	}
}

// embedding is the table of token embeddings.
func (l *loader) embedding() {
	l.model.embd = l.matrix("token_embd.weight", l.config.Vocab, l.config.Hidden)
}

// rotation is the rotary embedding that the metadata describes, with a factor
// for each of its frequencies or nil.
func (l *loader) rotation(in layout, factors []float32) *rotation {
	if len(factors) != l.config.RopeDims/2 {
		factors = nil // there are none, or their length is an error already
	}
	for i, f := range factors {
		if !(f > 0 && f < 1e30) {
			l.errs = append(l.errs, fmt.Errorf("factor %d of the rotation's frequencies is %g, it must be positive", i, f))
		}
	}
	return l.addRotation(newRotation(l.config, in, factors))
}

// addRotation has the angles of a rotation computed for each position.
func (l *loader) addRotation(t *rotation) *rotation {
	t.first = l.config.angles
	l.config.angles += len(t.freq)
	l.model.rotations = append(l.model.rotations, t)
	return t
}

// layers gives the loader of each layer in turn. It ends early when so much is
// wrong that there is no use in more.
func (l *loader) layers() iter.Seq[*layerLoader] {
	return func(yield func(*layerLoader) bool) {
		for i := range l.config.Layers {
			if len(l.errs)+len(l.missing) > maxProblems || !yield(&layerLoader{l, i}) {
				return
			}
		}
	}
}

// head is the last norm and the output head, which is the embedding's table
// where the file has no other.
func (l *loader) head() {
	c, m := &l.config, &l.model
	m.outputNorm = norm{l.vector("output_norm.weight", c.Hidden), c.RMSEps}
	if c.Tied = !l.has("output.weight"); c.Tied {
		m.output = linear{Matrix: m.embd, bias: l.optional("output.bias", c.Vocab)}
	} else {
		m.output = l.linear("output", c.Vocab, c.Hidden)
	}
}

// layerLoader is the loader of layer i: its names are those of the layer.
type layerLoader struct {
	*loader
	i int
}

func (l *layerLoader) name(s string) string { return fmt.Sprintf("blk.%d.%s", l.i, s) }

func (l *layerLoader) linear(name string, rows, cols int) linear {
	return l.loader.linear(l.name(name), rows, cols)
}

func (l *layerLoader) norm(name string, size int) norm {
	return norm{l.vector(l.name(name+".weight"), size), l.config.RMSEps}
}

// block adds a branch of the residual stream with the named norm.
func (l *layerLoader) block(norm string, op operator) {
	l.model.blocks = append(l.model.blocks, block{l.norm(norm, l.config.Hidden), op})
}

// attention is one without head norms, its q, k and v a product each or fused.
func (l *layerLoader) attention(rope *rotation) *attention {
	c := &l.config
	q, kv := c.Heads*c.HeadDim, c.KVHeads*c.HeadDim
	a := &attention{layer: l.attentions, rotation: rope}
	l.attentions++
	l.products("attn_qkv", product{"attn_q", q, &a.q}, product{"attn_k", kv, &a.k}, product{"attn_v", kv, &a.v})
	a.o = l.linear("attn_output", c.Hidden, q)
	return a
}

// product is one of several that a file may have fused: its name when it has
// not, its rows, and what is to be set.
type product struct {
	name string
	rows int
	set  *linear
}

// products sets products of the stream: views of the one that holds the rows of
// all in turn, or each by its name. Biases may be apart where weights are not.
func (l *layerLoader) products(fused string, list ...product) {
	apart := !l.has(l.name(fused + ".weight"))
	all := 0
	for _, p := range list {
		all += p.rows
		if apart {
			*p.set = l.linear(p.name, p.rows, l.config.Hidden)
		}
	}
	if apart {
		return
	}
	whole := l.linear(fused, all, l.config.Hidden)
	if whole.Rows != all || whole.bias != nil && len(whole.bias) != all {
		return // an error already
	}
	at := 0
	for _, p := range list {
		p.set.Matrix = whole.Slice(at, at+p.rows)
		if whole.bias != nil {
			p.set.bias = whole.bias[at:][:p.rows]
		} else {
			p.set.bias = l.optional(l.name(p.name+".bias"), p.rows)
		}
		at += p.rows
	}
}

func (l *layerLoader) feedForward(act activation) *feedForward {
	c := &l.config
	return &feedForward{
		gate: l.linear("ffn_gate", c.FFN, c.Hidden),
		up:   l.linear("ffn_up", c.FFN, c.Hidden),
		down: l.linear("ffn_down", c.Hidden, c.FFN),
		act:  act,
	}
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
