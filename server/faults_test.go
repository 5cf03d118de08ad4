package server

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"cllm/config"
	"cllm/runtime"
	"cllm/server/api"
)

// startGated is a server on a [gatedEngine].
func startGated(t *testing.T, places int, s setup) (*instance, *gatedEngine) {
	g := newGatedEngine(places)
	s.engine = func(Engine) Engine { return g }
	return start(t, s), g
}

// errSecret is what clients must not see.
var errSecret = errors.New("unexpected fault address 0xc000123456")

var logID = "[0-9a-f]{32}"

// An engine that fails under a stream, before it, and under a whole answer:
// clients hear an id, the log has the reason under it, neighbours go on, and
// health is the engine's, not the request's.
func TestEngineFails(t *testing.T) {
	i, g := startGated(t, 8, setup{})
	neighbour := i.lines(t, "/generate_stream", `{"prompt":"x"}`)
	beside := g.open(1)[0]
	beside.text("still ")

	lines := i.lines(t, "/generate_stream", `{"prompt":"x"}`)
	s := g.open(2)[1]
	s.text("half ")
	require.Contains(t, lines(), `"token":"half "`)
	s.fail(errSecret)
	last := lines()
	require.Regexp(t, `"done":true,"error":"internal error, the log has it as `+logID+`"`, last)
	require.Empty(t, lines(), "an error ends the stream")
	g.open(1)

	for _, path := range []string{"/generate", "/generate_stream"} {
		answer := make(chan body)
		go func() {
			res, b := i.post(path, `{"prompt":"x"}`)
			require.Equal(t, http.StatusInternalServerError, res.StatusCode)
			answer <- b
		}()
		g.open(2)[1].fail(errSecret)
		b := <-answer
		require.Regexp(t, "^internal error, the log has it as "+logID+"$", b.Error)
		require.NotContains(t, b.Error, "0x")
		id := b.Error[len(b.Error)-32:]
		require.Regexp(t, "id="+id+".*unexpected fault address 0xc000123456", i.log.String())
		g.open(1)
	}
	require.Equal(t, "healthy", i.state().Status, "a request that fails says nothing of the engine")

	beside.text("here")
	beside.end(runtime.FinishStop)
	require.Contains(t, neighbour(), "still ")
	require.Contains(t, neighbour(), "here")
	require.Contains(t, neighbour(), `"done":true`)
}

// lines starts a stream and returns a function that reads its next event whole,
// "" after the last.
func (i *instance) lines(t *testing.T, path, text string) (next func() string) {
	lines := make(chan *bufio.Reader, 1)
	done := make(chan struct{})
	t.Cleanup(func() { <-done }) // the test's context has ended
	go func() {                  // the header comes with the first event
		defer close(done)
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, i.url+path, strings.NewReader(text))
		require.NoError(t, err)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			close(lines)
			return
		}
		require.Equal(t, http.StatusOK, res.StatusCode)
		context.AfterFunc(t.Context(), func() { res.Body.Close() })
		lines <- bufio.NewReader(res.Body)
	}()
	var r *bufio.Reader
	return func() string {
		if r == nil {
			r = <-lines
		}
		line, err := r.ReadString('\n')
		if err == io.EOF {
			return ""
		}
		require.NoError(t, err)
		_, err = r.ReadString('\n')
		require.NoError(t, err)
		return line
	}
}

// What the engine says when it is asked is an answer of its own kind.
func TestRefusalsOfTheEngine(t *testing.T) {
	for _, c := range []struct {
		err    error
		status int
		text   string
	}{
		{runtime.ErrQueueFull, 429, "Request queue is full"},
		{runtime.ErrDraining, 503, "Server is shutting down"},
		{runtime.ErrClosed, 503, "Server is shutting down"},
		{fmt.Errorf("wrapped: %w", runtime.ErrClosed), 503, "Server is shutting down"},
		{&runtime.FieldError{Field: "n", Message: "is 9"}, 400, "n is 9"},
		{&runtime.ContextError{Prompt: 5, Limit: 4, Reason: "a limit"}, 400, "5 tokens, the limit is 4"},
		{context.DeadlineExceeded, 408, "Request timeout"},
		{errSecret, 500, "internal error, the log has it as"},
	} {
		i := start(t, setup{engine: func(e Engine) Engine { return refusing{e, c.err} }})
		for _, path := range []string{"/generate", "/generate_stream"} {
			res, b := i.post(path, `{"prompt":"x"}`)
			require.Equal(t, c.status, res.StatusCode, "%v", c.err)
			require.Contains(t, b.Error, c.text)
			require.NotContains(t, b.Error, "0x")
			if c.status == 429 || c.status == 503 {
				require.Equal(t, "5", res.Header.Get("Retry-After"))
			}
		}
		res, _ := i.get("/health")
		require.Equal(t, http.StatusOK, res.StatusCode, "%v", c.err)
	}
}

