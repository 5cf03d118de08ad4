package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	goruntime "runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// output collects what a command writes while it runs.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// cllm runs a command line to its end.
func cllm(t *testing.T, stdin string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs output
	code = run(t.Context(), args, strings.NewReader(stdin), &out, &errs)
	return code, out.String(), errs.String()
}

func TestGenerate(t *testing.T) {
	code, text, report := cllm(t, "", "generate", "-p", "Once upon a time", "-n", "12", "--temperature", "0", "-t", "1")
	require.Zero(t, code, report)
	require.True(t, strings.HasPrefix(text, " there lived a man"), text)
	require.Regexp(t, `load \d+ ms \| prompt 4 tokens, [\d.]+ tokens/s \| generated 12 tokens, [\d.]+ tokens/s, [\d.]+ ms per token, [\d.]+ GB/s`, report)

	var j struct {
		Text         string
		Tokens       []int32
		PromptTokens []int32 `json:"prompt_tokens"`
		Reason       string  `json:"finish_reason"`
		Timings      map[string]float64
	}
	code, out, _ := cllm(t, "Once upon a time", "generate", "-n", "12", "--temperature", "0", "--json")
	require.Zero(t, code)
	require.NoError(t, json.Unmarshal([]byte(out), &j))
	require.Equal(t, text, j.Text+"\n", "from standard input, as JSON, the text is the same")
	require.Equal(t, []int32{1986, 690, 258, 508}, j.PromptTokens)
	require.Len(t, j.Tokens, 12)
	require.Equal(t, "length", j.Reason)
	require.Positive(t, j.Timings["load_ms"])
	require.Equal(t, 12.0, j.Timings["generated_n"])

	file := filepath.Join(t.TempDir(), "prompt.txt")
	require.NoError(t, os.WriteFile(file, []byte("Once upon a time"), 0o600))
	_, out, _ = cllm(t, "", "generate", "-f", file, "-n", "12", "--temperature", "0")
	require.Equal(t, text, out)

	code, out, _ = cllm(t, "", "generate", "-p", "Tell me a tale", "--chat", "-n", "4", "--seed", "1", "--json")
	require.Zero(t, code)
	require.NoError(t, json.Unmarshal([]byte(out), &j))
	require.Equal(t, int32(4094), j.PromptTokens[0], "the chat form begins with <|im_start|>")
}

func TestGenerateStops(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	var out, errs output
	code := make(chan int)
	go func() {
		code <- run(ctx, []string{"generate", "-p", "Once", "-n", "-1", "--ignore-eos"}, strings.NewReader(""), &out, &errs)
	}()
	require.Eventually(t, func() bool { return len(out.String()) > 10 }, 10*time.Second, time.Millisecond, "the text streams")
	cancel()
	require.Equal(t, exitInterrupted, <-code)
	require.Contains(t, errs.String(), "cancelled", "the report still comes")

	ctx, cancel = context.WithCancel(t.Context())
	cancel()
	out.text.Reset()
	require.Equal(t, exitInterrupted, run(ctx, []string{"generate", "-p", "Once", "--json"}, strings.NewReader(""), &out, &errs))
	require.Contains(t, out.String(), `"finish_reason":"cancelled"`)
}

// The first Ctrl-C ends a command that still waits for its text.
func TestInterruptedWhileReading(t *testing.T) {
	for _, args := range [][]string{{"generate"}, {"tokenize"}, {"tokenize", "--json"}} {
		ctx, cancel := context.WithCancel(t.Context())
		waiting := make(chan struct{}, 100)
		code := make(chan int, 1)
		go func() { code <- run(ctx, args, endless{t, waiting}, io.Discard, io.Discard) }()
		<-waiting
		cancel()
		select {
		case c := <-code:
			require.Equal(t, exitInterrupted, c, args)
		case <-time.After(10 * time.Second):
			require.Fail(t, "still reading", args)
		}
	}
}

// endless is a terminal at which nobody types; it says that it is read.
type endless struct {
	t       *testing.T
	waiting chan struct{}
}

