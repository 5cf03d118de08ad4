package server

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"cllm/runtime"
)

// A whole answer is charged while it grows: what can never fit is refused with
// the numbers, what does not fit beside others waits for them, and for so long
// as a write may take. Nothing stays charged.
func TestAnswersAreCharged(t *testing.T) {
	i, g := startGated(t, 8, setup{})
	g.room = 10_000
	post := func() chan body { return i.postGated(g) }
	piece := strings.Repeat("x", 3_000)

	alone := post()
	s := g.open(1)[0]
	for range 4 {
		s.text(piece)
	}
	require.Regexp(t, "the request needs .* of memory, all requests together have", (<-alone).Error)
	g.open(0)

	first := post()
	g.open(1)[0].text(piece)
	g.waitHeld(3_000)
	second := post()
	streams := g.open(2)
	streams[1].text(piece)
	g.waitHeld(6_000)
	streams[1].text(piece) // does not fit beside the first: it waits
	streams[1].end(runtime.FinishStop)
	streams[0].end(runtime.FinishStop)
	require.True(t, (<-first).Success)
	b := <-second
	require.True(t, b.Success, b.Error)
	require.Contains(t, string(b.Data), piece+piece)
	g.open(0)

	require.Zero(t, g.held)

	i, g = startGated(t, 8, setup{times: func(s *times) { s.write = 50 * time.Millisecond }})
	g.room = 10_000
	first = post()
	g.open(1)[0].text(piece)
	g.waitHeld(3_000)
	second = post()
	streams = g.open(2)
	for range 2 {
		streams[1].text(piece)
	}
	b = <-second
	require.Equal(t, "Request queue is full", b.Error, "the first did not end in time")
	require.Equal(t, 5, b.RetryAfter)
	streams[0].end(runtime.FinishStop)
	require.True(t, (<-first).Success)
	g.open(0)
	require.Zero(t, g.held)
}

// postGated makes a request, and returns when the engine has it.
func (i *instance) postGated(g *gatedEngine) chan body {
	answer := make(chan body, 1)
	g.mu.Lock()
	n := len(g.streams)
	g.mu.Unlock()
	go func() {
		_, b := i.post("/generate", `{"prompt":"x"}`)
		answer <- b
	}()
	g.open(n + 1)
	return answer
}

// waitHeld waits until at least so many bytes are charged.
func (g *gatedEngine) waitHeld(bytes int64) {
	g.wait(func([]*gatedStream) bool {
		g.mu.Lock()
		defer g.mu.Unlock()
		return g.held >= bytes
	})
}

// An answer that cannot fit into the engine's memory for requests is refused
// before anything is computed, where that is certain, and a neighbour is served
// meanwhile.
func TestAnswerBeyondTheMemory(t *testing.T) {
	i := start(t, setup{options: func(o *runtime.Options) { o.RequestMemory = 1 << 20 }})
	steps := i.engine.Stats().Steps
	res, b := i.post("/generate", `{"prompt":"`+strings.Repeat("word ", 1500)+`","echo":true,"logprobs":20,"n":8,"max_tokens":10}`)
	require.Equal(t, http.StatusBadRequest, res.StatusCode, b.Error)
	require.Regexp(t, `the request needs \d.* of memory, all requests together have 1\.0 MiB`, b.Error)
	require.Equal(t, steps, i.engine.Stats().Steps)

	res, b = i.post("/generate", `{"prompt":"x","logprobs":20,"n":8,"max_tokens":1500,"ignore_eos":true}`)
	require.Equal(t, http.StatusBadRequest, res.StatusCode, b.Error)
	require.Regexp(t, `the request needs \d.* of memory, all requests together have 1\.0 MiB`, b.Error)
	i.ask("/generate", `{"prompt":"Once","max_tokens":3,"logprobs":20,"n":8}`, &generated{})
	i.ask("/generate", `{"prompt":"Once","max_tokens":-1,"min_tokens":2000000,"ignore_eos":true,"logprobs":1,"timeout":60}`, &generated{})
	i.idle()
}
