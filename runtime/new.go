package runtime

import (
	"fmt"

	"cllm/machine"
	"cllm/model"
	"cllm/tokenizer"
)

// New starts an engine: it plans the memory, takes it, and waits for requests.
// The model and the tokenizer must stay until [Engine.Close] has returned, and
// so must workers and ledger that are passed in.
func New(m *model.Model, tok *tokenizer.Tokenizer, o Options) (_ *Engine, err error) {
	c := m.Config()
	o, err = o.withDefaults()
	if err != nil {
		return nil, err
	}
	e := &Engine{}
	if tok.Size() != c.Vocab {
		return nil, fmt.Errorf("the tokenizer has %d tokens, the model %d: they are not of the same file", tok.Size(), c.Vocab)
	}
	var plan *MemoryPlan
	leave := func() {}
	if o.Ledger != nil {
		plan, err = o.Ledger.enter(e, c, o)
		leave = func() { o.Ledger.leave(e) }
	} else {
		plan, err = makePlan(c, o, machine.ReadMemory(), 0)
	}
	if err != nil {
		return nil, err
	}
	free := cleanup{leave}
	defer func() {
		if err != nil {
			free.run()
		}
	}()
	workers := o.Workers
	if workers == nil {
		if workers, err = NewWorkers(o.Threads, o.Kernels); err != nil {
			return nil, err
		}
		free.add(workers.Close)
	}
	kv, err := model.NewKVCache(c, o.KVFormat, plan.Blocks)
	if err != nil {
		return nil, err
	}
	free.add(func() { kv.Close() })
	runner, err := model.NewRunner(m, kv, workers.pool, o.StepTokens, o.outputs())
	if err != nil {
		return nil, err
	}
	e.init(runner, kv.Copy, words{tok}, workers, plan, o)
	e.free = free.run
	e.start()
	return e, nil
}

// cleanup is what is to be undone, the last first.
type cleanup []func()

func (c *cleanup) add(f func()) { *c = append(*c, f) }

func (c *cleanup) run() {
	for i := len(*c) - 1; i >= 0; i-- {
		(*c)[i]()
	}
}

// init puts an engine together, not yet started.
func (e *Engine) init(f forwarder, copyBlock func(dst, src int32), v vocabulary, workers *Workers, plan *MemoryPlan, o Options) {
	account := &account{limit: plan.Requests}
	*e = Engine{
		model:    f,
		vocab:    v,
		workers:  workers,
		log:      o.Logger,
		plan:     plan,
		limit:    plan.Context,
		share:    unreadShare,
		options:  o,
		requests: account,
		why:      fmt.Sprintf("a context of %d tokens in a KV cache of %d", plan.Context, plan.Blocks*blockTokens),
		sched: &scheduler{
			pool:       newBlockPool(plan.Blocks, !o.NoPrefixCache),
			copyBlock:  copyBlock,
			copies:     max(1, copiedBytes/int(max(plan.BlockBytes, 1))),
			others:     e.others,
			requests:   account,
			placeBytes: placeBytes(plan.Context),
			maxRunning: o.Parallel,
			maxTokens:  o.StepTokens,
			maxRows:    o.outputs(),
			speculate:  o.Speculate,
		},
		places: o.Parallel + o.MaxWaiting,
		stats:  Stats{Finished: make(map[string]uint64)},
		wakeup: make(chan struct{}, 1),
		idle:   make(chan struct{}),
		done:   make(chan struct{}),
	}
	e.sample = e.sampleSome
	for range workers.Threads() {
		e.spaces = append(e.spaces, newWorkspace(v.Size(), workers.impl))
	}
}

// Plan is where the engine's memory went.
func (e *Engine) Plan() *MemoryPlan { return e.plan }

// Options are those in force: zeros replaced by what they stand for.
func (e *Engine) Options() Options { return e.options }

// Context is the most tokens that a sequence can have.
func (e *Engine) Context() int { return e.limit }

// words is a tokenizer as the engine takes it.
type words struct{ *tokenizer.Tokenizer }

func (w words) Decoder(special bool) textDecoder { return w.NewDecoder(special) }
