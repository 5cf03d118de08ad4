package model

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"cllm/kernels"
)

var benchModels = []string{
	"demo-qwen2-q4_k_m.gguf",
	"qwen2.5-coder-0.5b-instruct-q4_k_m.gguf",
	"qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
}

// bench runs fn for each model and number of workers.
func bench(b *testing.B, fn func(b *testing.B, m *Model, threads int)) {
	for _, name := range benchModels {
		b.Run(name, func(b *testing.B) {
			m := open(b, name)
			for _, threads := range []int{1, 2} {
				b.Run(fmt.Sprintf("threads=%d", threads), func(b *testing.B) { fn(b, m, threads) })
			}
		})
	}
}

// BenchmarkDecode is one token of each of n sequences at a depth.
func BenchmarkDecode(b *testing.B) {
	for _, c := range []struct{ n, depth int }{{1, 0}, {1, 4000}, {8, 100}, {32, 100}} {
		b.Run(fmt.Sprintf("n=%d,depth=%d", c.n, c.depth), func(b *testing.B) {
			bench(b, func(b *testing.B, m *Model, threads int) {
				per := c.depth/kernels.BlockTokens + 1
				r := newRig(b, m, rigOptions{threads: threads, maxTokens: 64, maxOutputs: c.n, blocks: c.n * per})
				batch := &Batch{}
				for range c.n {
					batch.Spans = append(batch.Spans, Span{Tokens: []int32{7}, Pos: c.depth, Blocks: r.blocksFor(c.depth + 1), Logits: 1})
				}
				r.run(b, batch, c.n)
			})
		})
	}
}

// BenchmarkPrefill is a chunk of a prompt of 512 tokens at a depth.
func BenchmarkPrefill(b *testing.B) {
	for _, depth := range []int{0, 3584} {
		b.Run(fmt.Sprintf("depth=%d", depth), func(b *testing.B) {
			bench(b, func(b *testing.B, m *Model, threads int) {
				r := newRig(b, m, rigOptions{threads: threads, maxTokens: 512, maxOutputs: 1, blocks: (depth + 512) / kernels.BlockTokens})
				span := Span{Tokens: randomTokens(1, 512, m.Config().Vocab), Pos: depth, Blocks: r.blocksFor(depth + 512), Logits: 1}
				r.run(b, &Batch{Spans: []Span{span}}, 512)
			})
		})
	}
}

// fill gives every position of the cache small F16 values; memory that was
// never written would be one page, always in the first cache.
func (r *rig) fill() {
	rnd := rand.New(rand.NewPCG(1, 1))
	for i := 0; i < len(r.cache.data); i += 2 {
		x := rnd.Uint32()
		r.cache.data[i], r.cache.data[i+1] = byte(x), 0x28|byte(x>>8)&0x83
	}
}

// run measures steps of a batch, after one that touches the weights.
func (r *rig) run(b *testing.B, batch *Batch, tokens int) {
	r.fill()
	r.forward(batch.Spans...)
	b.ReportAllocs()
	for b.Loop() {
		r.forward(batch.Spans...)
	}
	b.ReportMetric(float64(tokens)*float64(b.N)/b.Elapsed().Seconds(), "tokens/s")
}
