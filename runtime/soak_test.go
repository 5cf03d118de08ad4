package runtime

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"cllm/model"
)

// Clients that arrive, leave, stall and ask for too much, all at once, on a
// pool that is always too small: every answer that is waited for is right,
// and nothing stays behind.
func TestSoak(t *testing.T) {
	d := openDemo(t, "demo-qwen2-q4_k_m.gguf")
	all := d.tales(6)
	for i := range all {
		all[i].MaxTokens = min(all[i].MaxTokens, 40)
	}
	want := texts(t, d.start(t, Options{Threads: 1, Parallel: 1, NoPrefixCache: true, Speculate: -1}), all, false)

	block := model.BlockBytes(d.m.Config(), 0)
	e := d.start(t, Options{Threads: 2, Parallel: 6, MaxWaiting: 6, Context: 320, KVMemory: 12 * block,
		Speculate: 8})
	// A slow machine gets the time it needs for one of each outcome.
	until, most := time.Now().Add(3*time.Second), time.Now().Add(time.Minute)
	enough := func() bool {
		s := e.Stats()
		all := s.Finished[FinishLength] > 0 && s.Finished[FinishCancelled]+s.Finished[FinishTimeout] > 0
		return time.Now().After(until) && all || time.Now().After(most)
	}
	var clients sync.WaitGroup
	for c := range 12 {
		clients.Go(func() {
			random := rand.New(rand.NewPCG(uint64(c), 1))
			for !enough() {
				i := random.IntN(len(all))
				ctx, cancel := context.WithCancel(context.Background())
				q := all[i]
				switch random.IntN(5) {
				case 0:
					q.Timeout = time.Duration(1 + random.IntN(30e6))
				case 1:
					time.AfterFunc(time.Duration(random.IntN(30e6)), cancel)
				case 2:
					q.Prompt = make([]int32, 1000)
				}
				s, err := e.Submit(ctx, q)
				if err != nil {
					time.Sleep(time.Millisecond)
					cancel()
					continue
				}
				if random.IntN(8) == 0 {
					time.Sleep(20 * time.Millisecond) // stalls
				}
				r, err := s.Wait()
				cancel()
				if err != nil {
					t.Errorf("client %d: %v", c, err)
					return
				}
				got := r.Choices[0]
				if got.FinishReason == FinishLength && len(got.Tokens) != len(want[i]) {
					t.Errorf("request %d gave %d tokens, not %d", i, len(got.Tokens), len(want[i]))
				}
				for k, id := range got.Tokens {
					if id != want[i][k] {
						t.Errorf("request %d gave another token %d", i, k)
						return
					}
				}
			}
		})
	}
	clients.Wait()
	require.NoError(t, e.Drain(t.Context()))
	s := e.Stats()
	require.Zero(t, s.Running+s.Waiting+s.Used)
	require.Equal(t, s.Blocks, s.Cached+s.Free)
	require.NotZero(t, s.Finished[FinishLength])
	require.NotZero(t, s.Finished[FinishCancelled]+s.Finished[FinishTimeout])
	require.Zero(t, s.Failed)
}
