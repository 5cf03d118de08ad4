package runtime

import (
	"testing"

	"github.com/stretchr/testify/require"

	"cllm/machine"
	"cllm/tensor"
)

// The zero value of every option is its documented default.
func TestZeroOptions(t *testing.T) {
	zero, err := Options{}.withDefaults()
	require.NoError(t, err)
	spelled, err := Options{Threads: tensor.DefaultThreads(), Parallel: 64, MaxWaiting: 512, StepTokens: 512, Speculate: 16, Logger: zero.Logger}.withDefaults()
	require.NoError(t, err)
	require.Equal(t, spelled, zero)
	require.False(t, zero.NoPrefixCache)

	none, err := Options{MaxWaiting: -1, Speculate: -1}.withDefaults()
	require.NoError(t, err)
	require.Zero(t, none.MaxWaiting)
	require.Zero(t, none.Speculate)

	for name, o := range map[string]Options{
		"threads": {Threads: -1}, "context": {Context: -1}, "parallel": {Parallel: -1}, "step tokens": {StepTokens: -1},
		"memory limit": {MemoryLimit: -1}, "KV memory": {KVMemory: -1},
	} {
		_, err := Plan(coder, o, machine.Memory{})
		require.ErrorContains(t, err, name+" -1", name)
	}
}

// A request of zeros is what the documentation says, field by field: setting a
// field to its documented default changes nothing, and another value does.
func TestZeroRequest(t *testing.T) {
	run := func(change func(*Request)) *Result {
		r := newRig(t, 8, Options{})
		q := Request{Prompt: prompt(40, 1), IgnoreEOS: true}
		change(&q)
		s := r.submit1(t, q)
		r.run(t)
		got, err := s.Wait()
		require.NoError(t, err)
		for i := range got.Choices {
			got.Choices[i].Timings = Timings{}
		}
		return got
	}
	zero := run(func(*Request) {})
	require.Len(t, zero.Choices, 1)
	require.Len(t, zero.Choices[0].Tokens, 8*blockTokens-40, "as many as the context holds")
	require.Zero(t, zero.Choices[0].LogProbs.Len())

	for name, same := range map[string]func(*Request){
		"n":         func(q *Request) { q.N = 1 },
		"top p":     func(q *Request) { q.Sampling.TopP = 1 },
		"penalty":   func(q *Request) { q.Sampling.RepetitionPenalty = 1 },
		"max":       func(q *Request) { q.MaxTokens = 8*blockTokens - 40 },
		"window":    func(q *Request) { q.Sampling.PenaltyWindow = 64 },
		"seed":      func(q *Request) { q.Sampling.Seed = FixedSeed(9) },
		"top k":     func(q *Request) { q.Sampling.TopK = 5 }, // greedy all the same
		"likeliest": func(q *Request) { q.Sampling = Sampling{Temperature: 2, TopP: LeastTopP(0)} },
		"few":       func(q *Request) { q.Sampling = Sampling{Temperature: 2, TopK: 6, TopP: LeastTopP(0)} },
	} {
		require.Equal(t, zero, run(same), name)
	}
	for name, other := range map[string]func(*Request){
		"n":            func(q *Request) { q.N = 2 },
		"all tokens":   func(q *Request) { q.Sampling = Sampling{Temperature: 2, Seed: FixedSeed(0)} },
		"penalty":      func(q *Request) { q.Sampling.RepetitionPenalty = 2 },
		"max":          func(q *Request) { q.MaxTokens = 5 },
		"prompt only":  func(q *Request) { q.PromptOnly = true },
		"echo":         func(q *Request) { q.Echo = true },
		"log-probs":    func(q *Request) { q.LogProbs = true },
		"alternatives": func(q *Request) { q.LogProbs, q.TopLogProbs = true, 1 },
	} {
		require.NotEqual(t, zero, run(other), name)
	}

	drawn := func(seed Seed) []int32 {
		return run(func(q *Request) { q.Sampling = Sampling{Temperature: 1, Seed: seed} }).Choices[0].Tokens
	}
	require.Equal(t, drawn(FixedSeed(0)), drawn(FixedSeed(0)))
	require.NotEqual(t, drawn(Seed{}), drawn(Seed{}), "random")
}
