package runtime

import (
	"log/slog"

	"cllm/kernels"
	"cllm/tensor"
)

// Options are the engine's. Zero values stand for the defaults, which
// [DefaultOptions] gives in full where zero cannot.
type Options struct {
	Threads int // workers; 0: [tensor.DefaultThreads]
	// Context is the most tokens a sequence can have, prompt included; 0: what
	// the model was made for, or less if the memory does not allow it.
	Context    int
	Parallel   int // most running sequences; 0: 64
	MaxWaiting int // most waiting sequences; 0: 512, negative: none
	StepTokens int // most tokens computed in a step; 0: 512

	MemoryLimit int64 // bytes in all; 0: what the machine has
	KVMemory    int64 // bytes of the KV cache; 0: as needed and as fits
	KVFormat    kernels.KVFormat

	PrefixCache bool // keep computed prompts for others that begin alike
	Speculate   int  // longest draft of prompt lookup; 0: none

	Kernels string       // name of the kernels; "": the best for this CPU
	Logger  *slog.Logger // nil: [slog.Default]
}

// DefaultOptions are the options of a server: prefix cache and prompt lookup
// are on.
func DefaultOptions() Options {
	return Options{PrefixCache: true, Speculate: 16}
}

const (
	defaultParallel   = 64
	defaultMaxWaiting = 512
	defaultStepTokens = 512
)

func (o Options) withDefaults() Options {
	if o.Threads <= 0 {
		o.Threads = tensor.DefaultThreads()
	}
	if o.Parallel <= 0 {
		o.Parallel = defaultParallel
	}
	switch {
	case o.MaxWaiting == 0:
		o.MaxWaiting = defaultMaxWaiting
	case o.MaxWaiting < 0:
		o.MaxWaiting = 0
	}
	if o.StepTokens <= 0 {
		o.StepTokens = defaultStepTokens
	}
	o.Speculate = max(o.Speculate, 0)
	o.StepTokens = max(o.StepTokens, o.rows()+leastChunk)
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	return o
}

// rows is the number of outputs that a step can give.
func (o *Options) rows() int { return max(o.Parallel, 1+o.Speculate) }