func (e endless) Read([]byte) (int, error) {
	e.waiting <- struct{}{}
	<-e.t.Context().Done()
	return 0, io.EOF
}

// -1 is "no limit", "all", "random", as it is elsewhere.
func TestMinusOne(t *testing.T) {
	args := []string{"generate", "-p", "Once upon a time", "-n", "5", "--json", "--ignore-eos"}
	texts := map[string]bool{}
	for range 8 {
		code, out, errs := cllm(t, "", append(args, "--seed", "-1", "--top-k", "-1", "--top-p", "1", "--temperature", "2")...)
		require.Zero(t, code, errs)
		var j struct{ Text string }
		require.NoError(t, json.Unmarshal([]byte(out), &j))
		texts[j.Text] = true
	}
	require.Greater(t, len(texts), 1, "random draws differ")
	var fixed []string
	for _, k := range []string{"-1", "0"} {
		_, out, _ := cllm(t, "", append(args, "--seed", "7", "--top-k", k, "--temperature", "2")...)
		var j struct{ Text string }
		require.NoError(t, json.Unmarshal([]byte(out), &j))
		fixed = append(fixed, j.Text)
	}
	require.Equal(t, fixed[0], fixed[1], "-1 and 0 are all")
	code, out, errs := cllm(t, "", "generate", "-p", "Once", "-n", "-1", "-c", "256", "--ignore-eos", "--json")
	require.Zero(t, code, errs)
	require.Contains(t, out, `"generated_n":255`)
}

// plan takes the settings of serve from every layer.
func TestPlanIsThatOfServe(t *testing.T) {
	file := filepath.Join(t.TempDir(), "config.yaml")
	require.NoError(t, os.WriteFile(file, []byte("resources: {max_context_length: 512, memory_limit_mb: 300}\nengine: {kv_type: q8_0}\nserver: {min_threads: 2}\n"), 0o600))
	t.Setenv("CLLM_PARALLEL", "3")
	args := []string{"-f", file, "-t", "1", "--step-tokens", "128"}
	logFile := filepath.Join(t.TempDir(), "log")
	_, stop := serveWithLog(t, logFile, args...)
	logged, err := os.ReadFile(logFile)
	require.NoError(t, err)
	code, out, errs := cllm(t, "", append([]string{"plan", "-p", "8080", "-h", "localhost"}, args...)...)
	require.Zero(t, code, errs)
	require.Contains(t, errs, "server.min_threads: has no meaning here")
	require.Contains(t, out, "3.0 sequences of 512")
	for line := range strings.Lines(out) {
		require.Contains(t, string(logged), "memory: "+strings.TrimSpace(line))
	}
	code, out, _ = cllm(t, "", append([]string{"plan", "--parallel", "0", "--context", "0", "--json"}, args...)...)
	require.Zero(t, code)
	require.Contains(t, out, `"context":2048,`)
	require.Contains(t, out, `"parallel":64,`)
	code, _, errs = cllm(t, "", "plan", "-c", "99999999")
	require.Zero(t, code)
	require.Contains(t, errs, "the context is as long as the model's own")
	require.Zero(t, stop())
}

// A configuration that locks the weights starts this server, whether the
// system lets it or not.
func TestServeLocked(t *testing.T) {
	file := filepath.Join(t.TempDir(), "config.yaml")
	require.NoError(t, os.WriteFile(file, []byte("model: {path: ../../testdata/demo-qwen2-q4_k_m.gguf}\nbackend: {llama_cpp: {use_mlock: true}}"), 0o600))
	logFile := filepath.Join(t.TempDir(), "log")
	_, stop := serveWithLog(t, logFile, "-f", file)
	if goruntime.GOOS == "linux" && os.Geteuid() == 0 {
		status, err := os.ReadFile("/proc/self/status")
		require.NoError(t, err)
		require.NotRegexp(t, `VmLck:\s*0 kB`, string(status))
	}
	require.Zero(t, stop())
}

