package tensor

import (
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"

	"cllm/kernels"
)

// Pool is a set of persistent workers that run one function together (single
// program, multiple data): every worker runs the whole step and they meet at
// barriers. Between steps they spin for a moment, then park.
type Pool struct {
	mu      sync.Mutex // one Run at a time
	workers []Worker
	maxK    int
	exited  sync.WaitGroup

	fn       func(*Worker)
	closed   bool
	patience atomic.Int32 // see gate.wait; as of this Run

	start   gate // opened by Run
	barrier gate // opened by the last worker to arrive
	done    gate // opened by the last worker to finish
	left    atomic.Int32
	arrived atomic.Int32

	poisoned atomic.Bool
	failMu   sync.Mutex
	failure  error // the first of this Run

	loops [64]loop
}

// loop is the state of one For or Rows, a counter for each worker; all zero at
// the start.
type loop []counter

// counter has a cache line of its own.
type counter struct {
	atomic.Uint64
	_ [56]byte
}

// Worker is what the function of [Pool.Run] gets: one of N, numbered from 0.
type Worker struct {
	ID, N   int
	Kernels *kernels.Impl
	Scratch *kernels.Scratch

	pool *Pool
	next int // the number of the next loop
	_    [64]byte
}

// Fault is the error of a [Pool.Run] whose function panicked in some worker.
type Fault struct {
	Worker int
	Cause  any    // the value of the panic
	Stack  []byte // of the worker
}

func (f *Fault) Error() string {
	if a, ok := f.address(); ok {
		return fmt.Sprintf("memory fault at %#x in worker %d: the model file was cut short or cannot be read any more", a, f.Worker)
	}
	return fmt.Sprintf("worker %d failed: %v", f.Worker, f.Cause)
}

// Mapping says whether the cause was a page of a mapping that cannot be read:
// the model file, or the disk below it, is gone.
func (f *Fault) Mapping() bool {
	_, ok := f.address()
	return ok
}

// address is where a mapping could not be read: such a fault is a
// runtime.Error with an address, which nil pointers have only in the first
// pages.
func (f *Fault) address() (uintptr, bool) {
	a, ok := f.Cause.(interface{ Addr() uintptr })
	if !ok || a.Addr() <= 1<<16 {
		return 0, false
	}
	return a.Addr(), true
}

// Unwrap gives the cause when it is an error.
func (f *Fault) Unwrap() error {
	err, _ := f.Cause.(error)
	return err
}

// errAborted unwinds a worker that waits for one that has failed.
var errAborted = errors.New("another worker failed")

// NewPool starts threads-1 workers (the caller of Run is the other one) that
// compute with k. maxK is the longest row of any matrix they will multiply.
func NewPool(threads int, k *kernels.Impl, maxK int) *Pool {
	threads = max(threads, 1)
	p := &Pool{workers: make([]Worker, threads), maxK: maxK}
	p.start.init()
	p.barrier.init()
	p.done.init()
	for i := range p.loops {
		p.loops[i] = make(loop, threads)
	}
	for i := range p.workers {
		p.workers[i] = Worker{ID: i, N: threads, Kernels: k, Scratch: kernels.NewScratch(maxK), pool: p}
	}
	for i := 1; i < threads; i++ {
		p.exited.Go(func() { p.serve(&p.workers[i]) })
	}
	return p
}

// Fit makes the workers' memory do for rows of up to maxK weights too. It waits
// for a Run to end.
func (p *Pool) Fit(maxK int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if maxK <= p.maxK {
		return
	}
	p.maxK = maxK
	for i := range p.workers {
		p.workers[i].Scratch = kernels.NewScratch(maxK)
	}
}

// Threads is the number of workers, the caller of Run included.
func (p *Pool) Threads() int { return len(p.workers) }

// Run runs fn on all workers at once and returns when all have finished. A
// panic or memory fault in one of them ends the run on all and is returned as
// a [*Fault]; the pool stays usable. fn must not call Run. Run does not
// allocate; a closure passed to it may.
func (p *Pool) Run(fn func(w *Worker)) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return errors.New("the worker pool is closed")
	}
	n := len(p.workers)
	p.fn = fn
	p.patience.Store(patience(n))
	p.left.Store(int32(n - 1))
	phase := p.done.phase.Load()
	p.start.open()

	old := debug.SetPanicOnFault(true)
	p.call(&p.workers[0])
	debug.SetPanicOnFault(old)
	if n > 1 {
		p.done.wait(phase, int(p.patience.Load()))
	}
	return p.reset()
}

// patience is how often a waiting worker looks before it hands its processor
// on. Handing on takes the scheduler's lock, so many workers do it seldom; but
// with fewer processors than workers it must happen at once.
func patience(workers int) int32 {
	if workers > min(runtime.GOMAXPROCS(0), runtime.NumCPU()) {
		return 1
	}
	return int32(min(64*workers, 2048))
}

// reset makes the pool ready for the next run and returns this one's failure.
func (p *Pool) reset() error {
	p.fn = nil
	used := p.workers[0].next
	if p.failure != nil { // the workers stopped at different loops
		used = len(p.loops)
	}
	p.clearLoops(used)
	for i := range p.workers {
		p.workers[i].next = 0
	}
	p.arrived.Store(0)
	p.poisoned.Store(false)
	err := p.failure
	p.failure = nil
	return err
}

// Close ends the workers. It is not called during a Run.
func (p *Pool) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return
	}
	p.closed = true
	p.start.open()
	p.exited.Wait()
}

func (p *Pool) serve(w *Worker) {
	debug.SetPanicOnFault(true)
	for phase := uint32(0); ; phase++ {
		p.start.wait(phase, int(p.patience.Load()))
		if p.closed {
			return
		}
		p.call(w)
		if p.left.Add(-1) == 0 {
			p.done.open()
		}
	}
}

// call runs the step's function and turns a panic into the run's failure.
func (p *Pool) call(w *Worker) {
	defer func() {
		cause := recover()
		if cause == nil || cause == errAborted {
			return
		}
		p.failMu.Lock()
		if p.failure == nil {
			p.failure = &Fault{Worker: w.ID, Cause: cause, Stack: debug.Stack()}
		}
		p.failMu.Unlock()
		p.poisoned.Store(true)
		p.barrier.open()
	}()
	p.fn(w)
}

// Barrier returns when all workers have called it.
func (w *Worker) Barrier() {
	p := w.pool
	if w.N == 1 {
		p.clearLoops(w.next)
		w.next = 0
		return
	}
	// The phase is read before the poison is looked at: a failure after the
	// look opens the gate of this phase.
	phase := p.barrier.phase.Load()
	if p.poisoned.Load() {
		panic(errAborted)
	}
	used := w.next
	w.next = 0
	if p.arrived.Add(1) == int32(w.N) {
		// Everyone else waits here, so nobody uses the loops.
		p.clearLoops(used)
		p.arrived.Store(0)
		p.barrier.open()
		return
	}
	p.barrier.wait(phase, int(p.patience.Load()))
	if p.poisoned.Load() {
		panic(errAborted)
	}
}

func (p *Pool) clearLoops(n int) {
	for _, l := range p.loops[:n] {
		for i := range l {
			l[i].Store(0)
		}
	}
}
