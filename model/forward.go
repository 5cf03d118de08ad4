package model

import (
	"cllm/kernels"
	"cllm/tensor"
)

// forward is one step, run by every worker. The stages are separated by
// barriers; within a stage the workers take pieces as they come.
//
// The products o and down leave their result in delta; whoever normalises the
// residual stream next adds it, row by row.
func (r *Runner) forward(w *tensor.Worker) {
	r.embed(w)
	for i := range r.m.layers {
		l := &r.m.layers[i]
		r.project(w, i, l)
		r.place(w, i, l)
		s := &r.all
		if i == len(r.m.layers)-1 {
			s = &r.outs // past the last keys and values only these matter
		}
		if s.n == 0 {
			return
		}
		r.attend(w, i, l.window, s)
		r.mix(w, l, s)
		r.feed(w, l, s)
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
			r.m.rope.angles(int(r.rows[i].pos), r.queryScale,
				r.cos[i*half:][:half], r.sin[i*half:][:half], r.qcos[i*half:][:half], r.qsin[i*half:][:half])
		}
	})
	w.Barrier()
}

// norm makes the inputs of products from the normalised residual stream of a
// set of rows, after it has added delta if told.
func (r *Runner) norm(w *tensor.Worker, s *rows, in *acts, wanted kinds, add bool, weight []float32) {
	row := r.local[w.ID].row
	w.For(s.n, grain(w, s.n), func(lo, hi int) {
		for i := lo; i < hi; i++ {
			x := r.residual(s, i)
			if add {
				w.Kernels.Add(x, r.delta[i*len(x):][:len(x)])
			}
			w.Kernels.RMSNorm(row, x, weight, r.m.config.RMSEps)
			in.set(w.Kernels, i, row, wanted)
		}
	})
	w.Barrier()
}

// residual is row i of a set in the residual stream.
func (r *Runner) residual(s *rows, i int) []float32 {
	if s == &r.outs {
		i = int(r.source[i])
	}
	n := r.m.config.Hidden
	return r.x[i*n:][:n]
}

// quantize makes the inputs of products from n rows of x as they are.
func (r *Runner) quantize(w *tensor.Worker, s *rows, in *acts, wanted kinds, x []float32, width int) {
	w.For(s.n, grain(w, s.n), func(lo, hi int) {
		for i := lo; i < hi; i++ {
			in.set(w.Kernels, i, x[i*width:][:width], wanted)
		}
	})
	w.Barrier()
}

// project computes q, k and v of all rows, side by side in qkv.
func (r *Runner) project(w *tensor.Worker, li int, l *layer) {
	c := &r.m.config
	var wanted kinds
	wanted.add(l.q, l.k, l.v)
	r.norm(w, &r.all, &r.all.hidden, wanted, li > 0, l.attnNorm)
	stride := c.qkvWidth()
	k := c.Heads * c.HeadDim
	v := k + c.KVHeads*c.HeadDim
	w.MatMul(r.qkv, stride, l.q, r.all.hidden.of(l.q))
	w.MatMul(r.qkv[k:], stride, l.k, r.all.hidden.of(l.k))
	w.MatMul(r.qkv[v:], stride, l.v, r.all.hidden.of(l.v))
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
	scale := float32(r.queryScale)
	for h := 0; h < len(q); h += d {
		k.Rope(q[h:h+d], r.qcos[i*half:][:half], r.qsin[i*half:][:half])
		for e := h + 2*half; e < h+d; e++ {
			q[e] *= scale
		}
	}
	k.Rope(key, r.cos[i*half:][:half], r.sin[i*half:][:half])
	if r.kv.format == kernels.KVQ8 {
		for h := 0; h < len(q); h += d {
			hadamard(q[h : h+d])
		}
		hadamard(key)
	}

	at := r.rows[i]
	block := r.spans[at.span].Blocks[at.pos/kernels.BlockTokens]
	k.StoreKV[r.kv.format](r.kv.at(li, block, head), int(at.pos%kernels.BlockTokens), key, value)
}

// mix sets delta to the output projection of attn.
func (r *Runner) mix(w *tensor.Worker, l *layer, s *rows) {
	c := &r.m.config
	var wanted kinds
	wanted.add(l.o)
	r.quantize(w, s, &s.heads, wanted, r.attn, c.Heads*c.HeadDim)
	w.MatMul(r.delta, c.Hidden, l.o, s.heads.of(l.o))
	w.Barrier()
}

// feed sets delta to the feed-forward network of the residual stream.
func (r *Runner) feed(w *tensor.Worker, l *layer, s *rows) {
	c := &r.m.config
	var wanted, inner kinds
	wanted.add(l.gate, l.up)
	inner.add(l.down)
	r.norm(w, s, &s.hidden, wanted, true, l.ffnNorm)
	gate, up := r.local[w.ID].gate, r.local[w.ID].up
	w.Rows(c.FFN, l.gate.LeastRows(s.n), len(gate)/s.n, func(lo, hi int) {
		w.Mul(gate, hi-lo, l.gate, lo, hi, s.hidden.of(l.gate))
		w.Mul(up, hi-lo, l.up, lo, hi, s.hidden.of(l.up))
		for i := range s.n {
			at := i * (hi - lo)
			w.Kernels.SiLUMul(r.ffn[i*c.FFN+lo:i*c.FFN+hi], gate[at:at+hi-lo], up[at:at+hi-lo])
		}
	})
	w.Barrier()
	r.quantize(w, s, &s.inner, inner, r.ffn, c.FFN)
	w.MatMul(r.delta, c.Hidden, l.down, s.inner.of(l.down))
	w.Barrier()
}

// head normalises the outputs and multiplies them with the output head.
func (r *Runner) head(w *tensor.Worker) {
	c := &r.m.config
	var wanted kinds
	wanted.add(r.m.output)
	w.For(r.outs.n, grain(w, r.outs.n), func(lo, hi int) {
		for i := lo; i < hi; i++ {
			row, x := r.final[i*c.Hidden:][:c.Hidden], r.residual(&r.outs, i)
			w.Kernels.Add(x, r.delta[i*c.Hidden:][:c.Hidden])
			w.Kernels.RMSNorm(row, x, r.m.outputNorm, c.RMSEps)
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
