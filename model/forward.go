package model

import "cllm/tensor"

// forward is one step, run by every worker. The stages are separated by
// barriers; within a stage the workers take pieces as they come.
//
// A block leaves its result in delta; whoever normalises the residual stream
// next adds it, row by row.
func (r *Runner) forward(w *tensor.Worker) {
	r.embed(w)
	s := &r.all
	for i := range r.m.blocks {
		b := &r.m.blocks[i]
		in := s
		if i == r.m.lastMixer {
			s = &r.outs // past the last keys and values only these matter
		}
		b.op.run(r, w, b, in, s)
		if s.n == 0 {
			return
		}
	}
	r.head(w)
}

// grain cuts n equal pieces of work into a few chunks per worker.
func grain(w *tensor.Worker, n int) int { return max(1, n/(8*w.N)) }

// embed looks up the tokens and computes the angles of their positions.
func (r *Runner) embed(w *tensor.Worker) {
	c := &r.m.config
	w.For(r.all.n, grain(w, r.all.n), func(lo, hi int) {
		for i := lo; i < hi; i++ {
			r.m.embd.Row(r.x[i*c.Hidden:][:c.Hidden], int(r.rows[i].token))
			for _, t := range r.m.rotations {
				at, half := i*c.angles+t.first, len(t.freq)
				t.angles(int(r.rows[i].pos), r.queryScale,
					r.cos[at:][:half], r.sin[at:][:half], r.qcos[at:][:half], r.qsin[at:][:half])
			}
		}
	})
	w.Barrier()
}

// normalize makes the inputs of a block's products, in the forms wanted, from
// the residual stream of a set of rows. First it adds what the block before
// left in delta.
func (r *Runner) normalize(w *tensor.Worker, s *rowSet, b *block, wanted kinds) {
	row := r.local[w.ID].row
	add := b != &r.m.blocks[0]
	w.For(s.n, grain(w, s.n), func(lo, hi int) {
		for i := lo; i < hi; i++ {
			x := r.residual(s, i)
			if add {
				w.Kernels.Add(x, r.delta[i*len(x):][:len(x)])
			}
			b.norm.apply(w.Kernels, row, x)
			s.hidden.set(w.Kernels, i, row, wanted)
		}
	})
	w.Barrier()
}

// residual is row i of a set in the residual stream.
func (r *Runner) residual(s *rowSet, i int) []float32 {
	if s == &r.outs {
		i = int(r.source[i])
	}
	n := r.m.config.Hidden
	return r.x[i*n:][:n]
}

// quantize makes the inputs of products, in the forms wanted, from the rows of
// x as they are.
func (r *Runner) quantize(w *tensor.Worker, s *rowSet, in *acts, wanted kinds, x []float32, width int) {
	w.For(s.n, grain(w, s.n), func(lo, hi int) {
		for i := lo; i < hi; i++ {
			in.set(w.Kernels, i, x[i*width:][:width], wanted)
		}
	})
	w.Barrier()
}

// multiply sets the n rows of y to a product of the rows of in. The caller
// sees to the barrier. A bias costs one barrier more: rows of y are of one
// worker, rows of the matrix of another.
func (r *Runner) multiply(w *tensor.Worker, y []float32, l *linear, in *acts, n int) {
	w.MatMul(y, l.Rows, l.Matrix, in.of(l))
	if l.bias == nil {
		return
	}
	w.Barrier()
	w.For(n, grain(w, n), func(lo, hi int) {
		for i := lo; i < hi; i++ {
			w.Kernels.Add(y[i*l.Rows:][:l.Rows], l.bias)
		}
	})
}

// head normalises the outputs and multiplies them with the output head.
func (r *Runner) head(w *tensor.Worker) {
	c := &r.m.config
	var wanted kinds
	wanted.add(&r.m.output)
	w.For(r.outs.n, grain(w, r.outs.n), func(lo, hi int) {
		for i := lo; i < hi; i++ {
			row, x := r.final[i*c.Hidden:][:c.Hidden], r.residual(&r.outs, i)
			w.Kernels.Add(x, r.delta[i*c.Hidden:][:c.Hidden])
			r.m.outputNorm.apply(w.Kernels, row, x)
			if at := r.rows[r.source[i]].logits; at >= 0 {
				r.headIn.set(w.Kernels, int(at), row, wanted)
			}
		}
	})
	w.Barrier()
	if r.nLogits == 0 {
		return
	}
	r.multiply(w, r.logits, &r.m.output, &r.headIn, r.nLogits)
}