type refusing struct {
	Engine
	err error
}

func (r refusing) Submit(context.Context, runtime.Request) (stream api.Stream, err error) {
	return nil, r.err
}

// Health and life are two things: an engine that cannot compute ends both, a
// server that stops is alive until it has stopped.
func TestHealthAndLife(t *testing.T) {
	i, g := startGated(t, 1, setup{})
	check := func(path string, status int, text string) {
		t.Helper()
		res, b := i.get(path)
		require.Equal(t, status, res.StatusCode, path)
		require.Contains(t, b.Error, text)
		require.NotContains(t, b.Error+b.Message, "0x")
	}
	check("/health", 200, "")
	check("/health/live", 200, "")

	lines := i.lines(t, "/generate_stream", `{"prompt":"x"}`)
	s := g.open(1)[0]
	s.text("x")
	require.NotEmpty(t, lines())
	res, _ := i.post("/generate", `{"prompt":"x"}`)
	require.Equal(t, http.StatusTooManyRequests, res.StatusCode)
	check("/health", 200, "")
	check("/health/live", 200, "")

	g.setHealth(errSecret)
	check("/health", 503, "the engine cannot compute")
	check("/health?level=full", 503, "the engine cannot compute")
	check("/health/live", 503, "the engine cannot compute")
	g.setHealth(nil)
	check("/health", 200, "")

	i.stop()
	require.Eventually(t, func() bool { return i.draining.Load() }, 10*time.Second, time.Millisecond)
	check("/health", 503, "Server is shutting down")
	check("/health/live", 200, "")
	s.end(runtime.FinishStop)
	require.Contains(t, lines(), `"done":true`)
}

// Stopping lets running requests end, and refuses new ones meanwhile.
func TestDrain(t *testing.T) {
	i, g := startGated(t, 8, setup{})
	lines := i.lines(t, "/generate_stream", `{"prompt":"x"}`)
	s := g.open(1)[0]
	s.text("first")
	require.Contains(t, lines(), "first")
	i.stop()
	require.Eventually(t, func() bool { return i.draining.Load() }, 10*time.Second, time.Millisecond)
	require.Eventually(t, func() bool {
		g.mu.Lock()
		defer g.mu.Unlock()
		return g.draining
	}, 10*time.Second, time.Millisecond)
	res, b := i.post("/generate", `{"prompt":"x"}`)
	require.Equal(t, http.StatusServiceUnavailable, res.StatusCode)
	require.Equal(t, "5", res.Header.Get("Retry-After"))
	require.Equal(t, "Server is shutting down", b.Error)
	select {
	case err := <-i.done:
		t.Fatalf("stopped under a running request: %v", err)
	default:
	}
	s.text("second")
	s.end(runtime.FinishStop)
	require.Contains(t, lines(), "second")
	require.Contains(t, lines(), `"done":true`)
	require.NoError(t, <-i.done)
	i.done = nil
	_, err := http.Get(i.url + "/health")
	require.Error(t, err, "after that the port is closed")
}

func TestDrainGivesUp(t *testing.T) {
	i, g := startGated(t, 8, setup{times: func(s *times) { s.drain = 50 * time.Millisecond }})
	lines := i.lines(t, "/generate_stream", `{"prompt":"x"}`)
	g.open(1)[0].text("first")
	require.Contains(t, lines(), "first")
	i.stop()
	err := <-i.done
	i.done = nil
	require.ErrorContains(t, err, "still running after 50ms")
}

// A full queue refuses, and a place that becomes free is taken.
func TestQueueFull(t *testing.T) {
	i, g := startGated(t, 2, setup{})
	first := i.lines(t, "/generate_stream", `{"prompt":"x"}`)
	g.open(1)
	second := make(chan int)
	go func() {
		res, _ := i.post("/generate_stream", `{"prompt":"y"}`)
		second <- res.StatusCode
	}()
	streams := g.open(2)
	for range 3 {
		res, b := i.post("/generate", `{"prompt":"x"}`)
		require.Equal(t, http.StatusTooManyRequests, res.StatusCode)
		require.Equal(t, "5", res.Header.Get("Retry-After"))
		require.Equal(t, "Request queue is full", b.Error)
		require.NotEmpty(t, b.Message)
		require.Equal(t, 5, b.RetryAfter)
	}
	streams[1].end(runtime.FinishTimeout)
	require.Equal(t, http.StatusRequestTimeout, <-second, "a stream whose time is up before it began is an error as any other")
	g.open(1)
	streams[0].text("x")
	streams[0].end(runtime.FinishLength)
	require.Contains(t, first(), `"token":"x"`)
	require.Contains(t, first(), `"finish_reason":"length"`)
	g.open(0)
}

