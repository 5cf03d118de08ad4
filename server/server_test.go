package server

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"cllm/chat"
	"cllm/config"
	"cllm/gguf"
	"cllm/model"
	"cllm/runtime"
	"cllm/server/api"
	"cllm/testdata"
	"cllm/tokenizer"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// instance is a server on the demo model with a real listener.
type instance struct {
	*Server
	t      *testing.T
	engine Engine
	url    string
	stop   context.CancelFunc
	done   chan error // of Serve
	log    *logBuffer
}

// setup is what a test wants otherwise than by default.
type setup struct {
	config  func(*config.Config)
	options func(*runtime.Options)
	times   func(*times)
	listen  func(net.Listener) net.Listener
	engine  func(Engine) Engine
	// beside cLLM's
	dialects []func(api.Server) *api.Dialect
}

var demo = sync.OnceValues(func() (*model.Model, *tokenizer.Tokenizer) {
	f, err := gguf.Parse("demo", testdata.Demo)
	if err != nil {
		panic(err)
	}
	m, err := model.Load(f)
	if err != nil {
		panic(err)
	}
	tok, err := tokenizer.New(f)
	if err != nil {
		panic(err)
	}
	return m, tok
})

func start(t *testing.T, s setup) *instance {
	t.Helper()
	m, tok := demo()
	c := config.Default()
	c.Port, c.Parallel = 0, 8
	if s.config != nil {
		s.config(&c)
	}
	i := &instance{t: t, done: make(chan error, 1), log: &logBuffer{}}
	log := slog.New(slog.NewTextHandler(i.log, nil))
	var o runtime.Options
	o.Parallel, o.MaxWaiting, o.Context, o.KVMemory, o.Logger = c.Parallel, c.MaxWaiting, c.Context, 32<<20, log
	if s.options != nil {
		s.options(&o)
	}
	engine, err := runtime.New(m, tok, o)
	require.NoError(t, err)
	var e Engine = Runtime(engine)
	if s.engine != nil {
		e = s.engine(e)
	}
	i.engine = e
	form, err := chat.New(chat.Source{Has: func(string) bool { return true }}, chat.ChatML)
	require.NoError(t, err)
	keys, err := LoadKeys(&c)
	require.NoError(t, err)
	i.Server = New(Options{Keys: keys, Engine: e, Chat: form, Tokenizer: tok, Model: m.Config(), ModelPath: "demo.gguf", Config: &c, Version: "test", Log: log})
	if s.times != nil {
		s.times(&i.times)
	}
	for _, dialect := range s.dialects {
		i.dialects = append(i.dialects, dialect(i.Server))
	}
	l, err := i.Listen()
	require.NoError(t, err)
	i.url = "http://" + l.Addr().String()
	if s.listen != nil {
		l = s.listen(l)
	}
	ctx, cancel := context.WithCancel(t.Context())
	i.stop = cancel
	go func() { i.done <- i.Serve(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		if i.done != nil {
			<-i.done
		}
		require.NoError(t, engine.Close())
		http.DefaultClient.CloseIdleConnections()
	})
	return i
}

type logBuffer struct {
	mu   sync.Mutex
	text strings.Builder
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// body is an answer as all of them are formed.
type body struct {
	Success    bool
	Error      string
	Message    string
	RetryAfter int `json:"retry_after"`
	Data       json.RawMessage
}

func (i *instance) post(path, text string) (*http.Response, body) {
	i.t.Helper()
	res, err := http.Post(i.url+path, "application/json", strings.NewReader(text))
	require.NoError(i.t, err)
	return res, i.read(res)
}

func (i *instance) get(path string) (*http.Response, body) {
	i.t.Helper()
	res, err := http.Get(i.url + path)
	require.NoError(i.t, err)
	return res, i.read(res)
}

func (i *instance) read(res *http.Response) (b body) {
	i.t.Helper()
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	require.NoError(i.t, err)
	require.Equal(i.t, "application/json; charset=utf-8", res.Header.Get("Content-Type"))
	require.NoError(i.t, json.Unmarshal(text, &b), "%s", text)
	require.Equal(i.t, res.StatusCode == http.StatusOK, b.Success, "%s", text)
	return b
}

// ask posts a request that must succeed.
func (i *instance) ask(path, text string, data any) {
	i.t.Helper()
	res, b := i.post(path, text)
	require.Equal(i.t, http.StatusOK, res.StatusCode, b.Error)
	require.NoError(i.t, json.Unmarshal(b.Data, data))
}

// event is one event of a stream.
type event struct {
	ID        string
	Token     string
	Done      bool
	Error     string
	Index     int
	Generated int    `json:"generated_tokens"`
	Reason    string `json:"finish_reason"`
}

// open starts a stream and returns a function that reads its next event;
// false after the last. The header comes with the first event, which begun may
// bring about.
func (i *instance) open(ctx context.Context, path, text string, begun ...func()) (next func() (event, bool)) {
	i.t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, i.url+path, strings.NewReader(text))
	require.NoError(i.t, err)
	for _, f := range begun {
		go f()
	}
	res, err := http.DefaultClient.Do(req)
	require.NoError(i.t, err)
	require.Equal(i.t, http.StatusOK, res.StatusCode)
	require.Equal(i.t, "text/event-stream; charset=utf-8", res.Header.Get("Content-Type"))
	i.t.Cleanup(func() { res.Body.Close() })
	r := bufio.NewReader(res.Body)
	return func() (e event, ok bool) {
		line, err := r.ReadBytes('\n')
		if err == io.EOF {
			require.Empty(i.t, line)
			return e, false
		}
		require.NoError(i.t, err)
		data, ok := bytes.CutPrefix(line, []byte("data: "))
		require.True(i.t, ok, "%q is no event", line)
		require.NoError(i.t, json.Unmarshal(data, &e))
		empty, err := r.ReadString('\n')
		require.NoError(i.t, err)
		require.Equal(i.t, "\n", empty, "an empty line ends an event")
		return e, true
	}
}

// healthAnswer is the state that /health reports.
type healthAnswer struct {
	Status           string
	Running, Waiting int
	Blocks           struct{ Total, Used, Cached, Free int } `json:"kv_blocks"`
}

func (i *instance) state() (h healthAnswer) {
	i.t.Helper()
	_, b := i.get("/health")
	require.NoError(i.t, json.Unmarshal(b.Data, &h))
	return h
}

// idle waits until nothing runs, and checks that no block is held.
func (i *instance) idle() {
	i.t.Helper()
	require.Eventually(i.t, func() bool {
		h := i.state()
		return h.Running == 0 && h.Waiting == 0 && h.Blocks.Used == 0
	}, 10*time.Second, 5*time.Millisecond, "the engine must become idle and free its blocks")
}

// long is a request that runs until it is stopped.
const long = `{"prompt":"Once upon a time","max_tokens":1900,"temperature":0,"ignore_eos":true}`
