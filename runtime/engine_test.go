package runtime

import (
	"context"
	"errors"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"cllm/model"
)

func greedy(p []int32, n int) Request {
	return Request{Prompt: p, MaxTokens: n}
}

func TestOneRequest(t *testing.T) {
	r := newRig(t, 16, Options{})
	q := greedy(prompt(40, 1), 100)
	s := r.submit1(t, q)
	r.run(t)
	got, err := s.Wait()
	require.NoError(t, err)
	requireAlone(t, q, r.limit, got)
	require.Equal(t, Usage{PromptTokens: 40, CompletionTokens: len(got.Choices[0].Tokens)}, got.Usage)
}

// Requests of every kind, arriving and leaving at random, in a pool that is
// too small for them, must each give what they give alone; and no block may be
// lost, at any step.
func TestRandomHistories(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		blocks := rapid.IntRange(3, 24).Draw(rt, "blocks")
		r := newRig(t, blocks, Options{
			Parallel:      rapid.IntRange(1, 8).Draw(rt, "parallel"),
			StepTokens:    rapid.IntRange(1, 64).Draw(rt, "step tokens"),
			NoPrefixCache: rapid.Bool().Draw(rt, "no prefix cache"),
			Speculate:     rapid.IntRange(-1, 6).Draw(rt, "speculate"),
		})
		r.fake.broken = 22
		type sent struct {
			Request
			stream *Stream
			cancel context.CancelFunc
			left   bool
		}
		var all []*sent
		submit := func(rt *rapid.T) {
			n := rapid.IntRange(1, r.limit).Draw(rt, "prompt")
			p := prompt(n, rapid.IntRange(0, 2).Draw(rt, "seed of the prompt"))
			for i := range p {
				p[i] %= 22
			}
			if rapid.IntRange(0, 9).Draw(rt, "broken") == 0 {
				p[n-1] = r.fake.broken
			}
			q := Request{
				Prompt:    p,
				MaxTokens: rapid.IntRange(0, 80).Draw(rt, "max tokens"),
				N:         rapid.IntRange(0, r.sched.maxRunning).Draw(rt, "n"),
				LogProbs:  rapid.Bool().Draw(rt, "logprobs"),
				Echo:      rapid.Bool().Draw(rt, "echo"),
				IgnoreEOS: rapid.Bool().Draw(rt, "ignore eos"),
				Sampling: Sampling{
					Temperature:       rapid.SampledFrom([]float32{0, 0.5, 1}).Draw(rt, "temperature"),
					RepetitionPenalty: rapid.SampledFrom([]float32{1, 1.1}).Draw(rt, "repetition"),
					TopK:              rapid.SampledFrom([]int{0, 5}).Draw(rt, "top k"),
					Seed:              FixedSeed(rapid.Uint64().Draw(rt, "seed")),
					LogitBias:         map[int32]float32{22: float32(math.Inf(-1))},
				},
			}
			if q.LogProbs {
				q.TopLogProbs = rapid.IntRange(0, 2).Draw(rt, "top logprobs")
			}
			if rapid.IntRange(0, 9).Draw(rt, "prompt only") == 0 {
				q.MaxTokens, q.PromptOnly = 0, true
			}
			if rapid.Bool().Draw(rt, "stop") {
				q.Stop = []string{"ab", "bcd"}
			}
			ctx, cancel := context.WithCancel(context.Background())
			s, err := r.Submit(ctx, q)
			require.NoError(rt, err)
			all = append(all, &sent{q, s, cancel, false})
		}
		rt.Repeat(map[string]func(*rapid.T){
			"submit": submit,
			"step": func(rt *rapid.T) {
				for range rapid.IntRange(1, 20).Draw(rt, "steps") {
					if r.busy() {
						r.turn(rt)
					}
				}
			},
			"cancel": func(rt *rapid.T) {
				if len(all) > 0 {
					s := all[rapid.IntRange(0, len(all)-1).Draw(rt, "which")]
					s.cancel()
					s.left = true
				}
			},
		})
		r.run(rt)
		require.NoError(rt, r.sched.pool.check())
		require.Equal(rt, blocks, r.sched.pool.available(), "blocks were lost")
		require.Zero(rt, r.taken)
		for _, s := range all {
			got, err := s.stream.Wait()
			s.cancel()
			switch broken := s.Prompt[len(s.Prompt)-1] == r.fake.broken; {
			case broken && !s.left:
				require.ErrorIs(rt, err, errBroken)
			case broken:
			case s.left:
				require.NoError(rt, err)
			default:
				require.NoError(rt, err)
				if s.Echo {
					for i := range got.Choices {
						c := &got.Choices[i]
						require.Equal(rt, s.Prompt, c.Tokens[:len(s.Prompt)])
						c.Tokens = c.Tokens[len(s.Prompt):]
						if s.LogProbs {
							c.LogProbs = c.LogProbs.Slice(len(s.Prompt), c.LogProbs.Len())
						}
					}
				}
				requireAlone(rt, s.Request, r.limit, got)
				for _, c := range got.Choices {
					if s.LogProbs {
						require.Equal(rt, len(c.Tokens), c.LogProbs.Len())
					}
				}
			}
		}
	})
}

