package runtime

import (
	"fmt"

	"cllm/kernels"
	"cllm/machine"
	"cllm/model"
	"cllm/tensor"
	"cllm/tokenizer"
)

// New starts an engine: it plans the memory, takes it, and waits for requests.
// The model and the tokenizer must stay until [Engine.Close] has returned.
func New(m *model.Model, tok *tokenizer.Tokenizer, o Options) (*Engine, error) {
	c := m.Config()
	plan, err := Plan(c, o, machine.ReadMemory())
	if err != nil {
		return nil, err
	}
	if o, err = o.withDefaults(); err != nil {
		return nil, err
	}
	impl, err := kernels.Select(o.Kernels)
	if err != nil {
		return nil, err
	}
	kv, err := model.NewKVCache(c, o.KVFormat, plan.Blocks)
	if err != nil {
		return nil, err
	}
	pool := tensor.NewPool(o.Threads, impl, c.MaxK())
	free := func() {
		pool.Close()
		kv.Close()
	}
	runner, err := model.NewRunner(m, kv, pool, o.StepTokens, o.outputs())
	if err != nil {
		free()
		return nil, err
	}
	e := newEngine(runner, kv.Copy, words{tok, c.Vocab}, pool, impl, plan, o)
	e.free = free
	e.start()
	return e, nil
}

// newEngine puts an engine together, not yet started.
func newEngine(f forwarder, copyBlock func(dst, src int32), v vocabulary, pool *tensor.Pool, impl *kernels.Impl, plan *MemoryPlan, o Options) *Engine {
	account := &account{limit: plan.Requests}
	e := &Engine{
		model:    f,
		vocab:    v,
		pool:     pool,
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
			others:     func() bool { return false },
			requests:   account,
			placeBytes: placeBytes(plan.Context),
			maxRunning: o.Parallel,
			maxTokens:  o.StepTokens,
			maxRows:    o.outputs(),
			speculate:  o.Speculate,
		},
		places: o.Parallel + o.MaxWaiting,
		stats:  Stats{Finished: make(map[string]uint64)},
	}
	e.sample = e.sampleSome
	for range pool.Threads() {
		e.spaces = append(e.spaces, newWorkspace(v.Size(), impl))
	}
	return e
}

// Plan is where the engine's memory went.
func (e *Engine) Plan() *MemoryPlan { return e.plan }

// Options are those in force: zeros replaced by what they stand for.
func (e *Engine) Options() Options { return e.options }

// Context is the most tokens that a sequence can have.
func (e *Engine) Context() int { return e.limit }

// words is a tokenizer for a model whose logits may be more than its tokens.
type words struct {
	*tokenizer.Tokenizer
	logits int
}

func (w words) Size() int { return min(w.Tokenizer.Size(), w.logits) }

func (w words) Decoder(special bool) textDecoder { return w.NewDecoder(special) }
