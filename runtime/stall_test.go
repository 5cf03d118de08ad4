package runtime

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// endless is a request that fills the context.
func endless(seed int) Request {
	q := greedy(prompt(8, seed), 0)
	q.IgnoreEOS = true
	return q
}

// What nobody has read yet is one event; each choice's in its order.
func TestUnreadEventsMerge(t *testing.T) {
	r := newRig(t, 16, Options{Speculate: -1, Parallel: 2})
	q := endless(1)
	q.N, q.MaxTokens, q.LogProbs, q.TopLogProbs, q.Echo = 2, 30, true, 2, true
	s := r.submit1(t, q)
	r.run(t)
	var events []Event
	for ev, err := range s.Events() {
		require.NoError(t, err)
		events = append(events, ev)
	}
	require.Len(t, events, 4)
	for i, ev := range events {
		require.Equal(t, i/2, ev.Choice)
		require.Equal(t, i%2 == 0, ev.Echo)
		require.Equal(t, i%2 == 1, ev.Done)
		require.Equal(t, len(ev.Tokens), ev.LogProbs.Len())
		require.Len(t, ev.Tokens, []int{8, 30}[i%2])
		require.Len(t, ev.Text, len(ev.Tokens))
	}
}

// A choice that has more unread than its share waits, the others go on; once it
// is read, it goes on too, and its answer is the same.
func TestChoiceOverItsShareWaitsAlone(t *testing.T) {
	r := newRig(t, 32, Options{Speculate: -1, Parallel: 2, MaxWaiting: 4})
	r.share = 100
	stalled, neighbour := endless(1), endless(2)
	stalled.MaxTokens, neighbour.MaxTokens = 200, 100
	a, b := r.submit1(t, stalled), r.submit1(t, neighbour)
	go func() { // b is read, a not
		for range b.Events() {
		}
	}()
	for r.Stats().Finished[FinishLength] == 0 {
		r.intake()
		if !r.step() {
			<-r.wakeup // both wait for their readers
		}
	}
	require.Less(t, a.boxes[0].bytes(), 120)
	r.intake()
	require.False(t, r.step(), "nothing is left but what nobody reads")
	require.Equal(t, 1, r.Stats().Running)

	var got Result
	done := make(chan struct{})
	go func() {
		defer close(done)
		result, err := a.Wait()
		if err == nil {
			got = *result
		}
	}()
	for r.busy() {
		if !r.step() {
			<-r.wakeup
		}
	}
	<-done
	requireAlone(t, stalled, r.limit, &got)
	require.Less(t, cap(a.boxes[0].text), 1000)
}

// Whoever is never read ends, and is told so.
func TestChoiceThatNobodyReadsEnds(t *testing.T) {
	r := newRig(t, 32, Options{StallTimeout: 5 * time.Millisecond})
	r.share = 100
	r.start()
	s := r.submit1(t, endless(1))
	require.Eventually(t, func() bool { return r.Stats().Finished[FinishTimeout] == 1 }, 10*time.Second, time.Millisecond)
	got, err := s.Wait()
	require.NoError(t, err)
	require.Equal(t, FinishTimeout, got.Choices[0].FinishReason)
	require.NotEmpty(t, got.Choices[0].Tokens)
	require.Less(t, len(got.Choices[0].Tokens), 100)
	require.NoError(t, r.Close())
}

// Those that nobody reads keep neither a place nor blocks from those that wait.
func TestStalledChoicesMakeWay(t *testing.T) {
	r := newRig(t, 32, Options{Speculate: -1, Parallel: 2, MaxWaiting: 8})
	r.share = 100
	var stalled []*Stream
	for i := range 2 {
		stalled = append(stalled, r.submit1(t, endless(i)))
	}
	for r.busy() && r.step() {
	}
	require.Equal(t, 2, r.Stats().Running)
	others := make([]*Stream, 4)
	for i := range others {
		q := endless(10 + i)
		q.MaxTokens = 20
		others[i] = r.submit1(t, q)
	}
	for r.busy() && r.step() {
	}
	for i, s := range others {
		q := endless(10 + i)
		q.MaxTokens = 20
		got, err := s.Wait()
		require.NoError(t, err)
		requireAlone(t, q, r.limit, got)
	}
	require.Positive(t, r.Stats().Preemptions)
	for i, s := range stalled {
		done := make(chan *Result, 1)
		go func() {
			got, _ := s.Wait()
			done <- got
		}()
		for r.Stats().Finished[FinishLength] < uint64(5+i) {
			r.intake()
			if !r.step() {
				<-r.wakeup
			}
			require.NoError(t, r.sched.pool.check(r.sched.tables()...))
		}
		requireAlone(t, endless(i), r.limit, <-done)
	}
	require.Zero(t, r.requests.used())
}