func TestPreemptionKeepsTheAnswer(t *testing.T) {
	r := newRig(t, 6, Options{Parallel: 4})
	var streams []*Stream
	var requests []Request
	for i := range 4 {
		q := greedy(prompt(30, i), 100)
		q.IgnoreEOS = true
		q.Sampling = Sampling{Temperature: 0.9, Seed: FixedSeed(uint64(i))}
		requests = append(requests, q)
		streams = append(streams, r.submit1(t, q))
	}
	r.run(t)
	require.NotZero(t, r.Stats().Preemptions)
	for i, s := range streams {
		got, err := s.Wait()
		require.NoError(t, err)
		requireAlone(t, requests[i], r.limit, got)
	}
}

func TestPrefixCacheIsUsed(t *testing.T) {
	r := newRig(t, 32, Options{})
	long := prompt(200, 5)
	first := r.submit1(t, greedy(long, 3))
	r.run(t)
	_, err := first.Wait()
	require.NoError(t, err)

	computed := r.Stats().PromptTokens
	second := append(long[:190:190], 1, 2, 3)
	s := r.submit1(t, greedy(second, 3))
	r.run(t)
	got, err := s.Wait()
	require.NoError(t, err)
	requireAlone(t, greedy(second, 3), r.limit, got)
	require.Equal(t, 160, got.Usage.CachedTokens, "five full blocks agree")
	require.EqualValues(t, len(second)-160, r.Stats().PromptTokens-computed)

	// The very same prompt: its last token must be computed all the same.
	s = r.submit1(t, greedy(long[:192], 3))
	r.run(t)
	got, err = s.Wait()
	require.NoError(t, err)
	require.Equal(t, 160, got.Usage.CachedTokens)
	requireAlone(t, greedy(long[:192], 3), r.limit, got)
}

// Prompts that arrive together and begin alike share what the first computes.
func TestPrefixOfRunningIsShared(t *testing.T) {
	r := newRig(t, 64, Options{StepTokens: 64, Parallel: 4})
	var streams []*Stream
	for i := range 4 {
		p := append(prompt(320, 1), int32(i))
		streams = append(streams, r.submit1(t, greedy(p, 2)))
	}
	r.run(t)
	require.Less(t, r.Stats().PromptTokens, uint64(3*320))
	for i, s := range streams {
		got, err := s.Wait()
		require.NoError(t, err)
		requireAlone(t, greedy(append(prompt(320, 1), int32(i)), 2), r.limit, got)
	}
}

func TestChoicesShareThePrompt(t *testing.T) {
	r := newRig(t, 16, Options{Parallel: 4})
	q := greedy(prompt(100, 2), 10)
	q.N, q.Sampling = 4, Sampling{Temperature: 1, Seed: FixedSeed(7)}
	q.IgnoreEOS = true
	s := r.submit1(t, q)
	most := 0
	for {
		if !r.busy() {
			break
		}
		r.turn(t)
		most = max(most, r.Stats().Used)
	}
	got, err := s.Wait()
	require.NoError(t, err)
	requireAlone(t, q, r.limit, got)
	require.LessOrEqual(t, most, 3+4*1, "three full blocks shared, one of each")
	require.NotEqual(t, got.Choices[0].Tokens, got.Choices[1].Tokens)
	require.EqualValues(t, 100, r.Stats().PromptTokens)
}

