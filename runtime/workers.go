package runtime

import (
	"sync/atomic"

	"cllm/kernels"
	"cllm/tensor"
)

// Workers are the compute threads of one engine or of several. Those that share
// them take turns, a pass of the model each, so that they never spin against
// each other on the same cores; and an engine with a long prompt to read keeps
// its steps short while another one has something to do.
type Workers struct {
	pool *tensor.Pool
	impl *kernels.Impl
	busy atomic.Int32 // engines with something to do
}

// NewWorkers starts compute threads; 0 is [tensor.DefaultThreads]. kernels is
// the name of their arithmetic, "" the best for this CPU.
func NewWorkers(threads int, kernel string) (*Workers, error) {
	impl, err := kernels.Select(kernel)
	if err != nil {
		return nil, err
	}
	return &Workers{pool: tensor.NewPool(orDefault(threads, tensor.DefaultThreads()), impl, 0), impl: impl}, nil
}

// Threads is their number.
func (w *Workers) Threads() int { return w.pool.Threads() }

// Close ends them, after all engines that use them were closed.
func (w *Workers) Close() { w.pool.Close() }
