package model

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"cllm/gguf"
	"cllm/gguf/gguftest"
	"cllm/kernels"
	"cllm/tensor"
)

// oracle computes a whole sequence in float64, with gonum's matrix product and
// the textbook's formulas, from a file's tensors by name. It shares nothing
// with the forward pass but the reading of weights.
type oracle struct {
	t       testing.TB
	file    *gguf.File
	arch    string
	pairs   bool
	factors []float64
	base    func(layer int) float64 // of the rotation; 0: the layer does not rotate
	window  func(layer int) int
}

func (o *oracle) number(key string) int {
	n, err := o.file.Uint(o.arch + "." + key)
	require.NoError(o.t, err)
	return int(n)
}

// weights is a tensor as a matrix, a vector as one row; nil when absent.
func (o *oracle) weights(name string) *mat.Dense {
	x, ok := o.file.Tensor(name)
	if !ok {
		return nil
	}
	rows, cols := 1, int(x.Dims[0])
	if len(x.Dims) == 2 {
		rows = int(x.Dims[1])
	}
	x.Dims = []int64{int64(cols), int64(rows)}
	m, err := tensor.NewMatrix(x)
	require.NoError(o.t, err)
	d, row := mat.NewDense(rows, cols, nil), make([]float32, cols)
	for i := range rows {
		m.Row(row, i)
		for j, v := range row {
			d.Set(i, j, float64(v))
		}
	}
	return d
}

// linear is x·Wᵀ + b.
func (o *oracle) linear(x *mat.Dense, name string) *mat.Dense {
	var y mat.Dense
	y.Mul(x, o.weights(name+".weight").T())
	if b := o.weights(name + ".bias"); b != nil {
		rows, _ := y.Dims()
		for i := range rows {
			floats.Add(y.RawRowView(i), b.RawRowView(0))
		}
	}
	return &y
}

// norm is RMSNorm of each run of the weight's length in each row.
func (o *oracle) norm(x *mat.Dense, name string) *mat.Dense {
	w := o.weights(name).RawRowView(0)
	y := mat.DenseCopyOf(x)
	rows, cols := y.Dims()
	for i := range rows {
		for at := 0; at < cols; at += len(w) {
			v := y.RawRowView(i)[at : at+len(w)]
			floats.Scale(1/math.Sqrt(floats.Dot(v, v)/float64(len(v))+1e-6), v)
			floats.Mul(v, w)
		}
	}
	return y
}

func (o *oracle) rotate(x []float64, pos int, base float64) {
	n := len(x) / 2
	for i := range n {
		angle := float64(pos) * math.Pow(base, -float64(i)/float64(n))
		if o.factors != nil {
			angle /= o.factors[i]
		}
		a, b := i, i+n
		if o.pairs {
			a, b = 2*i, 2*i+1
		}
		s, c := math.Sincos(angle)
		x[a], x[b] = x[a]*c-x[b]*s, x[a]*s+x[b]*c
	}
}

func (o *oracle) attention(x *mat.Dense, i, heads, kvHeads int) *mat.Dense {
	layer := blockName(i)
	q, k, v := o.linear(x, layer+"attn_q"), o.linear(x, layer+"attn_k"), o.linear(x, layer+"attn_v")
	if o.weights(layer+"attn_q_norm.weight") != nil {
		q, k = o.norm(q, layer+"attn_q_norm.weight"), o.norm(k, layer+"attn_k_norm.weight")
	}
	n, width := q.Dims()
	d := width / heads
	out := mat.NewDense(n, width, nil)
	for pos := range n {
		if o.base(i) == 0 {
			break
		}
		for h := range heads {
			o.rotate(q.RawRowView(pos)[h*d:][:d], pos, o.base(i))
		}
		for h := range kvHeads {
			o.rotate(k.RawRowView(pos)[h*d:][:d], pos, o.base(i))
		}
	}
	for h := range heads {
		kv := h / (heads / kvHeads) * d
		for pos := range n {
			first := max(0, pos+1-o.window(i))
			scores := make([]float64, pos+1-first)
			for j := range scores {
				scores[j] = floats.Dot(q.RawRowView(pos)[h*d:][:d], k.RawRowView(first + j)[kv:][:d]) / math.Sqrt(float64(d))
			}
			sum := floats.LogSumExp(scores)
			for j, s := range scores {
				floats.AddScaled(out.RawRowView(pos)[h*d:][:d], math.Exp(s-sum), v.RawRowView(first + j)[kv:][:d])
			}
		}
	}
	return o.linear(out, layer+"attn_output")
}

func (o *oracle) feedForward(x *mat.Dense, layer string) *mat.Dense {
	gate, up := o.linear(x, layer+"ffn_gate"), o.linear(x, layer+"ffn_up")
	gate.Apply(func(i, j int, g float64) float64 { return g / (1 + math.Exp(-g)) * up.At(i, j) }, gate)
	return o.linear(gate, layer+"ffn_down")
}