func TestCancelFreesBlocksAtTheNextStep(t *testing.T) {
	r := newRig(t, 64, Options{Parallel: 2, StepTokens: 32})
	neighbour := greedy(prompt(20, 1), 30)
	n := r.submit1(t, neighbour)
	ctx, cancel := context.WithCancel(t.Context())
	s, err := r.Submit(ctx, greedy(prompt(1500, 2), 30))
	require.NoError(t, err)
	r.intake()
	for range 5 {
		r.turn(t)
	}
	require.Greater(t, r.Stats().Used, 3)
	cancel()
	r.settle(t)
	require.LessOrEqual(t, r.Stats().Used, 2)
	got, err := s.Wait()
	require.NoError(t, err)
	require.Equal(t, FinishCancelled, got.Choices[0].FinishReason)
	r.run(t)
	other, err := n.Wait()
	require.NoError(t, err)
	requireAlone(t, neighbour, r.limit, other)
}

func TestTimeout(t *testing.T) {
	r := newRig(t, 8, Options{})
	q := greedy(prompt(20, 1), 0)
	q.IgnoreEOS, q.Timeout = true, time.Millisecond
	s := r.submit1(t, q)
	r.intake()
	r.turn(t)
	r.settle(t)
	got, err := s.Wait()
	require.NoError(t, err)
	require.Equal(t, FinishTimeout, got.Choices[0].FinishReason)
	require.NotEmpty(t, got.Choices[0].Tokens)
	require.Equal(t, 8, r.sched.pool.available())
}

func TestOneSequenceFailsAlone(t *testing.T) {
	r := newRig(t, 16, Options{Parallel: 3})
	r.fake.broken = 22
	good := greedy(prompt(20, 1), 20)
	good.Sampling.LogitBias = map[int32]float32{22: float32(math.Inf(-1))}
	for i := range good.Prompt {
		good.Prompt[i] %= 22
	}
	a := r.submit1(t, good)
	bad := r.submit1(t, greedy([]int32{1, 2, 22}, 20))
	b := r.submit1(t, good)
	r.run(t)
	for _, s := range []*Stream{a, b} {
		got, err := s.Wait()
		require.NoError(t, err)
		requireAlone(t, good, r.limit, got)
	}
	_, err := bad.Wait()
	require.ErrorIs(t, err, errBroken)
	require.EqualValues(t, 1, r.Stats().Failed)
	require.Equal(t, 16, r.sched.pool.available())
}

func TestSubmitRefuses(t *testing.T) {
	r := newRig(t, 4, Options{Parallel: 2, MaxWaiting: 1})
	ctx := t.Context()
	_, err := r.Submit(ctx, greedy(prompt(129, 1), 5))
	var tooLong *ContextError
	require.ErrorAs(t, err, &tooLong)
	require.Equal(t, []int{129, 128}, []int{tooLong.Prompt, tooLong.Limit})
	require.ErrorContains(t, err, "129")
	require.ErrorContains(t, err, "128")

	for name, q := range map[string]Request{
		"prompt":             {},
		"n":                  {Prompt: []int32{1}, N: 3},
		"temperature":        {Prompt: []int32{1}, Sampling: Sampling{Temperature: -1}},
		"top_p":              {Prompt: []int32{1}, Sampling: Sampling{TopP: 1.5}},
		"min_p":              {Prompt: []int32{1}, Sampling: Sampling{MinP: float32(math.NaN())}},
		"top_k":              {Prompt: []int32{1}, Sampling: Sampling{TopK: -1}},
		"repetition_penalty": {Prompt: []int32{1}, Sampling: Sampling{RepetitionPenalty: -1}},
		"logit_bias":         {Prompt: []int32{1}, Sampling: Sampling{LogitBias: map[int32]float32{24: 1}}},
		"stop":               {Prompt: []int32{1}, Stop: []string{""}},
		"stop_tokens":        {Prompt: []int32{1}, StopTokens: []int32{-1}},
		"top_logprobs":       {Prompt: []int32{1}, LogProbs: true, TopLogProbs: 21},
		"max_tokens":         {Prompt: []int32{1}, MaxTokens: -1},
		"min_tokens":         {Prompt: []int32{1}, MinTokens: 2, MaxTokens: 1},
		"timeout":            {Prompt: []int32{1}, Timeout: -1},
	} {
		_, err := r.Submit(ctx, q)
		var field *FieldError
		require.ErrorAs(t, err, &field, name)
		require.Equal(t, name, field.Field)
	}
	_, err = r.Submit(ctx, Request{Prompt: []int32{24}})
	require.ErrorContains(t, err, "vocabulary")

	for range 3 {
		_, err := r.Submit(ctx, greedy(prompt(5, 1), 2))
		require.NoError(t, err)
	}
	_, err = r.Submit(ctx, greedy(prompt(5, 1), 2))
	require.ErrorIs(t, err, ErrQueueFull)
	r.run(t)
	_, err = r.Submit(ctx, greedy(prompt(5, 1), 2))
	require.NoError(t, err, "room again")
	r.run(t)
}

