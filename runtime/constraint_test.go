package runtime

import (
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"cllm/kernels"
)

// answers is a constraint that allows a few sequences of tokens, each of which
// an end token follows, over and over when it loops.
type answers struct {
	all  [][]int32
	ends []int32
	loop bool
	said []int32
}

func (a *answers) Mask(allowed []uint64) {
	clear(allowed)
	allow := func(id int32) { allowed[id/64] |= 1 << (id % 64) }
	for _, one := range a.all {
		switch n := len(a.said); {
		case len(one) < n || !slices.Equal(one[:n], a.said):
		case len(one) > n:
			allow(one[n])
		default:
			for _, end := range a.ends {
				allow(end)
			}
		}
	}
}

func (a *answers) Accept(id int32) {
	a.said = append(a.said, id)
	if a.loop && slices.ContainsFunc(a.all, func(one []int32) bool { return slices.Equal(one, a.said) }) {
		a.said = a.said[:0]
	}
}

func (a *answers) Clone() Constraint {
	c := *a
	c.said = slices.Clone(a.said)
	return &c
}

// A constrained choice says what a sampler that asks before every token would,
// whatever is drafted, shared, preempted or chosen beside it.
func TestConstraintHolds(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		c := &answers{ends: []int32{fakeEnd}, loop: true}
		for range rapid.IntRange(1, 6).Draw(rt, "answers") {
			c.all = append(c.all, rapid.SliceOfN(rapid.Int32Range(0, 9), 1, 8).Draw(rt, "answer"))
		}
		r := newRig(t, rapid.IntRange(5, 24).Draw(rt, "blocks"), Options{
			Parallel: 4, Speculate: rapid.SampledFrom([]int{-1, 6}).Draw(rt, "drafts"), StepTokens: rapid.IntRange(1, 40).Draw(rt, "step"),
		})
		r.sched.cost = trained(func(int) float64 { return 0 }) // drafts always pay
		var streams []*Stream
		var asked []Request
		for range rapid.IntRange(1, 4).Draw(rt, "requests") {
			q := Request{Prompt: prompt(rapid.IntRange(1, 60).Draw(rt, "prompt"), 1), MaxTokens: 60, Constraint: c,
				N:        rapid.IntRange(1, 4).Draw(rt, "n"),
				Sampling: Sampling{Temperature: rapid.SampledFrom([]float32{0, 1}).Draw(rt, "temperature"), Seed: FixedSeed(1), RepetitionPenalty: 1.1}}
			asked, streams = append(asked, q), append(streams, r.submit1(rt, q))
		}
		r.run(rt)
		for i, s := range streams {
			got, err := s.Wait()
			require.NoError(rt, err)
			for n, choice := range got.Choices {
				require.Equal(rt, constrained(rt, asked[i], n, c, r.limit), choice.Tokens)
			}
		}
		require.Empty(rt, c.said, "the caller's own was only cloned")
	})
}

// constrained computes a constrained choice token by token, without an engine.
func constrained(t require.TestingT, r Request, choice int, c *answers, limit int) (tokens []int32) {
	own := c.Clone()
	s, w := newSampler(&r.Sampling, choice), newWorkspace(fakeVocab, kernels.All()[0])
	allowed := make([]uint64, 1)
	for len(tokens) < r.MaxTokens && len(r.Prompt)+len(tokens) < limit {
		own.Mask(allowed)
		seen := slices.Concat(r.Prompt, tokens)
		logits := fakeLogits(seen)
		for id := range logits {
			if allowed[0]>>id&1 == 0 {
				logits[id] = float32(math.Inf(-1))
			}
		}
		// A ruled-out token stays so under any penalty.
		id, err := s.sample(logits, guidance{history: history{prompt: seen}}, false, w)
		require.NoError(t, err)
		own.Accept(id)
		if id == fakeEnd {
			break
		}
		tokens = append(tokens, id)
	}
	return tokens
}

// On a real model: with drafts and without, the answer is one of those allowed.
func TestConstraintOnAModel(t *testing.T) {
	d := openDemo(t, "demo-qwen2-q4_k_m.gguf")
	c := &answers{ends: d.tok.EndTokens()}
	words := []string{" king and his daughter", " wolf", " king and the fox", " old woman who lived in a wood"}
	for _, word := range words {
		c.all = append(c.all, d.tok.Encode(nil, word, false))
	}
	for _, drafts := range []int{-1, 16} {
		e := d.start(t, Options{Threads: 2, Parallel: 4, Speculate: drafts})
		s, err := e.Submit(t.Context(), Request{Prompt: d.tok.Encode(nil, "Once upon a time there was a", false), N: 4, Constraint: c,
			Sampling: Sampling{Temperature: 1.5, Seed: FixedSeed(3)}})
		require.NoError(t, err)
		got, err := s.Wait()
		require.NoError(t, err)
		said := map[string]bool{}
		for _, choice := range got.Choices {
			require.Contains(t, words, choice.Text)
			require.Equal(t, FinishStop, choice.FinishReason)
			said[choice.Text] = true
		}
		require.Greater(t, len(said), 1)
	}
}

// panicking fails at the third token.
type panicking struct{ answers }

func (p *panicking) Mask(allowed []uint64) {
	for i := range allowed {
		allowed[i] = ^uint64(0)
	}
	if len(p.said) == 3 {
		panic("no more")
	}
}
func (p *panicking) Clone() Constraint { return &panicking{*p.answers.Clone().(*answers)} }

// A constraint that allows nothing, or panics, fails its own request alone.
func TestConstraintThatFails(t *testing.T) {
	r := newRig(t, 16, Options{Parallel: 4})
	nothing := endless(1)
	nothing.Constraint = &answers{}
	panics := endless(2)
	panics.Constraint = &panicking{}
	good := endless(3)
	a, b, c := r.submit1(t, nothing), r.submit1(t, panics), r.submit1(t, good)
	r.run(t)
	_, err := a.Wait()
	require.ErrorIs(t, err, errNothingAllowed)
	_, err = b.Wait()
	require.ErrorContains(t, err, "no more")
	got, err := c.Wait()
	require.NoError(t, err)
	requireAlone(t, good, r.limit, got)
	require.Equal(t, 16, r.sched.pool.available())
}