func TestEmptyEnvironment(t *testing.T) {
	for _, name := range []string{"CLLM_HOST", "CLLM_MODEL", "CLLM_PORT"} {
		t.Setenv(name, "")
		for _, command := range []string{"serve", "plan"} {
			code, _, errs := cllm(t, "", command)
			require.Equal(t, exitUsage, code)
			require.Contains(t, errs, name+": is empty")
		}
		require.NoError(t, os.Unsetenv(name))
	}
}

func TestTokenize(t *testing.T) {
	code, out, _ := cllm(t, "", "tokenize", "--json", "Once upon a time")
	require.Zero(t, code)
	require.Equal(t, "{\"tokens\":[1986,690,258,508]}\n", out)
	_, out, _ = cllm(t, "Once upon a time", "tokenize", "--json")
	require.Equal(t, "{\"tokens\":[1986,690,258,508]}\n", out)
	_, out, _ = cllm(t, "", "tokenize", "--json", "--special", "<|im_end|>")
	require.Equal(t, "{\"tokens\":[4095]}\n", out)
	_, out, _ = cllm(t, "", "tokenize", "--json", "")
	require.Equal(t, "{\"tokens\":[]}\n", out)
	_, out, _ = cllm(t, "", "tokenize", "Once upon")
	require.Equal(t, "  1986  \"Once\"\n   690  \" upon\"\n", out)
}

func TestInspectPlanVersion(t *testing.T) {
	code, out, _ := cllm(t, "", "inspect")
	require.Zero(t, code)
	require.Contains(t, out, "general.architecture")
	code, out, _ = cllm(t, "", "inspect", "--json")
	require.Zero(t, code)
	require.True(t, json.Valid([]byte(out)))

	code, out, _ = cllm(t, "", "plan", "--memory-limit", "256", "-c", "1024", "--parallel", "2")
	require.Zero(t, code)
	require.Contains(t, out, "of 256.0 MiB (memory limit)")
	code, out, _ = cllm(t, "", "plan", "--json", "--memory-limit", "256")
	require.Zero(t, code)
	var p struct {
		Total int64 `json:"total_bytes"`
		Limit int64 `json:"limit_bytes"`
	}
	require.NoError(t, json.Unmarshal([]byte(out), &p))
	require.Equal(t, int64(256<<20), p.Limit)
	require.LessOrEqual(t, p.Total, p.Limit)
	code, _, errs := cllm(t, "", "plan", "--memory-limit", "8")
	require.Equal(t, exitFailure, code)
	require.Contains(t, errs, "8.0 MiB")

	code, out, _ = cllm(t, "", "version")
	require.Zero(t, code)
	require.Contains(t, out, "generic  available")
	t.Setenv("CLLM_KERNELS", "abacus")
	code, out, errs = cllm(t, "", "version")
	require.Equal(t, exitFailure, code)
	require.Contains(t, out, "generic  available", "what there is to choose from")
	require.Contains(t, errs, "abacus")
	code, _, errs = cllm(t, "", "generate", "-p", "x")
	require.Equal(t, exitFailure, code)
	require.Contains(t, errs, "abacus")
}

func TestBench(t *testing.T) {
	args := []string{"bench", "-p", "8", "-n", "4", "-d", "0,32", "--parallel", "1,2", "-t", "1,2", "-r", "2"}
	code, out, errs := cllm(t, "", append(args, "-o", "json")...)
	require.Zero(t, code, errs)
	var rows []struct {
		Prompt   int       `json:"n_prompt"`
		Gen      int       `json:"n_gen"`
		Depth    int       `json:"n_depth"`
		Threads  int       `json:"n_threads"`
		Parallel int       `json:"n_parallel"`
		Avg      float64   `json:"avg_ts"`
		Samples  []float64 `json:"samples_ts"`
		Rate     float64   `json:"gb_per_s"`
		Bound    float64   `json:"bandwidth_gb_per_s"`
		Hash     string    `json:"logits_hash"`
	}
	require.NoError(t, json.Unmarshal([]byte(out), &rows))
	require.Len(t, rows, 2*2*3)
	hashes := map[[4]int]string{}
	for _, r := range rows {
		require.Len(t, r.Samples, 2)
		require.Positive(t, r.Avg)
		require.Positive(t, r.Rate)
		require.Positive(t, r.Bound)
		key := [4]int{r.Prompt, r.Gen, r.Depth, r.Parallel}
		if r.Threads == 1 {
			hashes[key] = r.Hash
		} else {
			require.Equal(t, hashes[key], r.Hash, "the logits do not depend on the threads")
		}
	}
	short := []string{"bench", "-p", "8", "-n", "0", "-r", "1"}
	_, out, _ = cllm(t, "", append(short, "-o", "md")...)
	require.Contains(t, out, "| pp8 ")
	_, out, _ = cllm(t, "", append(short, "-o", "csv")...)
	lines := strings.Split(strings.TrimSpace(out), "\n")
	require.Len(t, lines, 2)
	require.Equal(t, strings.Count(lines[0], ","), strings.Count(lines[1], ","))
}

