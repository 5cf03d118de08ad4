package model

import (
	"cllm/kernels"
	"cllm/tensor"
)

// This is the vocabulary in which an architecture describes its models. A
// model is a list of blocks; a layer, as papers count, is two of them. Words
// that no architecture here uses are not built; docs/architectures.md says
// where they would stand.

// block is one branch of the residual stream x: x += op(norm(x)). The sum is
// left to whoever normalises x next, see [Runner.normalize].
type block struct {
	norm norm
	op   operator
}

// operator is what a block computes: it mixes positions (attention) or works
// on each by itself (the feed-forward network).
type operator interface {
	// mixes reports whether a row's result depends on earlier positions: as
	// long as one does, the rows before the outputs are computed too.
	mixes() bool
	// inputs notes the forms in which the operator's products want their inputs.
	inputs(*inputs)
	// run sets delta for the rows of out, which are in or the outputs among
	// them. Every worker calls it; all are done when it returns.
	run(r *Runner, w *tensor.Worker, b *block, in, out *rowSet)
}

// linear is a matrix product with or without bias. A product that a file has
// fused with others is a view of its rows.
type linear struct {
	tensor.Matrix
	bias []float32 // [Rows] or nil
}

// norm is RMSNorm.
type norm struct {
	weight []float32 // nil: there is none
	eps    float32
}

func (n *norm) apply(k *kernels.Impl, dst, x []float32) { k.RMSNorm(dst, x, n.weight, n.eps) }

// activation sets dst to the activated gate times up.
type activation func(k *kernels.Impl, dst, gate, up []float32)

func silu(k *kernels.Impl, dst, gate, up []float32) { k.SiLUMul(dst, gate, up) }
