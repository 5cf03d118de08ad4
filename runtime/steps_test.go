package runtime

import (
	"errors"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"cllm/model"
)

// byHand makes an engine on a real model that is stepped by the test.
func (d demo) byHand(t testing.TB, o Options) *Engine {
	t.Helper()
	e := d.start(t, o)
	require.NoError(t, e.Close())
	started := &Engine{}
	kv, err := model.NewKVCache(d.m.Config(), o.KVFormat, e.plan.Blocks)
	require.NoError(t, err)
	workers, err := NewWorkers(o.Threads, "")
	require.NoError(t, err)
	t.Cleanup(func() {
		workers.Close()
		require.NoError(t, kv.Close())
	})
	runner, err := model.NewRunner(d.m, kv, workers.pool, e.options.StepTokens, e.options.outputs())
	require.NoError(t, err)
	started.init(runner, kv.Copy, e.vocab, workers, e.plan, e.options)
	return started
}

func TestStepsDoNotAllocate(t *testing.T) {
	if invariants {
		t.Skip("the checks of every step allocate")
	}
	d := openDemo(t, "demo-qwen2-q4_k_m.gguf")
	e := d.byHand(t, Options{Threads: 2, Parallel: 8, Context: 1024, Speculate: 8})
	e.share = 1 << 20
	for i := range 6 {
		q := Request{Prompt: d.prose(20 + i), IgnoreEOS: true, LogProbs: true, TopLogProbs: 3,
			Sampling: Sampling{Temperature: 0.8, TopP: 0.9, TopK: 40, RepetitionPenalty: 1.1, PenaltyWindow: -1, Seed: FixedSeed(1)}}
		if i == 0 {
			q.Sampling.LogitBias = map[int32]float32{1: 1, 2: 2}
		}
		s, err := e.Submit(t.Context(), q)
		require.NoError(t, err)
		defer s.Close()
	}
	step := func() {
		e.intake()
		e.step()
	}
	for range 300 { // what grows with the text has grown
		step()
	}
	require.Zero(t, testing.AllocsPerRun(300, step), "but for texts that grow, less than once a step")
}

// failing is a model that works for some steps, and then not.
type failing struct {
	forwarder
	left int
	err  error
}

func (f *failing) Forward(b *model.Batch) ([][]float32, error) {
	if f.left--; f.left < 0 {
		return nil, f.err
	}
	return f.forwarder.Forward(b)
}

// When the engine fails in the middle of a stream, what was said before arrives
// and then the error; all that the requests held is free, and the engine goes on
// when the model does.
func TestEngineFailsInTheMiddleOfAStream(t *testing.T) {
	r := newRig(t, 32, Options{Parallel: 4, Speculate: -1})
	broken := errors.New("the model is gone")
	f := &failing{r.model, 11, broken} // a step for the prompts, ten more
	r.model = f
	var streams []*Stream
	for i := range 2 {
		q := endless(i)
		q.N = 2
		streams = append(streams, r.submit1(t, q))
	}
	r.run(t)
	for _, s := range streams {
		said, reason := map[int]int{}, error(nil)
		for ev, err := range s.Events() {
			said[ev.Choice] += len(ev.Tokens)
			require.False(t, ev.Done)
			if reason = err; err != nil {
				break
			}
		}
		require.ErrorIs(t, reason, broken)
		require.Equal(t, map[int]int{0: 11, 1: 11}, said)
	}
	require.EqualValues(t, 4, r.Stats().Failed)
	require.Equal(t, 32, r.sched.pool.available())
	require.Zero(t, r.taken)
	require.Zero(t, r.requests.used())

	f.left = math.MaxInt
	q := endless(3)
	s := r.submit1(t, q)
	r.run(t)
	got, err := s.Wait()
	require.NoError(t, err)
	requireAlone(t, q, r.limit, got)
}

// The index finds what a scan of the whole history does.
func TestLookupAgainstScanning(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tokens := rapid.SliceOfN(rapid.Int32Range(0, 2), 1, 60).Draw(t, "tokens")
		cut := rapid.IntRange(1, len(tokens)).Draw(t, "prompt")
		l := &lookup{prompt: indexPrompt(tokens[:cut])}
		for end := cut; end <= len(tokens); end++ {
			n := rapid.IntRange(1, 5).Draw(t, "n")
			require.Equal(t, scanned(tokens[:end], n), l.draft(nil, history{tokens[:cut], tokens[cut:end]}, n), "%d", end)
		}
	})
}

// scanned is what followed the longest earlier occurrence of the last tokens,
// the latest of equals.
func scanned(tokens []int32, n int) []int32 {
	best, from, end := 2, 0, len(tokens)
	for i := end - 2; i >= 2; i-- {
		m := 0
		for m < longestMatch && m <= i && tokens[i-m] == tokens[end-1-m] {
			m++
		}
		if m > best {
			best, from = m, i+1
		}
	}
	if from == 0 {
		return nil
	}
	return slices.Clone(tokens[from:min(from+n, end)])
}

// What a step costs for the largest history does not grow with it.
func TestDraftsOfLongHistoriesAreBounded(t *testing.T) {
	same := make([]int32, 1<<20) // every position is in one chain
	l := &lookup{prompt: indexPrompt(same[:1<<19])}
	require.Empty(t, l.draft(nil, history{same[:1<<19], same[1<<19:]}, 8), "a part is indexed at a time")
	require.Len(t, l.own.links, mostIndexed)
	l = &lookup{prompt: indexPrompt(same)}
	least := time.Hour
	for range 100 {
		start := time.Now()
		require.Len(t, l.draft(nil, history{prompt: same}, 8), 1)
		least = min(least, time.Since(start))
	}
	require.Less(t, least, 100*time.Microsecond)
}

// A prompt that the prefix cache has is looked up in pieces, and computed as
// little as ever.
func TestLongPrefixIsLookedUpInPieces(t *testing.T) {
	r := newRig(t, 3*mostLookups, Options{Speculate: -1, Parallel: 2})
	long := prompt(2*mostLookups*blockTokens, 1)
	for i := range 2 {
		s := r.submit1(t, greedy(long, 1))
		neighbour := r.submit1(t, greedy(prompt(5, i), 30))
		r.run(t)
		got, err := s.Wait()
		require.NoError(t, err)
		require.Equal(t, i*(len(long)-blockTokens), got.Usage.CachedTokens)
		requireAlone(t, greedy(long, 1), r.limit, got)
		_, err = neighbour.Wait()
		require.NoError(t, err)
	}
}