// Every command that opens a model takes metadata instead of the file's.
func TestOverrideKV(t *testing.T) {
	code, out, _ := cllm(t, "", "inspect", "--override-kv", "qwen2.context_length=int:96,general.name=str:another")
	require.Zero(t, code)
	require.Regexp(t, `qwen2.context_length +int64 +96\n`, out)
	require.Regexp(t, `general.name +string +"another"\n`, out)
	code, out, _ = cllm(t, "", "plan", "--json", "--override-kv", "qwen2.context_length=int:96")
	require.Zero(t, code)
	require.Contains(t, out, `"context":96`)
	for _, args := range [][]string{
		{"generate", "-p", "x", "-n", "1"}, {"plan"}, {"bench"}, {"serve"}, {"perplexity", "-f", os.Args[0]},
	} {
		code, _, errs := cllm(t, "", append(args, "--override-kv", "qwen2.block_count=str:six")...)
		require.Equal(t, exitFailure, code, args)
		require.Contains(t, errs, "qwen2.block_count as overridden is of type string", args)
		code, _, errs = cllm(t, "", append(args, "--override-kv", "qwen2.block_count")...)
		require.Equal(t, exitUsage, code, args)
		require.Contains(t, errs, "KEY=TYPE:VALUE", args)
	}
	code, _, errs := cllm(t, "", "tokenize", "x", "--override-kv", "tokenizer.ggml.pre=str:nothing")
	require.Equal(t, exitFailure, code)
	require.Contains(t, errs, "tokenizer.ggml.pre")
	t.Setenv("CLLM_OVERRIDE_KV", "qwen2.context_length=int:96")
	code, out, _ = cllm(t, "", "plan", "--json")
	require.Zero(t, code)
	require.Contains(t, out, `"context":96`)
}

