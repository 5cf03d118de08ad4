package runtime

import (
	"fmt"
	"log/slog"

	"cllm/kernels"
	"cllm/tensor"
)

// Options are the engine's. The zero value of every field is its default, and
// together they are the options of a server.
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

	NoPrefixCache bool // do not keep computed prompts for others that begin alike
	Speculate     int  // longest draft of prompt lookup; 0: 16, negative: none

	Kernels string       // name of the kernels; "": the best for this CPU
	Logger  *slog.Logger // nil: [slog.Default]
}

const (
	defaultParallel   = 64
	defaultMaxWaiting = 512
	defaultStepTokens = 512
	defaultSpeculate  = 16
)

// withDefaults returns the options as they are meant: zeros replaced, and 0
// where a negative value says none. It refuses what means nothing.
func (o Options) withDefaults() (Options, error) {
	for _, f := range []struct {
		name  string
		value int64
	}{
		{"threads", int64(o.Threads)}, {"context", int64(o.Context)}, {"parallel", int64(o.Parallel)},
		{"step tokens", int64(o.StepTokens)}, {"memory limit", o.MemoryLimit}, {"KV memory", o.KVMemory},
	} {
		if f.value < 0 {
			return o, fmt.Errorf("%s %d: must not be negative", f.name, f.value)
		}
	}
	o.Threads = orDefault(o.Threads, tensor.DefaultThreads())
	o.Parallel = orDefault(o.Parallel, defaultParallel)
	o.StepTokens = orDefault(o.StepTokens, defaultStepTokens)
	o.MaxWaiting = max(orDefault(o.MaxWaiting, defaultMaxWaiting), 0)
	o.Speculate = max(orDefault(o.Speculate, defaultSpeculate), 0)
	o.StepTokens = max(o.StepTokens, o.rows()+leastChunk)
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	return o, nil
}

// orDefault is n, or what stands for its zero.
func orDefault(n, standard int) int {
	if n == 0 {
		return standard
	}
	return n
}

// rows is the number of outputs that a step can give.
func (o *Options) rows() int { return max(o.Parallel, 1+o.Speculate) }