// Health is answered while every place is taken and nothing moves.
func TestHealthUnderLoad(t *testing.T) {
	i, g := startGated(t, 64, setup{})
	for range 64 {
		i.lines(t, "/generate_stream", `{"prompt":"x"}`)
	}
	streams := g.open(64)
	for range 10 {
		require.Equal(t, 64, i.state().Running)
	}
	for _, s := range streams {
		s.text("x")
		s.end(runtime.FinishStop)
	}
	g.open(0)
}

func TestPings(t *testing.T) {
	i, g := startGated(t, 1, setup{times: func(s *times) { s.ping = time.Millisecond }})
	lines := i.lines(t, "/generate_stream", `{"prompt":"x"}`)
	require.Equal(t, ": ping\n", lines())
	require.Equal(t, ": ping\n", lines())
	s := g.open(1)[0]
	s.text("x")
	s.end(runtime.FinishStop)
	text := ""
	for line := lines(); line != ""; line = lines() {
		text += line
	}
	require.Contains(t, text, `"token":"x"`)
	require.Contains(t, text, `"done":true`)
}

// An engine that closes under a stream that has begun is an error in it.
func TestEngineClosesUnderAStream(t *testing.T) {
	i, g := startGated(t, 1, setup{})
	lines := i.lines(t, "/generate_stream", `{"prompt":"x"}`)
	s := g.open(1)[0]
	s.text("x")
	s.end(runtime.FinishCancelled)
	require.Contains(t, lines(), `"token":"x"`)
	require.Contains(t, lines(), `"error":"Server is shutting down"`)
}

// raw sends bytes and returns the connection.
func (i *instance) raw(text string) net.Conn {
	i.t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(i.url, "http://"))
	require.NoError(i.t, err)
	i.t.Cleanup(func() { c.Close() })
	require.NoError(i.t, c.SetReadDeadline(time.Now().Add(20*time.Second)))
	_, err = io.WriteString(c, text)
	require.NoError(i.t, err)
	return c
}

// rawPost is a POST as it goes over the wire.
func rawPost(path, body string) string {
	return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%s", path, len(body), body)
}

// A client that closes its side may be taken for one that left, but what it
// still reads then looks cut off.
func TestHalfClosedClient(t *testing.T) {
	i, g := startGated(t, 1, setup{})
	c := i.raw(rawPost("/generate_stream", `{"prompt":"x"}`))
	g.open(1)[0].text("half")
	r := bufio.NewReader(c)
	res, err := http.ReadResponse(r, nil)
	require.NoError(t, err)
	b := bufio.NewReader(res.Body)
	line, err := b.ReadString('\n')
	require.NoError(t, err)
	require.Contains(t, line, "half")
	require.NoError(t, c.(*net.TCPConn).CloseWrite())
	rest, err := io.ReadAll(b)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF, "%q", rest)
	require.NotContains(t, string(rest), `"done":true`)
	g.open(0)

	c = i.raw(rawPost("/generate", `{"prompt":"x"}`))
	g.open(1)
	require.NoError(t, c.(*net.TCPConn).CloseWrite())
	res, err = http.ReadResponse(bufio.NewReader(c), nil)
	require.NoError(t, err)
	require.NotEqual(t, http.StatusOK, res.StatusCode)
	g.open(0)
}

// A time-out of cLLM's dialect is 408, as its callers know it.
func TestTimeouts(t *testing.T) {
	i, g := startGated(t, 1, setup{config: func(c *config.Config) { c.Timeout = time.Minute }})
	for fields, want := range map[string]time.Duration{"": time.Minute, `,"timeout":0.5`: time.Second / 2, `,"timeout":100`: time.Minute, `,"max_tokens":-1`: time.Minute} {
		answer := make(chan *http.Response)
		go func() {
			res, b := i.post("/generate", `{"prompt":"x"`+fields+`}`)
			require.Equal(t, "Request timeout", b.Error)
			answer <- res
		}()
		s := g.open(1)[0]
		require.Equal(t, want, s.request.Timeout, fields)
		s.end(runtime.FinishTimeout)
		require.Equal(t, http.StatusRequestTimeout, (<-answer).StatusCode)
		g.open(0)
	}
	lines := i.lines(t, "/generate_stream", `{"prompt":"x"}`)
	s := g.open(1)[0]
	s.text("x")
	s.end(runtime.FinishTimeout)
	require.Contains(t, lines(), `"token":"x"`)
	var last event
	require.NoError(t, json.Unmarshal([]byte(strings.TrimPrefix(lines(), "data: ")), &last))
	require.True(t, last.Done)
	require.Equal(t, "timeout", last.Reason)
}