func (o *oracle) logits(tokens []int32) *mat.Dense {
	heads, kvHeads := o.number("attention.head_count"), o.number("attention.head_count_kv")
	embd := o.weights("token_embd.weight")
	_, hidden := embd.Dims()
	x := mat.NewDense(len(tokens), hidden, nil)
	for i, t := range tokens {
		x.SetRow(i, embd.RawRowView(int(t)))
	}
	for i := range o.number("block_count") {
		layer := blockName(i)
		x.Add(x, o.attention(o.norm(x, layer+"attn_norm.weight"), i, heads, kvHeads))
		x.Add(x, o.feedForward(o.norm(x, layer+"ffn_norm.weight"), layer))
	}
	x = o.norm(x, "output_norm.weight")
	if o.weights("output.weight") != nil {
		return o.linear(x, "output")
	}
	var y mat.Dense
	y.Mul(x, embd.T())
	return &y
}

func blockName(i int) string { return fmt.Sprintf("blk.%d.", i) }

// mixed is an architecture of these tests alone, whose layers differ: the first
// is as in qwen2, the next has another base and a window, the next does not
// rotate, and so on.
func mixed(l *loader) {
	l.embedding()
	other := l.config
	other.RopeTheta = 500
	ropes := []*rotation{l.rotation(neox, nil), l.addRotation(newRotation(other, neox, nil)), {}}
	for layer := range l.layers() {
		a := layer.attention(ropes[layer.i%3])
		if layer.i%3 == 1 {
			a.window = 7
		}
		layer.block("attn_norm", a)
		layer.block("ffn_norm", layer.feedForward(silu))
	}
	l.head()
}

// unquantized is a tensor in F32.
func unquantized(t testing.TB) func(x gguf.Tensor) *gguf.Tensor {
	return func(x gguf.Tensor) *gguf.Tensor {
		if x.Type == gguf.F32 {
			return &x
		}
		m, err := tensor.NewMatrix(x)
		require.NoError(t, err)
		values := make([]float32, m.Rows*m.Cols)
		for i := range m.Rows {
			m.Row(values[i*m.Cols:][:m.Cols], i)
		}
		x.Type, x.Data = gguf.F32, gguftest.Floats(values)
		return &x
	}
}

// The whole forward pass of each architecture is that of a float64
// computation, but for the rounding of float32: with weights that are not
// quantized, so that nothing else is rounded.
func TestForwardAgainstFloat64(t *testing.T) {
	factors := make([]float32, 32)
	for i := range factors {
		factors[i] = 1 + float32(i)/4
	}
	architectures["mixed"] = architecture{dense, mixed}
	t.Cleanup(func() { delete(architectures, "mixed") })
	for _, c := range []struct {
		name string
		file *gguf.File
	}{
		{"qwen2", odd{base: "demo-qwen2-q8_0.gguf", tensor: unquantized(t)}.file(t)},
		{"qwen3", odd{base: "demo-qwen3-f16.gguf", tensor: unquantized(t)}.file(t)},
		{"llama", odd{base: "demo-qwen2-q8_0.gguf", arch: "llama", tensor: unquantized(t), add: func(b *gguftest.Builder) {
			b.Tensor("rope_freqs.weight", gguf.F32, gguftest.Floats(factors), int64(len(factors)))
		}}.file(t)},
		{"mixed", odd{base: "demo-qwen2-q8_0.gguf", arch: "mixed", tensor: unquantized(t)}.file(t)},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := &oracle{t: t, file: c.file, arch: c.name,
				base: func(int) float64 { return 10000 }, window: func(int) int { return 1 << 20 }}
			switch c.name {
			case "llama":
				o.pairs = true
				for _, f := range factors {
					o.factors = append(o.factors, float64(f))
				}
			case "mixed":
				o.base = func(i int) float64 { return []float64{10000, 500, 0}[i%3] }
				o.window = func(i int) int { return []int{1 << 20, 7, 1 << 20}[i%3] }
			}
			m, err := Load(c.file)
			require.NoError(t, err)
			tokens := randomTokens(11, 40, m.Config().Vocab)
			want := o.logits(tokens)
			r := newRig(t, m, rigOptions{threads: 2, maxTokens: 64, maxOutputs: 40, blocks: 2, format: kernels.KVF32})
			got := r.forward(Span{Tokens: tokens, Blocks: r.blocksFor(40), Logits: 40})
			worst, largest := 0.0, 0.0
			for i, row := range got {
				for j, x := range row {
					worst = max(worst, math.Abs(float64(x)-want.At(i, j)))
					largest = max(largest, math.Abs(want.At(i, j)))
				}
			}
			t.Logf("logits up to %.1f differ by at most %.1e", largest, worst)
			require.Greater(t, largest, 1.0)
			require.Less(t, worst, 5e-6*largest)
		})
	}
}
