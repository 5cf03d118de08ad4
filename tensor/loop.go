package tensor

import "cllm/kernels"

// RowStep is the granularity of row chunks: the rows of one panel of the
// kernels.
const RowStep = 16

// maxWork bounds the multiply-adds of one kernel call, since the scheduler
// cannot interrupt assembly: about a millisecond on a slow core.
const maxWork = 16 << 20

// counter returns the counter of the worker's next loop, which is the same for
// all workers because they run the same loops in the same order.
func (w *Worker) counter() *counter {
	if w.next == len(w.pool.counters) {
		w.Barrier()
	}
	c := &w.pool.counters[w.next]
	w.next++
	return c
}

// For calls fn on chunks of grain (the last may be shorter) that together
// cover [0, n), each chunk on whichever worker comes first. All workers call it
// with equal arguments, in the same order among their other loops. There is no
// barrier at the end.
func (w *Worker) For(n, grain int, fn func(lo, hi int)) {
	c := w.counter()
	for {
		hi := int(c.Add(int64(grain)))
		lo := hi - grain
		if lo >= n {
			return
		}
		fn(lo, min(hi, n))
	}
}

// Rows is For over rows of a matrix, in chunks of a multiple of [RowStep] that
// shrink towards the end (guided self-scheduling): long streams through memory
// at first, an even finish whatever the speed of each core. No chunk is longer
// than most, rounded up to a RowStep.
func (w *Worker) Rows(rows, most int, fn func(lo, hi int)) {
	c := w.counter()
	most = max(RowStep, most&^(RowStep-1))
	share := 3 * w.N
	if w.N == 1 {
		share = 1
	}
	for {
		lo := c.Load()
		left := rows - int(lo)
		if left <= 0 {
			return
		}
		n := min(most, (left/share+RowStep-1)&^(RowStep-1), left)
		n = max(n, min(RowStep, left))
		if c.CompareAndSwap(lo, lo+int64(n)) {
			fn(int(lo), int(lo)+n)
		}
	}
}

// MatMul sets y[c*stride+r] to the product of row r of m and column c of a,
// with all workers. There is no barrier at the end.
func (w *Worker) MatMul(y []float32, stride int, m Matrix, a *kernels.Acts) {
	w.Rows(m.Rows, m.Rows, func(lo, hi int) {
		w.Mul(y[lo:], stride, m, lo, hi, a)
	})
}

// Mul sets y[c*stride+r-lo] for the rows r in [lo, hi) of m, on this worker
// alone.
func (w *Worker) Mul(y []float32, stride int, m Matrix, lo, hi int, a *kernels.Acts) {
	step := max(RowStep, maxWork/max(1, a.N*m.Cols)&^(RowStep-1))
	for ; lo < hi; lo += step {
		n := min(step, hi-lo)
		w.Kernels.Mul[m.Format](y, stride, m.rows(lo, lo+n), n, a, w.Scratch)
		y = y[n:]
	}
}
