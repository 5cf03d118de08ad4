package model

import (
	"cllm/kernels"
	"cllm/tensor"
)

// forward is one step, run by every worker. The stages are separated by
// barriers; within a stage the workers take pieces as they come.
func (r *Runner) forward(w *tensor.Worker) {
	r.embed(w)
	for i := range r.m.layers {
		l := &r.m.layers[i]
		r.project(w, l)
		r.place(w, i, l)
		if i < len(r.m.layers)-1 {
			r.attend(w, i, &r.all)
			r.mix(w, l, &r.heads, r.x, r.all.n, false)
			r.feed(w, l, &r.hidden, &r.inner, r.x, r.all.n)
			continue
		}
		// Past the last keys and values only the outputs matter.
		if r.outs.n == 0 {
			return
		}
		r.attend(w, i, &r.outs)
		r.mix(w, l, &r.headsOut, r.y, r.outs.n, true)
		r.feed(w, l, &r.hiddenOut, &r.innerOut, r.y, r.outs.n)
	}
	r.head(w)
}

// grain cuts n equal pieces of work into a few chunks per worker.
func grain(w *tensor.Worker, n int) int { return max(1, n/(8*w.N)) }

// embed looks up the tokens and computes the angles of their positions.
func (r *Runner) embed(w *tensor.Worker) {
	c := &r.m.config
	half := c.RopeDims / 2
	w.For(r.all.n, grain(w, r.all.n), func(lo, hi int) {
		for i := lo; i < hi; i++ {
			r.m.embd.Row(r.x[i*c.Hidden:][:c.Hidden], int(r.rows[i].token))
			r.m.rope.angles(int(r.rows[i].pos), c.queryScale(),
				r.cos[i*half:][:half], r.sin[i*half:][:half], r.qcos[i*half:][:half], r.qsin[i*half:][:half])
		}
	})
	w.Barrier()
}

// norm makes the inputs of products from n normalised rows of x.
func (r *Runner) norm(w *tensor.Worker, in *acts, wanted kinds, x []float32, n int, weight []float32) {
	c := &r.m.config
	row := r.local[w.ID].row
	w.For(n, grain(w, n), func(lo, hi int) {
		for i := lo; i < hi; i++ {
			w.Kernels.RMSNorm(row, x[i*c.Hidden:][:c.Hidden], weight, c.RMSEps)
			in.set(w.Kernels, i, row, wanted)
		}
	})
	w.Barrier()
}

// quantize makes the inputs of products from n rows of x as they are.
func (r *Runner) quantize(w *tensor.Worker, in *acts, wanted kinds, x []float32, n, width int) {
	w.For(n, grain(w, n), func(lo, hi int) {
		for i := lo; i < hi; i++ {
			in.set(w.Kernels, i, x[i*width:][:width], wanted)
		}
	})
	w.Barrier()
}

// project computes q, k and v of all rows, side by side in qkv.
func (r *Runner) project(w *tensor.Worker, l *layer) {
	c := &r.m.config
	var wanted kinds
	wanted.add(l.q, l.k, l.v)
	r.norm(w, &r.hidden, wanted, r.x, r.all.n, l.attnNorm)
	stride := c.qkvWidth()
	k := c.Heads * c.HeadDim
	v := k + c.KVHeads*c.HeadDim
	w.MatMul(r.qkv, stride, l.q, r.hidden.of(l.q))
	w.MatMul(r.qkv[k:], stride, l.k, r.hidden.of(l.k))
	w.MatMul(r.qkv[v:], stride, l.v, r.hidden.of(l.v))
	w.Barrier()
}

// place finishes the heads (bias, norm, rotation) and stores keys and values
// in the cache; a piece is one KV head of one row with the queries it serves.
func (r *Runner) place(w *tensor.Worker, li int, l *layer) {
	c := &r.m.config
	n := r.all.n * c.KVHeads
	w.For(n, grain(w, n), func(lo, hi int) {
		for i := lo; i < hi; i++ {
			r.placeHead(w.Kernels, li, l, i/c.KVHeads, i%c.KVHeads)
		}
	})
	w.Barrier()
}

