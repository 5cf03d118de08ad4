package model

import (
	"cllm/kernels"
	"cllm/tensor"
)

// attention is the mixer of a transformer: each position sees itself and those
// before it, through the KV cache.
type attention struct {
	layer        int // its place in the cache, counted among the attentions
	q, k, v, o   linear
	qNorm, kNorm norm // of each head
	rotation     *rotation
	window       int // positions that a row sees, its own among them, or everything
}

// everything is the window of an attention that sees all positions up to the
// row's own.
const everything = 0

func (a *attention) mixes() bool { return true }

func (a *attention) inputs(n *inputs) {
	n.hidden.add(&a.q, &a.k, &a.v)
	n.heads.add(&a.o)
}

// run keeps the keys and values of all rows, and attends for those of out.
func (a *attention) run(r *Runner, w *tensor.Worker, b *block, in, out *rowSet) {
	a.project(r, w, b, in)
	a.place(r, w, in)
	if out.n == 0 {
		return
	}
	r.attend(w, a, out)
	a.combine(r, w, out)
}

// project computes q, k and v side by side in qkv.
func (a *attention) project(r *Runner, w *tensor.Worker, b *block, in *rowSet) {
	var wanted kinds
	wanted.add(&a.q, &a.k, &a.v)
	r.normalize(w, in, b, wanted)
	stride := r.m.config.qkvWidth()
	w.MatMul(r.qkv, stride, a.q.Matrix, in.hidden.of(&a.q))
	w.MatMul(r.qkv[a.q.Rows:], stride, a.k.Matrix, in.hidden.of(&a.k))
	w.MatMul(r.qkv[a.q.Rows+a.k.Rows:], stride, a.v.Matrix, in.hidden.of(&a.v))
	w.Barrier()
}

// place finishes the heads (bias, norm, rotation) and stores keys and values
// in the cache; a piece is one KV head of one row with the queries it serves.
func (a *attention) place(r *Runner, w *tensor.Worker, in *rowSet) {
	heads := r.m.config.KVHeads
	n := in.n * heads
	spare := r.local[w.ID].half
	w.For(n, grain(w, n), func(lo, hi int) {
		for i := lo; i < hi; i++ {
			a.placeHead(r, w.Kernels, spare, i/heads, i%heads)
		}
	})
	w.Barrier()
}

func (a *attention) placeHead(r *Runner, k *kernels.Impl, spare []float32, i, head int) {
	c := &r.m.config
	d, group := c.HeadDim, c.group()
	qkv := r.qkv[i*c.qkvWidth():][:c.qkvWidth()]
	q := qkv[head*group*d:][:group*d]
	key := qkv[(c.Heads+head)*d:][:d]
	value := qkv[(c.Heads+c.KVHeads+head)*d:][:d]
	if a.q.bias != nil {
		k.Add(q, a.q.bias[head*group*d:][:group*d])
	}
	if a.k.bias != nil {
		k.Add(key, a.k.bias[head*d:][:d])
	}
	if a.v.bias != nil {
		k.Add(value, a.v.bias[head*d:][:d])
	}
	if a.qNorm.weight != nil {
		for h := 0; h < len(q); h += d {
			a.qNorm.apply(k, q[h:h+d], q[h:h+d])
		}
	}
	if a.kNorm.weight != nil {
		a.kNorm.apply(k, key, key)
	}
	at, half := i*c.angles+a.rotation.first, len(a.rotation.freq)
	scale := float32(r.queryScale)
	for h := 0; h < len(q); h += d {
		a.rotation.rotate(k, q[h:h+d], r.qcos[at:][:half], r.qsin[at:][:half], spare)
		for e := h + 2*half; e < h+d; e++ {
			q[e] *= scale
		}
	}
	a.rotation.rotate(k, key, r.cos[at:][:half], r.sin[at:][:half], spare)
	if r.kv.format == kernels.KVQ8 {
		for h := 0; h < len(q); h += d {
			hadamard(q[h : h+d])
		}
		hadamard(key)
	}

	row := r.rows[i]
	block := r.spans[row.span].Blocks[row.pos/kernels.BlockTokens]
	k.StoreKV[r.kv.format](r.kv.at(a.layer, block, head), int(row.pos%kernels.BlockTokens), key, value)
}

// combine sets delta to the output projection of attn.
func (a *attention) combine(r *Runner, w *tensor.Worker, out *rowSet) {
	var wanted kinds
	wanted.add(&a.o)
	r.quantize(w, out, &out.heads, wanted, r.attn, a.o.Cols)
	r.multiply(w, r.delta, &a.o, &out.heads, out.n)
	w.Barrier()
}
