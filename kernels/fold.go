package kernels

// Fold adds to query i the softmax (m, l, acc) of the same query over other
// positions:
//
//	m'     = max(M, m); c = exp32(M - m'); d = exp32(m - m')
//	L      = float32(L·c) + float32(l·d)
//	Acc[e] = float32(Acc[e]·c) + float32(acc[e]·d)
//
// A softmax of no positions (l = 0) changes nothing, and one that is added to
// no positions (L = 0) is copied. len(acc) = a.Head.
func (a *Attention) Fold(i int, m, l float32, acc []float32) {
	sum := a.Acc[i*a.Head:][:len(acc)]
	switch {
	case l == 0:
	case a.L[i] == 0:
		a.M[i], a.L[i] = m, l
		copy(sum, acc)
	case m <= a.M[i]: // c is 1
		d := exp32(m - a.M[i])
		a.L[i] += float32(l * d)
		for e, v := range acc {
			sum[e] += float32(v * d)
		}
	default: // d is 1
		c := exp32(a.M[i] - m)
		a.M[i] = m
		a.L[i] = float32(a.L[i]*c) + l
		for e, v := range acc {
			sum[e] = float32(sum[e]*c) + v
		}
	}
}

// Output sets dst = Acc / L of query i, as a product with 1/L.
func (a *Attention) Output(dst []float32, i int) {
	s := 1 / a.L[i]
	for e, v := range a.Acc[i*a.Head:][:len(dst)] {
		dst[e] = v * s
	}
}
