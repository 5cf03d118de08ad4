package main

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"sync"

	"github.com/spf13/pflag"

	"cllm/gguf"
	"cllm/kernels"
	"cllm/model"
	"cllm/runtime"
	"cllm/tokenizer"
)

// loaded is a model file with what was read from it.
type loaded struct {
	file      *gguf.File
	model     *model.Model
	tokenizer *tokenizer.Tokenizer
}

// load reads a model file and logs what is odd about it.
func load(from modelFlags, log *slog.Logger) (*loaded, error) {
	f, err := from.open()
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

// bytesPerStep is the weights that a step reads: of an embedding that is not
// the output head too, only a few rows.
func (l *loaded) bytesPerStep() int64 {
	c := l.model.Config()
	if t, ok := l.file.Tensor("token_embd.weight"); ok && !c.Tied {
		return c.WeightBytes - int64(len(t.Data))
	}
	return c.WeightBytes
}

// engineFlags are the flags of commands that make an engine of their own.
type engineFlags struct {
	threads, context, parallel int
	kvType                     string
	memoryMB, kvMemoryMB       int64
}

func (e *engineFlags) add(f *pflag.FlagSet) {
	f.IntVarP(&e.threads, "threads", "t", 0, "compute threads; 0 is the cores this process may use")
	f.IntVarP(&e.context, "context", "c", 0, "positions (prompt and answer) of one sequence; 0 is the model's own limit")
	f.StringVar(&e.kvType, "kv-type", "f16", "storage of keys and values: f16, q8_0 or f32")
	f.Int64Var(&e.memoryMB, "memory-limit", 0, "MB for weights, KV pool and all else; 0 is what cgroup and machine allow")
	f.Int64Var(&e.kvMemoryMB, "kv-cache-memory", 0, "MB of the KV pool; 0 is automatic")
}

func (e *engineFlags) options() (runtime.Options, error) {
	for _, v := range []struct {
		flag    string
		n, most int64
	}{
		{"threads", int64(e.threads), 1024}, {"context", int64(e.context), math.MaxInt32}, {"parallel", int64(e.parallel), math.MaxInt32},
		{"memory-limit", e.memoryMB, 1 << 30}, {"kv-cache-memory", e.kvMemoryMB, 1 << 30}, // a pebibyte
	} {
		if v.n < 0 || v.n > v.most {
			return runtime.Options{}, usage("--%s is %d, must be from 0 to %d", v.flag, v.n, v.most)
		}
	}
	var err error
	var o runtime.Options
	o.Threads, o.Context, o.Parallel = e.threads, e.context, e.parallel
	o.MemoryLimit, o.KVMemory = e.memoryMB<<20, e.kvMemoryMB<<20
	o.KVFormat, err = kvFormat(e.kvType)
	return o, err
}

// kvFormat is the value of --kv-type.
func kvFormat(name string) (kernels.KVFormat, error) {
	f, err := runtime.ParseKVFormat(name)
	if err != nil {
		return 0, usageError{fmt.Errorf("--kv-type: %w", err)}
	}
	return f, nil
}
