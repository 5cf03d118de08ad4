package runtime

import (
	"fmt"
	"log/slog"
	"time"

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

	// RequestMemory is the bytes that all requests together may hold: prompts,
	// those that wait too, what is prepared for them, log-probabilities of
	// echoed prompts, whole answers ([Stream.Hold]); 0: 16 MiB, and 256 KiB for
	// each of Parallel.
	RequestMemory int64
	// CallerMemory is the bytes that the caller needs beside all that, to be
	// planned for: a server's bodies that are being read.
	CallerMemory int64
	// StallTimeout is how long a choice may wait for its reader, once it has
	// given more than is kept; 0: 30 s, negative: without end.
	StallTimeout time.Duration

	NoPrefixCache bool // do not keep computed prompts for others that begin alike
	Speculate     int  // longest draft of prompt lookup; 0: 16, negative: none

	// Workers compute for this engine and others; nil: the engine has its own, as
	// Threads and Kernels say, which are not looked at otherwise.
	Workers *Workers
	// Ledger is what this engine and others draw their memory from; nil: this
	// engine has MemoryLimit, which is not looked at otherwise, to itself.
	Ledger *Ledger

	Kernels string       // name of the kernels; "": the best for this CPU
	Logger  *slog.Logger // nil: [slog.Default]
}

const (
	defaultParallel   = 64
	defaultMaxWaiting = 512
	defaultStepTokens = 512
	defaultSpeculate  = 16
	defaultStall      = 30 * time.Second
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
		{"request memory", o.RequestMemory}, {"caller's memory", o.CallerMemory},
	} {
		if f.value < 0 {
			return o, fmt.Errorf("%s %d: must not be negative", f.name, f.value)
		}
	}
	if o.Workers != nil {
		o.Threads = o.Workers.Threads()
	}
	o.Threads = orDefault(o.Threads, tensor.DefaultThreads())
	o.Parallel = orDefault(o.Parallel, defaultParallel)
	o.StepTokens = orDefault(o.StepTokens, defaultStepTokens)
	o.MaxWaiting = max(orDefault(o.MaxWaiting, defaultMaxWaiting), 0)
	o.RequestMemory = orDefault(o.RequestMemory, 16*mib+int64(o.Parallel)*256*1024)
	o.StallTimeout = orDefault(o.StallTimeout, defaultStall)
	o.Speculate = max(orDefault(o.Speculate, defaultSpeculate), 0)
	o.StepTokens = max(o.StepTokens, o.outputs()+leastChunk)
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	return o, nil
}

// orDefault is n, or what stands for its zero.
func orDefault[T int | int64 | time.Duration](n, standard T) T {
	if n == 0 {
		return standard
	}
	return n
}

// outputs is the number of rows that a step can give.
func (o *Options) outputs() int { return max(o.Parallel, 1+o.Speculate) }