func (r *Runner) placeHead(k *kernels.Impl, li int, l *layer, i, head int) {
	c := &r.m.config
	d, group, half := c.HeadDim, c.group(), c.RopeDims/2
	qkv := r.qkv[i*c.qkvWidth():][:c.qkvWidth()]
	q := qkv[head*group*d:][:group*d]
	key := qkv[(c.Heads+head)*d:][:d]
	value := qkv[(c.Heads+c.KVHeads+head)*d:][:d]
	if c.QKVBias {
		k.Add(q, l.qBias[head*group*d:][:group*d])
		k.Add(key, l.kBias[head*d:][:d])
		k.Add(value, l.vBias[head*d:][:d])
	}
	if c.QKNorm {
		for h := 0; h < len(q); h += d {
			k.RMSNorm(q[h:h+d], q[h:h+d], l.qNorm, c.RMSEps)
		}
		k.RMSNorm(key, key, l.kNorm, c.RMSEps)
	}
	scale := float32(c.queryScale())
	for h := 0; h < len(q); h += d {
		k.Rope(q[h:h+d], r.qcos[i*half:][:half], r.qsin[i*half:][:half])
		for e := h + 2*half; e < h+d; e++ {
			q[e] *= scale
		}
	}
	k.Rope(key, r.cos[i*half:][:half], r.sin[i*half:][:half])

	at := r.rows[i]
	block := r.spans[at.span].Blocks[at.pos/kernels.BlockTokens]
	k.StoreKV[r.kv.format](r.kv.at(li, block, head), int(at.pos%kernels.BlockTokens), key, value)
}

// mix adds the output projection of n rows of attn to x. When these are the
// outputs, x starts as the rows they come from.
func (r *Runner) mix(w *tensor.Worker, l *layer, in *acts, x []float32, n int, outputs bool) {
	c := &r.m.config
	var wanted kinds
	wanted.add(l.o)
	r.quantize(w, in, wanted, r.attn, n, c.Heads*c.HeadDim)
	a := in.of(l.o)
	tmp := r.local[w.ID].a
	w.Rows(c.Hidden, r.stageRows(l.o, n), func(lo, hi int) {
		w.Mul(tmp, hi-lo, l.o, lo, hi, a)
		for i := range n {
			dst := x[i*c.Hidden+lo : i*c.Hidden+hi]
			if outputs {
				copy(dst, r.x[int(r.source[i])*c.Hidden+lo:])
			}
			w.Kernels.Add(dst, tmp[i*(hi-lo):][:hi-lo])
		}
	})
	w.Barrier()
}

// feed adds the feed-forward network of n rows of x to them.
func (r *Runner) feed(w *tensor.Worker, l *layer, in, inner *acts, x []float32, n int) {
	c := &r.m.config
	var wanted, wantedInner kinds
	wanted.add(l.gate, l.up)
	wantedInner.add(l.down)
	r.norm(w, in, wanted, x, n, l.ffnNorm)
	gate, up := r.local[w.ID].a, r.local[w.ID].b
	w.Rows(c.FFN, r.stageRows(l.gate, n), func(lo, hi int) {
		w.Mul(gate, hi-lo, l.gate, lo, hi, in.of(l.gate))
		w.Mul(up, hi-lo, l.up, lo, hi, in.of(l.up))
		for i := range n {
			at := i * (hi - lo)
			w.Kernels.SiLUMul(r.ffn[i*c.FFN+lo:i*c.FFN+hi], gate[at:at+hi-lo], up[at:at+hi-lo])
		}
	})
	w.Barrier()
	r.quantize(w, inner, wantedInner, r.ffn, n, c.FFN)
	down := inner.of(l.down)
	w.Rows(c.Hidden, r.stageRows(l.down, n), func(lo, hi int) {
		w.Mul(gate, hi-lo, l.down, lo, hi, down)
		for i := range n {
			w.Kernels.Add(x[i*c.Hidden+lo:i*c.Hidden+hi], gate[i*(hi-lo):][:hi-lo])
		}
	})
	w.Barrier()
}

// stageRows is how many rows of m a worker's buffer holds for n columns.
func (r *Runner) stageRows(m tensor.Matrix, n int) int {
	return min(tensor.ChunkRows(m, n), len(r.local[0].a)/n)
}

// head normalises the outputs and multiplies them with the output head.
func (r *Runner) head(w *tensor.Worker) {
	c := &r.m.config
	var wanted kinds
	wanted.add(r.m.output)
	w.For(r.outs.n, grain(w, r.outs.n), func(lo, hi int) {
		for i := lo; i < hi; i++ {
			row := r.final[i*c.Hidden:][:c.Hidden]
			w.Kernels.RMSNorm(row, r.y[i*c.Hidden:][:c.Hidden], r.m.outputNorm, c.RMSEps)
			if at := r.rows[r.source[i]].logits; at >= 0 {
				r.headIn.set(w.Kernels, int(at), row, wanted)
			}
		}
	})
	w.Barrier()
	if r.nLogits == 0 {
		return
	}
	w.MatMul(r.logits, c.Vocab, r.m.output, r.headIn.of(r.m.output))
}
