package main

import (
	"errors"
	"log/slog"
	"slices"
	"sync"

	"cllm/config"
	"cllm/gguf"
	"cllm/model"
	"cllm/runtime"
	"cllm/server"
	"cllm/tensor"
	"cllm/tokenizer"
)

// loaded is a model file with what was read from it.
type loaded struct {
	file      *gguf.File
	model     *model.Model
	tokenizer *tokenizer.Tokenizer
}

// load reads a model file and logs what is odd about it.
func load(c *config.Config, log *slog.Logger) (*loaded, error) {
	f, err := openModel(c)
	if err != nil {
		return nil, err
	}
	f.Advise()
	l := &loaded{file: f}
	var both sync.WaitGroup
	var wrong error
	both.Go(func() { l.tokenizer, wrong = tokenizer.New(f) }) // the longer of the two
	l.model, err = model.Load(f)
	both.Wait()
	if err == nil {
		err = wrong
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	for _, w := range slices.Concat(l.model.Warnings(), l.tokenizer.Warnings()) {
		log.Warn(w)
	}
	return l, nil
}

func (l *loaded) Close() error { return l.file.Close() }

// lock keeps the weights in memory if the settings want that. Where the system
// does not let it, a model still runs, so that is a warning.
func (l *loaded) lock(c *config.Config, log *slog.Logger) {
	if !c.Mlock {
		return
	}
	if err := l.file.Lock(); err != nil {
		log.Warn("the weights are not locked in memory", "error", err)
	}
}

// bytesPerStep is the weights that a step reads: of an embedding that is not
// the output head too, only a few rows.
func (l *loaded) bytesPerStep() int64 {
	c := l.model.Config()
	if t, ok := l.file.Tensor("token_embd.weight"); ok && !c.Tied {
		return c.WeightBytes - int64(len(t.Data))
	}
	return c.WeightBytes
}

// engineOptions are the settings as an engine takes them.
func engineOptions(c *config.Config, log *slog.Logger) runtime.Options {
	o := runtime.Options{Threads: c.Threads, Context: c.Context, Parallel: c.Parallel, MaxWaiting: c.MaxWaiting, StepTokens: c.StepTokens,
		MemoryLimit: c.MemoryLimit, KVMemory: c.KVMemory, RequestMemory: c.RequestMemory, StallTimeout: c.WriteTimeout,
		KVFormat: c.KVType, NoPrefixCache: !c.PrefixCache, Logger: log}
	if o.Threads == 0 {
		o.Threads = tensor.DefaultThreads()
	}
	if c.MaxWaiting == 0 {
		o.MaxWaiting = -1 // of the engine: none
	}
	if !c.Speculate {
		o.Speculate = -1 // of the engine: none
	}
	return o
}

// serverOptions are the settings as the engine of a server takes them: one
// configuration may be for several models, so a context over the model's own
// is lowered.
func serverOptions(c *config.Config, shape model.Config, log *slog.Logger) runtime.Options {
	o := engineOptions(c, log)
	o.CallerMemory = server.Memory
	if o.Context > shape.Context {
		log.Warn("the context is as long as the model's own", "asked", o.Context, "context", shape.Context)
		o.Context = shape.Context
	}
	return o
}
