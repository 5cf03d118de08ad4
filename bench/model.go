package bench

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"cllm/kernels"
	"cllm/model"
	"cllm/tensor"
)

// Tests says what to measure on a model: every combination of the lists.
type Tests struct {
	Prompts   []int // tokens of prompt tests, with one sequence; 0 is none
	Gens      []int // tokens of generation tests; 0 is none
	Depths    []int // positions that are filled before
	Parallels []int // sequences that generate together
	Threads   []int
	Repeat    int // samples of each, after one that does not count
	Batch     int // tokens of one forward pass over a prompt
	KV        kernels.KVFormat
}

// Row is the result of one test. The names are those of llama-bench, as far
// as it has them. Rates are of all sequences together.
type Row struct {
	Prompt       int       `json:"n_prompt"`
	Gen          int       `json:"n_gen"`
	Depth        int       `json:"n_depth"`
	Parallel     int       `json:"n_parallel"`
	Threads      int       `json:"n_threads"`
	Batch        int       `json:"n_batch"`
	TestTime     string    `json:"test_time"`
	AvgNS        int64     `json:"avg_ns"`
	StddevNS     int64     `json:"stddev_ns"`
	AvgTS        float64   `json:"avg_ts"`
	StddevTS     float64   `json:"stddev_ts"`
	CI95TS       float64   `json:"ci95_ts"` // half the 95 % confidence interval of AvgTS
	SamplesNS    []int64   `json:"samples_ns"`
	SamplesTS    []float64 `json:"samples_ts"`
	GBPerS       float64   `json:"gb_per_s"`           // weights and KV cache read
	BandwidthGBs float64   `json:"bandwidth_gb_per_s"` // of a loop that only reads
	LogitsHash   string    `json:"logits_hash"`        // of the last step
}

// Name is the test's short name, as pp512 or tg128 @ d1024 x8.
func (r *Row) Name() string {
	name := fmt.Sprintf("pp%d", r.Prompt)
	if r.Gen > 0 {
		name = fmt.Sprintf("tg%d", r.Gen)
	}
	if r.Depth > 0 {
		name += fmt.Sprintf(" @ d%d", r.Depth)
	}
	if r.Parallel > 1 {
		name += fmt.Sprintf(" x%d", r.Parallel)
	}
	return name
}

// Check returns what is wrong with the tests for a model, by the names of the
// flags.
func (t *Tests) Check(c model.Config) error {
	for _, v := range []struct {
		name   string
		values []int
		lo, hi int
	}{
		{"n-prompt", t.Prompts, 0, c.Context}, {"n-gen", t.Gens, 0, c.Context}, {"n-depth", t.Depths, 0, c.Context},
		{"parallel", t.Parallels, 1, 4096}, {"threads", t.Threads, 1, 1024},
		{"repetitions", []int{t.Repeat}, 1, 1 << 16}, {"batch", []int{t.Batch}, 1, 1 << 16},
	} {
		if len(v.values) == 0 {
			return fmt.Errorf("--%s is empty", v.name)
		}
		for _, n := range v.values {
			if n < v.lo || n > v.hi {
				return fmt.Errorf("--%s is %d, must be from %d to %d", v.name, n, v.lo, v.hi)
			}
		}
	}
	if slices.Max(t.Prompts) == 0 && slices.Max(t.Gens) == 0 {
		return errors.New("--n-prompt and --n-gen are both 0: there is nothing to measure")
	}
	if longest := t.Longest(); longest > c.Context {
		return fmt.Errorf("--n-depth and the tokens after it are %d together, the model's context is %d", longest, c.Context)
	}
	return nil
}

// Longest is the positions of the longest sequence.
func (t *Tests) Longest() int {
	return slices.Max(t.Depths) + max(slices.Max(t.Prompts), slices.Max(t.Gens))
}

// kvBlocks is the KV blocks that all sequences need.
func (t *Tests) kvBlocks() int { return slices.Max(t.Parallels) * model.BlocksFor(t.Longest()) }