func TestWrongUse(t *testing.T) {
	for _, args := range [][]string{
		{"fly"}, {"generate", "--wings"}, {"generate", "extra"}, {"tokenize", "a", "b"}, {"generate", "-n", "many"},
		{"generate", "-p", "x", "-f", "y"}, {"generate", "-p", "x", "--kv-type", "q3"}, {"generate", "-p", "x", "-t", "-1"},
		{"serve", "--port", "http"}, {"serve", "--port", "99999"}, {"serve", "--parallel", "-3"}, {"serve", "-f", "/nothing.yaml"},
		{"bench", "-r", "0"}, {"bench", "-o", "xml"}, {"bench", "-p", "-1"}, {"bench", "-p", "4000"}, {"bench", "-t", "0"},
		{"bench", "-t", "9999"}, {"bench", "-p", "0", "-n", "0"}, {"bench", "-d", "9223372036854775807"},
		{"bench-server", "--server-type", "grpc"}, {"bench-server", "--test-type", "x"}, {"bench-server", "--requests", "0"}, {"bench-server", "--server-url", "127.0.0.1:1"},
		{"generate", "-p", "x", "-n", "-2"}, {"generate", "-p", "x", "--repetition-penalty", "0"}, {"generate", "-p", "x", "-t", "99999999999"},
		{"generate", "-p", "x", "--top-k", "-2"}, {"generate", "-p", "x", "--seed", "-2"}, {"generate", "-p", "x", "--seed", "1.5"},
		{"serve", "--host", ""}, {"serve", "-m", ""}, {"serve", "-f", ""}, {"serve", "-F", " "}, {"plan", "-c", ""}, {"plan", "-f", "/nothing.yaml"},
		{"generate", "-p", "x", "-m", ""}, {"generate", "-f", ""}, {"inspect", ""}, {"inspect", "-m", ""}, {"tokenize", "-f", "", "x"},
		{"bench", "-m", ""}, {"bench", "-o", ""}, {"bench-server", "--model", ""}, {"bench-server", "--output-file", ""},
	} {
		code, _, errs := cllm(t, "", args...)
		require.Equal(t, exitUsage, code, "%v: %s", args, errs)
		require.Contains(t, errs, "--help", args)
	}
	for _, args := range [][]string{
		{"generate", "-m", "/nothing.gguf", "-p", "x"}, {"inspect", "/nothing.gguf"}, {"generate", "-f", "/nothing"},
		{"generate", "-p", ""}, {"generate", "-p", "x", "--temperature", "-1"}, {"generate", "-p", "x", "-c", "99999999"},
		{"serve", "-m", "/nothing.gguf"}, {"generate", "-m", os.Args[0], "-p", "x"},
	} {
		code, out, errs := cllm(t, "", args...)
		require.Equal(t, exitFailure, code, args)
		require.Empty(t, out)
		require.True(t, strings.HasPrefix(errs, "cllm: "), errs)
	}
}

// serveInBackground runs serve and returns its address and a way to stop it.
func serveInBackground(t *testing.T, args ...string) (url string, stop func() int) {
	t.Helper()
	return serveWithLog(t, filepath.Join(t.TempDir(), "log"), args...)
}

func serveWithLog(t *testing.T, logFile string, args ...string) (url string, stop func() int) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	code := make(chan int, 1)
	go func() {
		code <- run(ctx, append([]string{"serve", "-p", "0", "-F", logFile}, args...), strings.NewReader(""), &output{}, &output{})
	}()
	address := regexp.MustCompile(`address=(http://\S+)`)
	require.Eventually(t, func() bool {
		text, _ := os.ReadFile(logFile)
		if m := address.FindSubmatch(text); m != nil {
			url = string(m[1])
		}
		return url != ""
	}, 10*time.Second, 5*time.Millisecond)
	return url, func() int { cancel(); return <-code }
}

// The file that the predecessor's deployment runs with starts this server.
func TestServeWithTheDeployedFile(t *testing.T) {
	yaml := `server: {host: "127.0.0.1", port: 8080, num_threads: 4, min_threads: 2}
model:
  path: "../../testdata/demo-qwen2-q4_k_m.gguf"
  vocab_size: 151936
  max_context_length: 4096
  default_max_tokens: 1024
  quantization: "q4_k_m"
backend:
  type: "llama_cpp"
  llama_cpp: {n_batch: 256, n_threads: 4, n_gpu_layers: 0, n_ctx: 4096, n_seq_max: 1, use_mmap: true}
resources: {max_batch_size: 1, max_context_length: 4096, kv_cache_max_memory_mb: 64, memory_limit_mb: 4096}
`
	file := filepath.Join(t.TempDir(), "config.yaml")
	require.NoError(t, os.WriteFile(file, []byte(yaml), 0o600))
	url, stop := serveInBackground(t, "-f", file)
	res, err := http.Post(url+"/generate", "application/json", strings.NewReader(`{"prompt":"Once upon a time","max_tokens":3}`))
	require.NoError(t, err)
	res.Body.Close()
	require.Equal(t, http.StatusOK, res.StatusCode)
	require.Zero(t, stop())
}