// A prompt that fills the pool, and one that grows until the pool is full.
func TestPoolIsTheLimit(t *testing.T) {
	r := newRig(t, 4, Options{Parallel: 2})
	full := greedy(prompt(128, 1), 5)
	grows := greedy(prompt(3, 1), 0)
	grows.IgnoreEOS = true
	a, b := r.submit1(t, full), r.submit1(t, grows)
	r.run(t)
	got, err := a.Wait()
	require.NoError(t, err)
	require.Equal(t, FinishLength, got.Choices[0].FinishReason)
	got, err = b.Wait()
	require.NoError(t, err)
	require.Equal(t, 125, got.Usage.CompletionTokens)
	requireAlone(t, grows, 128, got)
}

func TestDrainAndClose(t *testing.T) {
	r := newRig(t, 8, Options{})
	r.start()
	s := r.submit1(t, greedy(prompt(20, 1), 20))
	require.NoError(t, r.Drain(t.Context()))
	_, err := s.Wait()
	require.NoError(t, err)
	_, err = r.Submit(t.Context(), greedy(prompt(20, 1), 20))
	require.ErrorIs(t, err, ErrDraining)
	require.NoError(t, r.Close())
	require.NoError(t, r.Close())

	r = newRig(t, 8, Options{})
	hold := make(chan struct{})
	r.fake.trace = func(*model.Batch) { <-hold }
	r.start()
	q := greedy(prompt(20, 1), 0)
	s = r.submit1(t, q)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, r.Drain(ctx), context.DeadlineExceeded)
	close(hold)
	require.NoError(t, r.Close())
	got, err := s.Wait()
	require.NoError(t, err)
	require.Contains(t, []string{FinishCancelled, FinishLength, FinishStop}, got.Choices[0].FinishReason)
	_, err = r.Submit(t.Context(), q)
	require.ErrorIs(t, err, ErrClosed)
}

func TestStalledReaderHoldsNobodyUp(t *testing.T) {
	r := newRig(t, 16, Options{})
	q := greedy(prompt(20, 1), 300)
	q.IgnoreEOS = true
	s := r.submit1(t, q)
	r.run(t) // nobody reads
	require.Len(t, s.boxes[0].tokens, 300)
	got, err := s.Wait()
	require.NoError(t, err)
	requireAlone(t, q, r.limit, got)
}

func TestLeavingTheLoopCancels(t *testing.T) {
	r := newRig(t, 16, Options{})
	r.start()
	q := greedy(prompt(20, 1), 0)
	q.IgnoreEOS = true
	s := r.submit1(t, q)
	for range s.Events() {
		break
	}
	require.NoError(t, r.Drain(t.Context()))
	require.NoError(t, r.Close())
}

func TestNextEndsWithItsContext(t *testing.T) {
	r := newRig(t, 16, Options{})
	s := r.submit1(t, greedy(prompt(20, 1), 1))
	ctx, cancel := context.WithCancelCause(t.Context())
	gone := errors.New("the reader left")
	cancel(gone)
	_, err := s.Next(ctx)
	require.ErrorIs(t, err, gone)
	r.run(t)
	_, err = s.Wait()
	require.NoError(t, err)
}
