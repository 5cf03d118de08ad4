package server

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"cllm/config"
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
	for _, wrong := range []string{`{"requests":0}`, `{"concurrency":0}`, `{"max_tokens":0}`, `{"temperature":-1}`, `{"prompt":1}`,
		`{"prompt":""}`, `{"prompt":"` + strings.Repeat("word ", 3000) + `"}`} {
		res, _ := i.post("/benchmark", wrong)
		require.Equal(t, http.StatusBadRequest, res.StatusCode, wrong)
	}
}
