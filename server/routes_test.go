package server

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"cllm/config"
	"cllm/kernels"
	"cllm/runtime"
	"cllm/server/api"
)

func TestRoutes(t *testing.T) {
	i := start(t, setup{})
	_, b := i.get("/")
	var index struct {
		Name, Version string
		Endpoints     []struct{ Method, Path string }
	}
	require.NoError(t, json.Unmarshal(b.Data, &index))
	require.Equal(t, "cllm", index.Name)
	require.Equal(t, "test", index.Version)
	for _, e := range index.Endpoints {
		wrong := http.MethodPut
		req, err := http.NewRequest(wrong, i.url+e.Path, nil)
		require.NoError(t, err)
		res, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		text, err := io.ReadAll(res.Body)
		res.Body.Close()
		require.NoError(t, err)
		require.Contains(t, string(text), wrong+" is not for")
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

// A base address that ends in a slash makes //generate of a client: it is
// answered, never sent elsewhere, which would turn its POST into a GET.
func TestSlashes(t *testing.T) {
	i := start(t, setup{})
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	for path, want := range map[string]int{
		"//generate": 200, "///generate": 200, "/%2fgenerate": 200, "/generate?x=//y": 200,
		"/generate/": 404, "/./generate": 404, "/x/../generate": 404, "/Generate": 404, "//": 405, "//generate//x": 404,
	} {
		res, err := client.Post(i.url+path, "application/json", strings.NewReader(`{"prompt":"Once","max_tokens":1}`))
		require.NoError(t, err)
		i.read(res)
		require.Equal(t, want, res.StatusCode, path)
	}
	res, err := client.Get(i.url + "//health")
	require.NoError(t, err)
	i.read(res)
	require.Equal(t, http.StatusOK, res.StatusCode)
}

// Checks of the old kind name no host; nothing can be rebound then.
func TestWithoutHost(t *testing.T) {
	i := start(t, setup{})
	for request, want := range map[string]int{
		"GET /health HTTP/1.0\r\n\r\n":                                    200,
		"GET /health HTTP/1.0\r\nHost: rebound.example\r\n\r\n":           403,
		"GET /health HTTP/1.0\r\nOrigin: https://rebound.example\r\n\r\n": 403,
		"GET /health HTTP/1.1\r\n\r\n":                                    400,
		"GET /health HTTP/1.1\r\nHost:\r\n\r\n":                           200,
	} {
		res, err := http.ReadResponse(bufio.NewReader(i.raw(request)), nil)
		require.NoError(t, err)
		require.Equal(t, want, res.StatusCode, request)
	}
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

// Behind a proxy a server on loopback is asked by the proxy's names, which are
// to be listed; the advice says how.
func TestAllowedHosts(t *testing.T) {
	for _, c := range []struct {
		listen, allowed, host, origin string
		status                        int
	}{
		{"127.0.0.1", "llm.example, Other.Example:8443", "llm.example", "", 200},
		{"127.0.0.1", "llm.example, Other.Example:8443", "LLM.example:80", "https://llm.example", 200},
		{"127.0.0.1", "llm.example, Other.Example:8443", "other.example", "", 200},
		{"127.0.0.1", "llm.example, Other.Example:8443", "localhost", "", 200},
		{"127.0.0.1", "llm.example", "evil.example", "", 403},
		{"127.0.0.1", "llm.example", "x.llm.example", "", 403},
		{"127.0.0.1", "llm.example", "llm.example", "https://evil.example", 403},
		{"127.0.0.1", "*", "evil.example", "https://evil.example", 200},
		{"0.0.0.0", "llm.example", "evil.example", "", 403},
		{"0.0.0.0", "llm.example", "llm.example", "", 200},
	} {
		var allowed []string
		for name := range strings.SplitSeq(c.allowed, ",") {
			allowed = append(allowed, strings.TrimSpace(name))
		}
		r := httptest.NewRequest(http.MethodGet, "http://"+c.host+"/", nil)
		if c.origin != "" {
			r.Header.Set("Origin", c.origin)
		}
		err := newHosts(&config.Config{Host: c.listen, AllowedHosts: allowed}).check(r)
		if c.status == http.StatusOK {
			require.NoError(t, err, "%+v", c)
			continue
		}
		var e *api.Error
		require.ErrorAs(t, err, &e, "%+v", c)
		require.Equal(t, c.status, e.Kind.Status())
		require.Contains(t, e.Advice, "--allowed-hosts")
	}
	i := start(t, setup{config: func(c *config.Config) { c.AllowedHosts = []string{"llm.example"} }})
	for host, want := range map[string]int{"llm.example": 200, "evil.example": 403} {
		res, err := http.ReadResponse(bufio.NewReader(i.raw("GET /health HTTP/1.1\r\nHost: "+host+"\r\n\r\n")), nil)
		require.NoError(t, err)
		require.Equal(t, want, res.StatusCode)
	}
}

func TestPanicsAreAnswered(t *testing.T) {
	i := start(t, setup{})
	rec := httptest.NewRecorder()
	i.wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("boom") })).
		ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "http://localhost/", nil))
	require.Equal(t, http.StatusInternalServerError, rec.Code)
	answer := i.read(rec.Result()).Error
	require.Regexp(t, "^internal error, the log has it as [0-9a-f]{32}$", answer)
	require.Regexp(t, answer[len(answer)-32:]+`.*panic in a handler: boom.*routes_test\.go`, i.log.String(), "the log has the stack")

	begun := i.wrap(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusOK)
		panic("boom")
	}))
	require.PanicsWithError(t, http.ErrAbortHandler.Error(), func() {
		begun.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "http://localhost/", nil))
	})
}

