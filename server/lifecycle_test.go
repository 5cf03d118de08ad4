package server

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"cllm/config"
	"cllm/runtime"
)

func TestRoutes(t *testing.T) {
	i := start(t, setup{})
	_, b := i.get("/")
	var index struct {
		Name, Version string
		Endpoints     []route
	}
	require.NoError(t, json.Unmarshal(b.Data, &index))
	require.Equal(t, "cllm", index.Name)
	require.Equal(t, "test", index.Version)
	for _, e := range index.Endpoints {
		wrong := http.MethodDelete
		req, err := http.NewRequest(wrong, i.url+e.Path, nil)
		require.NoError(t, err)
		res, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		require.Contains(t, i.read(res).Error, wrong)
		require.Equal(t, http.StatusMethodNotAllowed, res.StatusCode, e.Path)
		require.Contains(t, res.Header.Get("Allow"), e.Method)
	}
	res, b := i.get("/nothing/here")
	require.Equal(t, http.StatusNotFound, res.StatusCode)
	require.Contains(t, b.Error, "/nothing/here")

	res, err := http.Head(i.url + "/health")
	require.NoError(t, err)
	res.Body.Close()
	require.Equal(t, http.StatusOK, res.StatusCode)
}

func TestHealthLevels(t *testing.T) {
	i := start(t, setup{})
	require.Equal(t, "healthy", i.state().Status)
	for level, keys := range map[string][]string{
		"":         {"status", "model_loaded", "running", "waiting", "kv_blocks"},
		"detailed": {"components"},
		"full":     {"components", "metrics", "dependencies"},
	} {
		_, b := i.get("/health?level=" + level)
		var data map[string]any
		require.NoError(t, json.Unmarshal(b.Data, &data))
		for _, key := range keys {
			require.Contains(t, data, key, level)
		}
	}
	res, _ := i.get("/health?level=deep")
	require.Equal(t, http.StatusBadRequest, res.StatusCode)
}

func TestModelInfo(t *testing.T) {
	i := start(t, setup{config: func(c *config.Config) { c.Context = 1024 }})
	_, b := i.get("/model/info")
	var m map[string]any
	require.NoError(t, json.Unmarshal(b.Data, &m))
	for key, want := range map[string]any{
		"model_path": "demo.gguf", "model_family": "qwen2", "vocab_size": 4096., "hidden_size": 256., "num_layers": 6.,
		"num_attention_heads": 4., "num_key_value_heads": 2., "max_sequence_length": 1024., "intermediate_size": 768.,
		"rope_theta": 10000., "rms_norm_eps": 1e-6, "use_kv_cache": true,
		"quantization": map[string]any{"enabled": true, "type": "q4_k_m"},
	} {
		require.Equal(t, want, m[key], key)
	}
}

// A stream's first event arrives while the request runs, and other requests
// are answered meanwhile.
func TestStreamsWhileGenerating(t *testing.T) {
	i := start(t, setup{})
	ctx, cancel := context.WithCancel(t.Context())
	next := i.open(ctx, "/generate_stream", long)
	for range 3 {
		e, ok := next()
		require.True(t, ok)
		require.False(t, e.Done)
	}
	require.Equal(t, 1, i.state().Running, "the request still runs when its first events are here")
	var g generated
	i.ask("/generate", `{"prompt":"Once","max_tokens":2}`, &g)
	require.Equal(t, 1, i.state().Running, "a short request ends before a long one that came first")
	cancel()
	i.idle()
}

func TestClientLeaves(t *testing.T) {
	i := start(t, setup{})
	for _, path := range []string{"/generate", "/generate_stream", "/benchmark"} {
		ctx, cancel := context.WithCancel(t.Context())
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, i.url+path, strings.NewReader(long))
		require.NoError(t, err)
		left := make(chan struct{})
		go func() {
			defer close(left)
			if res, err := http.DefaultClient.Do(req); err == nil {
				_, _ = io.Copy(io.Discard, res.Body)
				res.Body.Close()
			}
		}()
		require.Eventually(t, func() bool { return i.state().Running > 0 }, 5*time.Second, time.Millisecond, path)
		cancel()
		<-left
		i.idle()
	}
}

func TestTimeouts(t *testing.T) {
	i := start(t, setup{config: func(c *config.Config) { c.Timeout = 100 * time.Millisecond }})
	res, b := i.post("/generate", long)
	require.Equal(t, http.StatusRequestTimeout, res.StatusCode)
	require.Equal(t, "Request timeout", b.Error)
	i.idle()

	next := i.open(t.Context(), "/generate_stream", long)
	var last event
	for e, ok := next(); ok; e, ok = next() {
		last = e
	}
	require.True(t, last.Done)
	require.Equal(t, "timeout", last.Reason)

	i = start(t, setup{})
	res, _ = i.post("/generate", strings.TrimSuffix(long, "}")+`,"timeout":0.05}`)
	require.Equal(t, http.StatusRequestTimeout, res.StatusCode, "a request may ask for less time")
	i.idle()
}