func TestBenchServer(t *testing.T) {
	url, stop := serveInBackground(t, "--parallel", "4", "-b", "4", "-c", "512", "-h", "127.0.0.1", "-L", "info")
	report := filepath.Join(t.TempDir(), "report.json")
	code, out, errs := cllm(t, "", "bench-server", "--server-type", "cllm", "--server-url", url, "--model", "demo", "--test-type", "all",
		"--requests", "6", "--concurrency", "3", "--max-tokens", "5", "--output-file", report, "--ignore-eos")
	require.Zero(t, code, errs)
	require.Contains(t, out, "sequential, concurrency 1: 6 of 6 requests, 30 tokens")
	require.Contains(t, out, "concurrent, concurrency 3: 6 of 6 requests, 30 tokens")
	text, err := os.ReadFile(report)
	require.NoError(t, err)
	var r map[string]any
	require.NoError(t, json.Unmarshal(text, &r))
	for _, key := range []string{"test_time", "server_type", "server_url", "model", "requests", "concurrency", "max_tokens"} {
		require.Contains(t, r, key)
	}
	for _, block := range []string{"sequential", "concurrent"} {
		b := r[block].(map[string]any)
		for _, key := range strings.Fields("total_requests successful_requests failed_requests avg_response_time min_response_time max_response_time " +
			"avg_throughput avg_tokens_per_second total_tokens_processed total_generated_tokens avg_generated_tokens total_test_time") {
			require.Contains(t, b, key)
		}
	}
	code, out, errs = cllm(t, "", "bench-server", "--server-url", url, "--requests", "2", "--max-tokens", "2", "--output-file", "-")
	require.Zero(t, code, errs)
	require.True(t, json.Valid([]byte(out)), out)
	require.Contains(t, errs, "sequential, concurrency 1: 2 of 2 requests")
	require.Zero(t, stop())

	code, _, errs = cllm(t, "", "bench-server", "--server-url", url, "--output-file", t.TempDir())
	require.Equal(t, exitFailure, code)
	require.Contains(t, errs, "is a directory", "before the load")
	code, _, errs = cllm(t, "", "bench-server", "--server-url", url, "--requests", "2", "--test-type", "api-sequential")
	require.Equal(t, exitFailure, code)
	require.Contains(t, errs, "2 of 2 requests failed")
}

func TestServePortTaken(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	require.NoError(t, err)
	code, _, errs := cllm(t, "", "serve", "-p", port, "-F", filepath.Join(t.TempDir(), "log"))
	require.Equal(t, exitFailure, code)
	require.Contains(t, errs, "cannot listen")
}

// What generate prints is what the server answers, streamed or not.
func TestServeAnswersLikeGenerate(t *testing.T) {
	models := []string{""}
	if folder := os.Getenv("CLLM_TEST_MODELS"); folder != "" {
		found, err := filepath.Glob(filepath.Join(folder, "*0.5b*.gguf"))
		require.NoError(t, err)
		models = append(models, found...)
	} else {
		t.Log("only the demo model: CLLM_TEST_MODELS names no folder with others")
	}
	const prompt = "Once upon a time"
	for _, m := range models {
		var file []string
		if m != "" {
			file = []string{"-m", m}
		}
		code, text, errs := cllm(t, "", append([]string{"generate", "-p", prompt, "-n", "10", "--temperature", "0", "-c", "256"}, file...)...)
		require.Zero(t, code, errs)
		url, stop := serveInBackground(t, append(file, "-c", "256", "--parallel", "2")...)
		var answers []string
		for _, route := range []string{"/generate", "/generate_stream"} {
			res, err := http.Post(url+route, "application/json", strings.NewReader(`{"prompt":"`+prompt+`","max_tokens":10,"temperature":0}`))
			require.NoError(t, err)
			body, err := io.ReadAll(res.Body)
			require.NoError(t, err)
			res.Body.Close()
			var answer string
			for line := range strings.Lines(string(body)) {
				var e struct {
					Token string
					Data  struct{ Text string }
				}
				if line = strings.TrimPrefix(line, "data: "); line != "\n" {
					require.NoError(t, json.Unmarshal([]byte(line), &e), line)
				}
				answer += e.Token + e.Data.Text
			}
			answers = append(answers, answer+"\n")
		}
		require.Equal(t, []string{text, text}, answers, m)
		require.Zero(t, stop())
	}
}
