package kernels

import "unsafe"

// align is the alignment of working memory, a cache line and the widest vector.
const align = 64

// aligned is make([]T, n) at a multiple of align; T's size divides it.
func aligned[T int8 | byte | int16 | int32 | float32](n int) []T {
	size := int(unsafe.Sizeof(*new(T)))
	s := make([]T, n+align/size)
	skip := -int(uintptr(unsafe.Pointer(unsafe.SliceData(s)))) & (align - 1) / size
	return s[skip : skip+n : skip+n]
}

// NewActs returns room for n columns of k activations; k is a multiple of the
// block length of kind.
func NewActs(kind ActKind, n, k int) *Acts {
	a := &Acts{Kind: kind}
	switch kind {
	case ActF32:
		a.X = aligned[float32](n * k)
	case Act32:
		a.Q, a.D, a.Bias = aligned[int8](n*k), aligned[float32](n*k/32), aligned[int32](n*k/32)
		a.Start = aligned[int16](n * k / 16)
	case Act256:
		a.Q, a.D, a.Sum = aligned[int8](n*k), aligned[float32](n*k/256), aligned[int16](n*k/16)
		a.Start = aligned[int16](n * k / 8)
	}
	a.Reset(n, k)
	return a
}

// Reset makes a hold n columns of k activations, whatever they are, in the
// memory it has: n·k is at most that of NewActs.
func (a *Acts) Reset(n, k int) {
	a.N, a.K = n, k
	switch a.Kind {
	case ActF32:
		a.X = a.X[:n*k]
	case Act32:
		a.Q, a.D, a.Bias, a.Start = a.Q[:n*k], a.D[:n*k/32], a.Bias[:n*k/32], a.Start[:n*k/16]
	case Act256:
		a.Q, a.D, a.Sum, a.Start = a.Q[:n*k], a.D[:n*k/256], a.Sum[:n*k/16], a.Start[:n*k/8]
	}
}

// NewScratch returns the working memory of one worker for rows of up to maxK
// weights.
func NewScratch(maxK int) *Scratch {
	return &Scratch{
		Panel: aligned[byte](40*maxK + 64<<10),
		F:     aligned[float32](64 << 10),
		I:     aligned[int32](64 << 10),
	}
}
