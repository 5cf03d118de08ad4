package bench

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestReport(t *testing.T) {
	at := func(s float64) time.Time { return time.Unix(1000, 0).Add(time.Duration(s * float64(time.Second))) }
	var all tally
	for _, s := range []Sample{
		{Start: at(0), First: at(0.5), End: at(2), Tokens: 10, PromptTokens: 3, Gaps: []time.Duration{time.Second}},
		{Start: at(1), First: at(1.1), End: at(5), Tokens: 20, PromptTokens: 3},
		{Start: at(1), End: at(4), Tokens: 7, Err: errors.New("cut")},
	} {
		all.add(s)
	}
	b := all.report()
	require.Equal(t, 3, b.Requests)
	require.Equal(t, 2, b.Successful)
	require.Equal(t, 1, b.Failed)
	require.Equal(t, 30, b.TokensGenerated, "tokens of failed requests do not count")
	require.Equal(t, 36, b.TokensProcessed)
	require.InDelta(t, 30.0/5, b.Throughput, 1e-9, "from the first start to the last end")
	require.InDelta(t, (5+5)/2.0, b.TokensPerSecond, 1e-9)
	require.InDelta(t, 3.0, b.AvgTime, 1e-9)
	require.InDelta(t, 0.5, b.FirstToken.Max, 1e-9)
	require.InDelta(t, 1.0, b.BetweenTokens.P50, 1e-9)
	require.Equal(t, []string{"cut"}, b.Errors)
}

func TestSpread(t *testing.T) {
	x := make([]float64, 200)
	for i := range x {
		x[i] = float64(200 - i)
	}
	got := spread(x)
	require.InDelta(t, 8.07058, got.CI95, 1e-4, "1.97196 (Student's t of 199) × 57.87918 / √200")
	got.CI95 = 0
	require.Equal(t, Spread{Mean: 100.5, P50: 100, P95: 190, P99: 198, Max: 200}, got)
	require.Equal(t, Spread{Mean: 7, P50: 7, P95: 7, P99: 7, Max: 7}, spread([]float64{7}))
	require.InDelta(t, 12.7062*0.5, spread([]float64{1, 2}).CI95, 1e-3, "two say little")
	require.Equal(t, Spread{}, spread(nil))
}

func TestLoadKeepsToTheConcurrency(t *testing.T) {
	var now, most atomic.Int64
	b := Load(t.Context(), 40, 4, func(context.Context, int) Sample {
		if n := now.Add(1); n > most.Load() {
			most.Store(n)
		}
		time.Sleep(time.Millisecond)
		now.Add(-1)
		return Sample{Start: time.Now(), End: time.Now(), Tokens: 1}
	})
	require.Equal(t, 40, b.TokensGenerated)
	require.LessOrEqual(t, most.Load(), int64(4))
	require.Greater(t, most.Load(), int64(1))
}

// Each dialect's stream, as its servers send it.
func TestDialects(t *testing.T) {
	streams := map[string]string{
		"cllm": `data: {"id":"x","token":"a","done":false}

: ping

data: {"id":"x","token":"b","done":false}

data: {"id":"x","token":"","done":true,"generated_tokens":2,"prompt_tokens":5}

`,
		"ollama": `{"model":"m","response":"a","done":false}
{"model":"m","response":"b","done":false}
{"model":"m","response":"","done":true,"eval_count":2,"prompt_eval_count":5}
`,
		"openai": `data: {"choices":[{"text":"a","index":0}]}

data: {"choices":[{"text":"b","index":0}]}

data: {"choices":[],"usage":{"completion_tokens":2,"prompt_tokens":5}}

data: [DONE]

`,
		"openai-chat": `data: {"choices":[{"delta":{"role":"assistant"},"index":0}]}

data: {"choices":[{"delta":{"reasoning_content":"a"},"index":0}]}

data: {"choices":[{"delta":{"content":"b"},"index":0}]}

data: {"choices":[{"delta":{},"index":0,"finish_reason":"stop"}]}

data: {"choices":[],"usage":{"completion_tokens":2,"prompt_tokens":5}}

data: [DONE]

`,
	}
	for name, stream := range streams {
		cut := false
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if cut {
				fmt.Fprint(w, stream[:strings.Index(stream, "\n")+1])
				return
			}
			fmt.Fprint(w, stream)
		}))
		c, err := NewClient(Client{Dialect: name, URL: srv.URL + "/", MaxTokens: 2, IgnoreEOS: true}, 1)
		require.NoError(t, err)
		s := c.Do(t.Context(), "hello")
		require.NoError(t, s.Err, name)
		require.Equal(t, 2, s.Tokens, name)
		require.Equal(t, 5, s.PromptTokens, name)
		require.Len(t, s.Gaps, 1, name)
		require.False(t, s.First.IsZero(), name)
		cut = true
		require.ErrorContains(t, c.Do(t.Context(), "hello").Err, "stream ended", name)
		srv.Close()
		require.Error(t, c.Do(t.Context(), "hello").Err, name)
	}
	for _, address := range []string{"", "127.0.0.1:8080", "localhost", "::", "ftp://localhost", "http://"} {
		_, err := NewClient(Client{Dialect: "cllm", URL: address}, 1)
		require.ErrorContains(t, err, "http://host:port", address)
	}
	_, err := NewClient(Client{Dialect: "grpc"}, 1)
	require.ErrorContains(t, err, "cllm, ollama, openai, openai-chat")
}

func TestRefusalIsAnError(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, "queue full", http.StatusTooManyRequests)
	}))
	defer srv.Close()
	c, err := NewClient(Client{Dialect: "cllm", URL: srv.URL}, 1)
	require.NoError(t, err)
	require.ErrorContains(t, c.Do(t.Context(), "x").Err, "queue full")
}