// What is reported comes from the engine: it has fitted the context to the
// memory, whatever the settings and the model say.
func TestReportsAreTheEngines(t *testing.T) {
	i := start(t, setup{options: func(o *runtime.Options) {
		o.KVMemory, o.KVFormat, o.NoPrefixCache, o.Parallel = 3<<20, kernels.KVQ8, true, 3
	}})
	context := i.engine.Context()
	require.Less(t, context, i.options.Model.Context)
	_, b := i.get("/model/info")
	var m map[string]any
	require.NoError(t, json.Unmarshal(b.Data, &m))
	require.EqualValues(t, context, m["max_sequence_length"])
	require.Equal(t, "q8_0", m["kv_cache_type"])
	res, b := i.post("/generate", `{"prompt":"`+strings.Repeat("word ", 3000)+`"}`)
	require.Equal(t, http.StatusBadRequest, res.StatusCode)
	require.Contains(t, b.Error, fmt.Sprintf("the limit is %d", context))
	_, b = i.get("/health?level=detailed")
	var h struct {
		Components struct {
			Engine struct {
				Running int `json:"max_running"`
			}
			Cache struct {
				Type   string
				Prefix bool `json:"prefix_cache"`
			} `json:"kv_cache"`
		}
	}
	require.NoError(t, json.Unmarshal(b.Data, &h))
	require.Equal(t, 3, h.Components.Engine.Running)
	require.Equal(t, "q8_0", h.Components.Cache.Type)
	require.False(t, h.Components.Cache.Prefix)
	res, b = i.post("/generate", `{"prompt":"x","n":4}`)
	require.Equal(t, http.StatusBadRequest, res.StatusCode)
	require.Contains(t, b.Error, "n is 4, must be from 1 to 3")
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
	for wrong, want := range map[string]string{
		`{"requests":0}`: "requests is 0", `{"requests":10001}`: "requests is 10001", `{"concurrency":0}`: "concurrency is 0", `{"max_tokens":0}`: "max_tokens is 0",
		`{"temperature":-1}`: "temperature is -1", `{"prompt":1}`: "prompt must be", `{"prompt":""}`: "prompt is empty",
		`{"prompt":"` + strings.Repeat("word ", 3000) + `"}`: "the prompt has",
		`{"requests":10000,"max_tokens":1048576}`:            "10000 requests of up to 2048 tokens are more than the 262144 tokens",
		`{"concurrency":261}`:                                "concurrency is 261, must be from 1 to 260",
	} {
		res, b := i.post("/benchmark", wrong)
		require.Equal(t, http.StatusBadRequest, res.StatusCode, wrong)
		require.Contains(t, b.Error, want)
	}
}

// A benchmark has the limits of any request: the longest prompt, the time, the
// queue; one runs at a time, and it can be switched off.
func TestBenchmarkObeysLimits(t *testing.T) {
	i := start(t, setup{config: func(c *config.Config) { c.Benchmark = false }})
	res, b := i.post("/benchmark", `{}`)
	require.Equal(t, http.StatusNotFound, res.StatusCode)
	require.Contains(t, b.Error, "/benchmark")
	_, b = i.get("/")
	require.NotContains(t, string(b.Data), "/benchmark")

	i = start(t, setup{config: func(c *config.Config) { c.MaxInput = 3 }})
	res, b = i.post("/benchmark", `{"prompt":"Once upon a time"}`)
	require.Equal(t, http.StatusBadRequest, res.StatusCode)
	require.Contains(t, b.Error, "4 tokens, the limit is 3")

	i, g := startGated(t, 8, setup{config: func(c *config.Config) { c.Timeout = time.Hour }})
	first := make(chan int, 1)
	go func() {
		res, _ := i.post("/benchmark", `{"requests":2,"concurrency":2}`)
		first <- res.StatusCode
	}()
	streams := g.open(2)
	require.Equal(t, time.Hour, streams[0].request.Timeout)
	res, b = i.post("/benchmark", `{}`)
	require.Equal(t, http.StatusTooManyRequests, res.StatusCode)
	require.Equal(t, "A benchmark is running", b.Error)
	for _, s := range streams {
		s.end(runtime.FinishStop)
	}
	require.Equal(t, http.StatusOK, <-first)

	i, g = startGated(t, 8, setup{config: func(c *config.Config) { c.Timeout = 50 * time.Millisecond }})
	res, b = i.post("/benchmark", `{"requests":100,"concurrency":2}`)
	require.Equal(t, http.StatusRequestTimeout, res.StatusCode, "the whole of it has the time of a request")
	g.open(0)
}