func TestQueueFull(t *testing.T) {
	i := start(t, setup{
		config:  func(c *config.Config) { c.Parallel, c.MaxWaiting = 1, 1 },
		options: func(o *runtime.Options) { o.MaxWaiting = 1 },
	})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	i.open(ctx, "/generate_stream", long)
	i.open(ctx, "/generate_stream", long)
	res, b := i.post("/generate", long)
	require.Equal(t, http.StatusTooManyRequests, res.StatusCode)
	require.Equal(t, "5", res.Header.Get("Retry-After"))
	require.Equal(t, "Request queue is full", b.Error)
	require.NotEmpty(t, b.Message)
	require.Equal(t, 5, b.RetryAfter)
	require.Eventually(t, func() bool { return i.state().Waiting == 1 }, time.Second, time.Millisecond)
	cancel()
	i.idle()
}

// Every one of 500 connections at once is answered or refused, none dropped.
func TestManyConnections(t *testing.T) {
	i := start(t, setup{options: func(o *runtime.Options) { o.MaxWaiting = 200 }})
	var mu sync.Mutex
	status := map[int]int{}
	var clients sync.WaitGroup
	transport := &http.Transport{DisableKeepAlives: true}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport}
	for range 500 {
		clients.Go(func() {
			res, err := client.Post(i.url+"/generate", "application/json", strings.NewReader(`{"prompt":"Once","max_tokens":8,"ignore_eos":true}`))
			code := -1
			if err == nil {
				defer res.Body.Close()
				var b body
				if json.NewDecoder(res.Body).Decode(&b) == nil {
					code = res.StatusCode
				}
			}
			mu.Lock()
			defer mu.Unlock()
			status[code]++
		})
	}
	clients.Wait()
	require.Equal(t, 500, status[200]+status[429], "%v", status)
	require.GreaterOrEqual(t, status[200], 208, "the running and the waiting are served")
	i.idle()
}

// Stopping lets running requests end, and refuses new ones meanwhile.
func TestDrain(t *testing.T) {
	i := start(t, setup{})
	next := i.open(t.Context(), "/generate_stream", `{"prompt":"Once upon a time","max_tokens":600,"ignore_eos":true}`)
	_, ok := next()
	require.True(t, ok)
	i.stop()
	require.Eventually(t, func() bool {
		res, err := http.Post(i.url+"/generate", "application/json", strings.NewReader(long))
		if err != nil {
			return false
		}
		defer res.Body.Close()
		return res.StatusCode == http.StatusServiceUnavailable && res.Header.Get("Retry-After") == "5"
	}, time.Second, time.Millisecond)
	res, b := i.get("/health")
	require.Equal(t, http.StatusServiceUnavailable, res.StatusCode)
	require.Equal(t, "Server is shutting down", b.Error)
	var last event
	for e, ok := next(); ok; e, ok = next() {
		last = e
	}
	require.True(t, last.Done)
	require.Equal(t, 600, last.Generated)
	require.NoError(t, <-i.done)
	i.done = nil
	_, err := http.Get(i.url + "/health")
	require.Error(t, err, "after that the port is closed")
}

func TestDrainGivesUp(t *testing.T) {
	i := start(t, setup{times: func(s *times) { s.drain = 50 * time.Millisecond }})
	next := i.open(t.Context(), "/generate_stream", long)
	_, ok := next()
	require.True(t, ok)
	i.stop()
	err := <-i.done
	i.done = nil
	require.ErrorContains(t, err, "still running after 50ms")
}

// A client that stops reading is dropped after the time of one write.
func TestStalledReader(t *testing.T) {
	i := start(t, setup{
		times:  func(s *times) { s.write = 100 * time.Millisecond },
		listen: func(l net.Listener) net.Listener { return smallBuffers{l} },
	})
	c, err := net.Dial("tcp", strings.TrimPrefix(i.url, "http://"))
	require.NoError(t, err)
	defer c.Close()
	require.NoError(t, c.(*net.TCPConn).SetReadBuffer(4096))
	text := strings.TrimSuffix(long, "}") + `,"logprobs":20}`
	fmt.Fprintf(c, "POST /generate_stream HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%s", len(text), text)
	require.Eventually(t, func() bool { return i.state().Running == 1 }, 5*time.Second, time.Millisecond)
	started := time.Now()
	i.idle()
	require.Less(t, time.Since(started), 5*time.Second)
}

// smallBuffers makes the system keep little of what a client does not read.
type smallBuffers struct{ net.Listener }

func (l smallBuffers) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err == nil {
		err = c.(*net.TCPConn).SetWriteBuffer(4096)
	}
	return c, err
}

func TestSlowHeadersAndBodies(t *testing.T) {
	i := start(t, setup{times: func(s *times) { s.header, s.body = 50*time.Millisecond, 50*time.Millisecond }})
	for sent, want := range map[string]string{
		"POST /generate HTTP/1.1\r\nHost: local":                                                "",
		"POST /generate HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{\"prompt\":": "HTTP/1.1 408 Request Timeout\r\n",
	} {
		c, err := net.Dial("tcp", strings.TrimPrefix(i.url, "http://"))
		require.NoError(t, err)
		_, err = io.WriteString(c, sent)
		require.NoError(t, err)
		require.NoError(t, c.SetReadDeadline(time.Now().Add(5*time.Second)))
		line, err := bufio.NewReader(c).ReadString('\n')
		if want == "" {
			require.Equal(t, io.EOF, err, "the connection ends")
		}
		require.Equal(t, want, line)
		c.Close()
	}
}

