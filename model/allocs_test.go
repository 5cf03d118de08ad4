//go:build !race

package model

import (
	"testing"

	"github.com/stretchr/testify/require"

	"cllm/kernels"
)

// The race detector makes closures escape, so this holds without it only.
func TestForwardDoesNotAllocate(t *testing.T) {
	m := open(t, "demo-qwen2-q4_k_m.gguf")
	r := newRig(t, m, rigOptions{threads: 2, maxTokens: 64, maxOutputs: 4, blocks: 64, format: kernels.KVQ8})
	long, short := r.blocksFor(600), r.blocksFor(40)
	batch := &Batch{Spans: []Span{
		{Tokens: []int32{5}, Pos: 590, Blocks: long, Logits: 1}, // split by segment
		{Tokens: randomTokens(1, 30, 4096), Blocks: short, Logits: 2, Hidden: true},
	}}
	require.Zero(t, testing.AllocsPerRun(5, func() {
		if _, err := r.Forward(batch); err != nil {
			panic(err)
		}
	}))
}
