package tensor

import "cllm/kernels"

// RowStep is the granularity of row chunks: the rows of one panel of the
// kernels.
const RowStep = 16

// maxWork bounds the multiply-adds of one kernel call, since the scheduler
// cannot interrupt assembly: about a millisecond on a slow core.
const maxWork = 16 << 20

// loop returns the state of the worker's next loop, which is the same for all
// workers because they run the same loops in the same order.
func (w *Worker) loop() loop {
	if w.next == len(w.pool.loops) {
		w.Barrier()
	}
	l := w.pool.loops[w.next]
	w.next++
	return l
}

// For calls fn on chunks of grain (the last may be shorter) that together
// cover [0, n), each chunk on whichever worker comes first. All workers call it
// with equal arguments, in the same order among their other loops. There is no
// barrier at the end.
func (w *Worker) For(n, grain int, fn func(lo, hi int)) {
	next := &w.loop()[0]
	for {
		hi := int(next.Add(uint64(grain)))
		lo := hi - grain
		if lo >= n {
			return
		}
		fn(lo, min(hi, n))
	}
}

// Rows is For over rows of a matrix, in chunks that are multiples of [RowStep].
// Every worker has an equal share of neighbouring rows, which it takes from the
// front, so that it reads memory as one long stream: jumping among chunks of
// 16 KB costs two thirds of the bandwidth. Who is done takes half of what is
// left at the end of somebody else's share, so that all end together whatever
// the speed of each core. Chunks are about least rows or more, and no more than
// most, rounded to RowStep.
func (w *Worker) Rows(rows, least, most int, fn func(lo, hi int)) {
	l := w.loop()
	steps := (rows + RowStep - 1) / RowStep
	least, most = max(1, least/RowStep), max(1, most/RowStep)
	share := func(worker int) (lo, hi int) { return steps * worker / w.N, steps * (worker + 1) / w.N }
	run := func(lo, hi int) {
		for ; lo < hi; lo += most {
			fn(lo*RowStep, min(min(lo+most, hi)*RowStep, rows))
		}
	}

	part := 2 // of what is left, to be taken at a time
	if w.N == 1 {
		part = 1
	}
	lo, hi := share(w.ID)
	for {
		first, n := l[w.ID].take(hi-lo, least, part, front)
		if n == 0 {
			break
		}
		run(lo+first, lo+first+n)
	}
	for i := 1; i < w.N; i++ {
		victim := (w.ID + i) % w.N
		lo, hi := share(victim)
		for {
			first, n := l[victim].take(hi-lo, least, 2, back)
			if n == 0 {
				break
			}
			run(lo+first, lo+first+n)
		}
	}
}

// The counter of a share is how much of it is taken, by 32 bits: from the front
// in the lower half, from the back in the upper.
const (
	front = 0
	back  = 32
)

// take takes one part'th of what is left of size steps, at least so many, from
// one end. What would leave less than that takes all. It returns the first of
// n steps, n = 0 when there are none.
func (c *counter) take(size, least, part, end int) (first, n int) {
	for {
		old := c.Load()
		lo, hi := int(uint32(old)), size-int(old>>back)
		left := hi - lo
		if n = max(left/part, least); left-n < least {
			n = left
		}
		if n == 0 || c.CompareAndSwap(old, old+uint64(n)<<end) {
			if end == back {
				return hi - n, n
			}
			return lo, n
		}
	}
}

// leastChunk is the bytes of weights below which a chunk of rows is not cut
// further when there is one column; with more columns each byte is more work.
const leastChunk = 64 << 10

// LeastRows is the rows that make a chunk worth its own start, for a product
// with n columns.
func (m Matrix) LeastRows(n int) int { return leastChunk / (m.RowBytes() * max(n, 1)) }

// MatMul sets y[c*stride+r] to the product of row r of m and column c of a,
// with all workers. There is no barrier at the end.
func (w *Worker) MatMul(y []float32, stride int, m Matrix, a *kernels.Acts) {
	w.Rows(m.Rows, m.LeastRows(a.N), m.Rows, func(lo, hi int) {
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
