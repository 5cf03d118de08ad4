package runtime

import (
	"math"
	goruntime "runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// What a request holds is charged when it is submitted, and given back when
// engine and reader are done with it.
func TestRequestsAreCharged(t *testing.T) {
	r := newRig(t, 64, Options{})
	require.Zero(t, r.requests.used())
	q := greedy(prompt(500, 1), 3)
	s := r.submit1(t, q)
	plain := r.requests.used()
	require.EqualValues(t, r.bytesOf(&q), plain)
	require.Equal(t, plain, r.Stats().RequestBytes)
	require.Greater(t, plain, int64(requestBytes+4*500))

	for name, more := range map[string]func(*Request){
		"stop strings":      func(q *Request) { q.Stop = []string{"something that does not come"} },
		"stop tokens":       func(q *Request) { q.StopTokens = []int32{1, 2, 3} },
		"log-probabilities": func(q *Request) { q.Echo, q.LogProbs, q.TopLogProbs = true, true, 5 },
		"the caller's":      func(q *Request) { q.Hold = 1000 },
	} {
		before := r.requests.used()
		q := greedy(prompt(500, 1), 3)
		more(&q)
		s := r.submit1(t, q)
		require.Greater(t, r.requests.used()-before, plain, name)
		s.Close()
		r.settle(t)
		require.Equal(t, before, r.requests.used(), name)
	}

	r.run(t)
	require.Equal(t, plain, r.requests.used(), "nobody has read it")
	_, err := s.Wait()
	require.NoError(t, err)
	require.Zero(t, r.requests.used())
}

func TestHold(t *testing.T) {
	r := newRig(t, 64, Options{RequestMemory: 64 << 10})
	s := r.submit1(t, Request{Prompt: prompt(10, 1), MaxTokens: 3, Hold: 1000})
	first := r.requests.used()
	require.NoError(t, s.Hold(5000))
	require.NoError(t, s.Hold(-2000))
	require.Equal(t, first+3000, r.requests.used())
	var never *MemoryError
	require.ErrorAs(t, s.Hold(60<<10), &never)
	require.Equal(t, int64(64<<10), never.Limit)
	require.Greater(t, never.Need, never.Limit)
	require.ErrorContains(t, never, "0.1 MiB")
	require.ErrorAs(t, s.Hold(math.MaxInt64), &never)
	_, err := r.Submit(t.Context(), Request{Prompt: prompt(10, 1), Hold: math.MaxInt64})
	require.ErrorAs(t, err, &never)
	other := r.submit1(t, greedy(prompt(10, 1), 3))
	err = s.Hold(40 << 10)
	require.ErrorIs(t, err, ErrQueueFull)
	require.NotErrorIs(t, err, never)
	require.Equal(t, first+3000+first-1000, r.requests.used(), "nothing was charged")

	r.run(t)
	_, err = other.Wait()
	require.NoError(t, err)
	for range s.Events() {
	}
	require.EqualValues(t, 4000, r.requests.used(), "what the caller holds is there until it closes")
	require.NoError(t, s.Hold(-1<<40), "no more than there is")
	require.Zero(t, r.requests.used())
	s.Close()
	s.Close()
	require.Zero(t, r.requests.used())
	require.ErrorIs(t, s.Hold(1), ErrStreamClosed)
}

// What can never fit is refused with the numbers, what does not fit now as by a
// full queue; both leave nothing behind.
func TestMemoryOfRequestsIsBounded(t *testing.T) {
	r := newRig(t, 64, Options{RequestMemory: 100 << 10, Parallel: 4})
	echo := Request{Prompt: prompt(1000, 1), Echo: true, LogProbs: true, TopLogProbs: 20, N: 4}
	var never *MemoryError
	_, err := r.Submit(t.Context(), echo)
	require.ErrorAs(t, err, &never)
	require.Greater(t, never.Need, int64(1000*21*8))
	require.Less(t, never.Need, int64(2*1000*21*8+requestBytes), "the choices share what is of the prompt")
	require.Zero(t, r.taken)
	require.Zero(t, r.requests.used())

	var streams []*Stream
	for {
		var s *Stream
		if s, err = r.Submit(t.Context(), greedy(prompt(1000, 1), 2)); err != nil {
			break
		}
		streams = append(streams, s)
	}
	require.ErrorIs(t, err, ErrQueueFull)
	require.ErrorContains(t, err, "MiB")
	require.Len(t, streams, 3)
	require.Equal(t, 3, r.taken)
	r.run(t)
	for _, s := range streams {
		_, err := s.Wait()
		require.NoError(t, err)
	}
	require.Zero(t, r.requests.used())
	_, err = r.Submit(t.Context(), greedy(prompt(1000, 1), 2))
	require.NoError(t, err)
	r.run(t)
}

// A stream that nobody closes is given back with Go's memory.
func TestForgottenStream(t *testing.T) {
	r := newRig(t, 64, Options{})
	func() { r.submit1(t, greedy(prompt(10, 1), 2)) }()
	r.run(t)
	require.Eventually(t, func() bool {
		goruntime.GC()
		return r.requests.used() == 0
	}, 10*time.Second, time.Millisecond)
}