func TestPings(t *testing.T) {
	i := start(t, setup{
		times:  func(s *times) { s.ping = time.Millisecond },
		config: func(c *config.Config) { c.Parallel = 1 },
	})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	i.open(ctx, "/generate_stream", long) // the only place is taken
	res, err := http.Post(i.url+"/generate_stream", "application/json", strings.NewReader(long))
	require.NoError(t, err)
	defer res.Body.Close()
	line, err := bufio.NewReader(res.Body).ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, ": ping\n", line)
}

func TestHostAndOrigin(t *testing.T) {
	i := start(t, setup{})
	for _, c := range []struct {
		host, origin string
		status       int
	}{
		{"localhost", "", 200},
		{"LOCALHOST:80", "", 200},
		{"127.0.0.1:9", "", 200},
		{"[::1]:9", "", 200},
		{"rebound.example", "", 403},
		{"127.0.0.1.example", "", 403},
		{"10.0.0.1", "", 403},
		{"localhost", "http://localhost:3000", 200},
		{"localhost", "https://rebound.example", 403},
		{"localhost", "null", 403},
	} {
		req, err := http.NewRequest(http.MethodGet, i.url+"/health", nil)
		require.NoError(t, err)
		req.Host = c.host
		if c.origin != "" {
			req.Header.Set("Origin", c.origin)
		}
		res, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		i.read(res)
		require.Equal(t, c.status, res.StatusCode, "%v", c)
	}
	i = start(t, setup{config: func(c *config.Config) { c.Host = "0.0.0.0" }})
	req, err := http.NewRequest(http.MethodGet, i.url+"/health", nil)
	require.NoError(t, err)
	req.Host = "inference.example"
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	i.read(res)
	require.Equal(t, http.StatusOK, res.StatusCode, "a server for others has any name")
}

func TestPanicsAreAnswered(t *testing.T) {
	i := start(t, setup{})
	rec := httptest.NewRecorder()
	i.wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("boom") })).
		ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "http://localhost/", nil))
	require.Equal(t, http.StatusInternalServerError, rec.Code)
	require.Equal(t, "internal error: panic: boom", i.read(rec.Result()).Error)
	require.Contains(t, i.log.String(), "lifecycle_test.go", "the log has the stack")

	begun := i.wrap(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusOK)
		panic("boom")
	}))
	require.PanicsWithError(t, http.ErrAbortHandler.Error(), func() {
		begun.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "http://localhost/", nil))
	})
}

func TestBenchmark(t *testing.T) {
	i := start(t, setup{})
	var b map[string]any
	i.ask("/benchmark", `{"requests":6,"concurrency":3,"max_tokens":5,"prompt":"Once upon a time","temperature":0}`, &b)
	for key, want := range map[string]any{"total_requests": 6., "successful_requests": 6., "failed_requests": 0., "avg_generated_tokens": 5.,
		"total_tokens_processed": 54.} {
		require.Equal(t, want, b[key], key)
	}
	for _, key := range []string{"avg_response_time", "min_response_time", "max_response_time", "avg_throughput", "avg_tokens_per_second", "total_time"} {
		require.Positive(t, b[key], key)
	}
	for _, wrong := range []string{`{"requests":0}`, `{"concurrency":0}`, `{"max_tokens":0}`, `{"temperature":-1}`, `{"prompt":1}`} {
		res, _ := i.post("/benchmark", wrong)
		require.Equal(t, http.StatusBadRequest, res.StatusCode, wrong)
	}
}

// Health is answered from counters, at once, while all cores compute.
func TestHealthUnderLoad(t *testing.T) {
	i := start(t, setup{})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for range 8 {
		i.open(ctx, "/generate_stream", long)
	}
	var took []time.Duration
	for range 30 {
		begin := time.Now()
		i.state()
		took = append(took, time.Since(begin))
	}
	slices.Sort(took)
	require.Less(t, took[len(took)/2], 50*time.Millisecond)
}

// Large bodies wait for each other; small ones do not.
func TestLargeBodiesAreBounded(t *testing.T) {
	i := start(t, setup{times: func(s *times) { s.body = 100 * time.Millisecond }})
	require.True(t, i.bodies.TryAcquire(bodyBudget))
	large := `{"text":"` + strings.Repeat("x", smallBody) + `"}`
	res, b := i.post("/encode", large)
	require.Equal(t, http.StatusServiceUnavailable, res.StatusCode)
	require.Equal(t, "Too many large requests", b.Error)
	res, _ = i.post("/encode", `{"text":"x"}`)
	require.Equal(t, http.StatusOK, res.StatusCode)
	i.bodies.Release(bodyBudget)
	res, _ = i.post("/encode", large)
	require.Equal(t, http.StatusOK, res.StatusCode)
	require.True(t, i.bodies.TryAcquire(bodyBudget), "all room is given back")
}
