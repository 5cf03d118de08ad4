package model

import "cllm/tensor"

// feedForward is the gated feed-forward network down(act(gate(x)) · up(x)).
type feedForward struct {
	gate, up, down linear
	act            activation
}

func (f *feedForward) mixes() bool { return false }

func (f *feedForward) inputs(n *inputs) {
	n.hidden.add(&f.gate, &f.up)
	n.inner.add(&f.down)
}

func (f *feedForward) run(r *Runner, w *tensor.Worker, b *block, in, _ *rowSet) {
	var outer, inner kinds
	outer.add(&f.gate, &f.up)
	inner.add(&f.down)
	r.normalize(w, in, b, outer)
	width := f.gate.Rows
	gate, up := r.local[w.ID].gate, r.local[w.ID].up
	w.Rows(width, f.gate.LeastRows(in.n), len(gate)/in.n, func(lo, hi int) {
		w.Mul(gate, hi-lo, f.gate.Matrix, lo, hi, in.hidden.of(&f.gate))
		w.Mul(up, hi-lo, f.up.Matrix, lo, hi, in.hidden.of(&f.up))
		for i := range in.n {
			g, u := gate[i*(hi-lo):][:hi-lo], up[i*(hi-lo):][:hi-lo]
			if f.gate.bias != nil {
				w.Kernels.Add(g, f.gate.bias[lo:hi])
			}
			if f.up.bias != nil {
				w.Kernels.Add(u, f.up.bias[lo:hi])
			}
		}
		// A few long rows rather than many short ones.
		n := in.n * (hi - lo)
		f.act(w.Kernels, gate[:n], gate[:n], up[:n])
		for i := range in.n {
			copy(r.ffn[i*width+lo:i*width+hi], gate[i*(hi-lo):])
		}
	})
	w.Barrier()
	r.quantize(w, in, &in.inner, inner, r.ffn, width)
	r.multiply(w, r.delta, &f.down, &in.inner, in.n)
	w.Barrier()
}
