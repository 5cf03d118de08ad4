package model

import "cllm/kernels"

// acts is the input of one kind of matrix product in every form that the
// model's matrices want it: [kind], nil where none does.
type acts [kernels.NumActKinds]*kernels.Acts

// kinds is a set of forms.
type kinds [kernels.NumActKinds]bool

func (s *kinds) add(products ...*linear) {
	for _, l := range products {
		s[l.Act()] = true
	}
}

// inputs are the forms that a model's products want, by what they multiply:
// the normalised residual stream, the result of attention, and what is within
// the feed-forward network.
type inputs struct{ hidden, heads, inner kinds }

// newActs takes room for n columns of k values in the given forms.
func newActs(wanted kinds, n, k int) (a acts) {
	for kind, want := range wanted {
		if want {
			a[kind] = kernels.NewActs(kernels.ActKind(kind), n, k)
		}
	}
	return a
}

// shared is a second header on the same memory, for another number of columns.
func (a *acts) shared() (b acts) {
	for i := range a {
		if a[i] != nil {
			header := *a[i]
			b[i] = &header
		}
	}
	return b
}

func (a *acts) reset(n int) {
	for _, x := range a {
		if x != nil {
			x.Reset(n, x.K)
		}
	}
}

// set makes row the column i in each of the wanted forms.
func (a *acts) set(k *kernels.Impl, i int, row []float32, wanted kinds) {
	for kind, x := range a {
		switch {
		case !wanted[kind]:
		case kernels.ActKind(kind) == kernels.ActF32:
			copy(x.X[i*x.K:][:x.K], row)
		default:
			k.Quantize[kind](x, i, row)
		}
	}
}

// of is the form that a product wants.
func (a *acts) of(l *linear) *kernels.Acts { return a[l.Act()] }