// KVBytes is the memory for keys and values that checked tests need.
func (t *Tests) KVBytes(c model.Config) int64 { return int64(t.kvBlocks()) * model.BlockBytes(c, t.KV) }

// Model runs the tests on a model with the kernels k and emits each result
// as it is there. weights is the bytes that a step reads, memory some large
// memory (the mapped weights are best) for the reading loop.
func Model(ctx context.Context, m *model.Model, k *kernels.Impl, t Tests, weights int64, memory [][]byte, emit func(Row) error) error {
	if err := t.Check(m.Config()); err != nil {
		return err
	}
	kv, err := model.NewKVCache(m.Config(), t.KV, t.kvBlocks())
	if err != nil {
		return err
	}
	defer kv.Close()
	for _, threads := range t.Threads {
		if err := onThreads(ctx, m, k, t, kv, threads, weights, memory, emit); err != nil {
			return err
		}
	}
	return nil
}

func onThreads(ctx context.Context, m *model.Model, k *kernels.Impl, t Tests, kv *model.KVCache, threads int, weights int64, memory [][]byte, emit func(Row) error) error {
	most := slices.Max(t.Parallels)
	pool := tensor.NewPool(threads, k, m.Config().MaxK())
	defer pool.Close()
	runner, err := model.NewRunner(m, kv, pool, max(t.Batch, most), most)
	if err != nil {
		return err
	}
	b := &driver{ctx: ctx, runner: runner, kv: kv, config: m.Config(), format: t.KV, batch: t.Batch,
		perSeq: model.BlocksFor(t.Longest()), weights: weights, tokens: rand.New(rand.NewPCG(1, 2))}
	run := func(r Row, pass func() (int, []float32, error)) error {
		r.Threads, r.Batch, r.TestTime = threads, t.Batch, time.Now().UTC().Format(time.RFC3339)
		if r.BandwidthGBs, err = Bandwidth(pool, memory); err != nil {
			return err
		}
		if err := b.measure(&r, t.Repeat, pass); err != nil {
			return err
		}
		after, err := Bandwidth(pool, memory)
		if err != nil {
			return err
		}
		r.BandwidthGBs = max(r.BandwidthGBs, after)
		return emit(r)
	}
	for _, depth := range t.Depths {
		if err := b.fill(depth); err != nil {
			return err
		}
		for _, n := range t.Prompts {
			if n == 0 {
				continue
			}
			r := Row{Prompt: n, Depth: depth, Parallel: 1}
			if err := run(r, func() (int, []float32, error) { return b.prompt(n, depth) }); err != nil {
				return err
			}
		}
		for _, n := range t.Gens {
			for _, parallel := range t.Parallels {
				if n == 0 {
					continue
				}
				b.copyFilled(depth, parallel)
				r := Row{Gen: n, Depth: depth, Parallel: parallel}
				if err := run(r, func() (int, []float32, error) { return b.generate(n, depth, parallel) }); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// driver feeds a runner with made-up tokens.
type driver struct {
	ctx       context.Context
	runner    *model.Runner
	kv        *model.KVCache
	config    model.Config
	format    kernels.KVFormat
	batch     int // tokens of a pass over a prompt
	perSeq    int // blocks of a sequence
	weights   int64
	tokens    *rand.Rand
	bytesRead int64 // bytes that the steps since the last reset read
}

// blocksOf are the blocks of a sequence: each has its own.
func (b *driver) blocksOf(seq int) []int32 {
	ids := make([]int32, b.perSeq)
	for i := range ids {
		ids[i] = int32(seq*b.perSeq + i)
	}
	return ids
}

func (b *driver) random(n int) []int32 {
	ids := make([]int32, n)
	for i := range ids {
		ids[i] = int32(b.tokens.IntN(b.config.Vocab))
	}
	return ids
}

// reseed makes every sample see the same tokens, so that the hash of the
// logits says whether they are the same.
func (b *driver) reseed() { b.tokens = rand.New(rand.NewPCG(1, 2)) }

// forward computes one batch and counts what it reads.
func (b *driver) forward(batch *model.Batch) ([][]float32, error) {
	if err := b.ctx.Err(); err != nil {
		return nil, err
	}
	b.bytesRead += b.weights
	for _, s := range batch.Spans {
		b.bytesRead += model.BlockBytes(b.config, b.format) * int64(s.Pos+len(s.Tokens)) / kernels.BlockTokens
	}
	return b.runner.Forward(batch)
}

// prompt computes n tokens of the first sequence from a position on. It
// returns their number and the logits of the last.
func (b *driver) prompt(n, pos int) (int, []float32, error) {
	tokens, blocks := b.random(n), b.blocksOf(0)
	var logits []float32
	for at := 0; at < n; at += b.batch {
		chunk := tokens[at:min(at+b.batch, n)]
		span := model.Span{Tokens: chunk, Pos: pos + at, Blocks: blocks}
		if at+len(chunk) == n {
			span.Logits = 1
		}
		out, err := b.forward(&model.Batch{Spans: []model.Span{span}})
		if err != nil {
			return 0, nil, err
		}
		if len(out) > 0 {
			logits = out[0]
		}
	}
	return n, logits, nil
}

// fill computes the positions before the depth, for the first sequence.
func (b *driver) fill(depth int) error {
	b.reseed()
	if depth == 0 {
		return nil
	}
	_, _, err := b.prompt(depth, 0)
	return err
}

// copyFilled gives the other sequences copies of the first one's filled blocks.
func (b *driver) copyFilled(depth, parallel int) {
	for seq := 1; seq < parallel; seq++ {
		for i, src := range b.blocksOf(0)[:model.BlocksFor(depth)] {
			b.kv.Copy(b.blocksOf(seq)[i], src)
		}
	}
}

// generate takes n steps of one token for each sequence. It returns the number
// of tokens and the logits of the last step, one sequence after the other.
func (b *driver) generate(n, depth, parallel int) (int, []float32, error) {
	batch := &model.Batch{Spans: make([]model.Span, parallel)}
	tokens := make([][]int32, parallel)
	for seq := range parallel {
		tokens[seq] = b.random(n)
		batch.Spans[seq] = model.Span{Blocks: b.blocksOf(seq), Logits: 1}
	}
	var out [][]float32
	for i := range n {
		for seq := range parallel {
			s := &batch.Spans[seq]
			s.Tokens, s.Pos = tokens[seq][i:i+1], depth+i
		}
		var err error
		if out, err = b.forward(batch); err != nil {
			return 0, nil, err
		}
	}
	return n * parallel, slices.Concat(out...), nil
}

// measure takes the samples of one test.
func (b *driver) measure(r *Row, repeat int, pass func() (int, []float32, error)) error {
	var seconds []float64
	for i := range repeat + 1 {
		b.reseed()
		b.bytesRead = 0
		start := clock()
		n, logits, err := pass()
		if err != nil {
			return err
		}
		took := clock() - start
		if i == 0 {
			r.LogitsHash = hashOf(logits)
			continue // the first warms up
		}
		if h := hashOf(logits); h != r.LogitsHash {
			return fmt.Errorf("%s: the same step gave other logits: %s, then %s", r.Name(), r.LogitsHash, h)
		}
		seconds = append(seconds, took.Seconds())
		r.SamplesNS = append(r.SamplesNS, took.Nanoseconds())
		r.SamplesTS = append(r.SamplesTS, float64(n)/took.Seconds())
	}
	r.AvgTS, r.StddevTS = meanStddev(r.SamplesTS)
	r.CI95TS = ci95(r.SamplesTS)
	avg, dev := meanStddev(seconds)
	r.AvgNS, r.StddevNS = int64(avg*1e9), int64(dev*1e9)
	r.GBPerS = float64(b.bytesRead) / avg / 1e9
	return nil
}

func hashOf(x []float32) string {
	h := fnv.New64a()
	var word [4]byte
	for _, v := range x {
		binary.LittleEndian.PutUint32(word[:], math.Float32bits(v))
		h.Write(word[:])
	}
	return fmt.Sprintf("%016x", h.Sum64())
}
