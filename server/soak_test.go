package server

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"cllm/config"
	"cllm/runtime"
)

// The soak: random clients that arrive, leave, stall and overflow, on a KV
// pool so small that sequences are preempted all the time. Every whole answer
// must be the one that the same request got alone, memory must stay flat, and
// in the end nothing may be held. CLLM_SOAK=5m makes it long.
func TestSoak(t *testing.T) {
	length := 3 * time.Second
	if s := os.Getenv("CLLM_SOAK"); s != "" {
		var err error
		length, err = time.ParseDuration(s)
		require.NoError(t, err)
	}
	i := start(t, setup{
		config: func(c *config.Config) { c.Parallel, c.Context = 8, 256 },
		options: func(o *runtime.Options) {
			o.MaxWaiting, o.KVMemory = 6, 3<<19 // two contexts of 256
		},
		times: func(s *times) { s.write = 200 * time.Millisecond },
	})
	k := &soak{instance: i, answers: map[string]string{}}
	for n := range 12 {
		k.ask(soakRequest(n))
	}
	memory := residentAnonymous()
	ctx, cancel := context.WithTimeout(t.Context(), length+2*time.Minute)
	defer cancel()
	go func() { // a slow machine gets the time it needs for one answer
		end := time.Now().Add(length)
		for time.Now().Before(end) || k.compared.Load() == 0 || i.engine.Stats().Preemptions == 0 {
			select {
			case <-ctx.Done():
				return
			case <-time.After(10 * time.Millisecond):
			}
		}
		cancel()
	}()
	var clients sync.WaitGroup
	for n := range 16 {
		clients.Go(func() {
			random := rand.New(rand.NewPCG(1, uint64(n)))
			for ctx.Err() == nil {
				k.client(ctx, random)
			}
		})
	}
	clients.Wait()
	i.idle()
	stats := i.engine.Stats()
	t.Logf("%d answers compared, %d refused, %d left, %d preemptions; anonymous memory %d MB before, %d after",
		k.compared.Load(), k.refused.Load(), k.left.Load(), stats.Preemptions, memory>>20, residentAnonymous()>>20)
	require.Positive(t, k.compared.Load())
	require.Positive(t, stats.Preemptions)
	require.Zero(t, stats.Failed)
	require.Equal(t, int64(smallRoom), i.bodies.small.free)
	require.Equal(t, int64(largeRoom), i.bodies.large.free)
	if memory > 0 {
		require.Less(t, residentAnonymous(), memory+64<<20, "memory must stay flat")
	}
}

type soak struct {
	*instance
	answers                 map[string]string // of each request, alone
	compared, refused, left atomic.Int64
}

// soakRequest is one of a few requests whose answer depends on nothing else.
func soakRequest(n int) string {
	prompt := strconv.Itoa(n) + strings.Repeat(". The king said to his daughter", 1+n%4*4)
	return fmt.Sprintf(`{"prompt":%q,"max_tokens":%d,"seed":%d,"temperature":%v,"ignore_eos":true}`,
		prompt, 60+n*5, n, float64(n%3)*0.7)
}

func (k *soak) ask(request string) {
	var g generated
	k.instance.ask("/generate", request, &g)
	k.answers[request] = g.Text
}

// client makes one request in one of the ways that clients have.
func (k *soak) client(ctx context.Context, random *rand.Rand) {
	request := soakRequest(random.IntN(12))
	switch random.IntN(8) {
	case 0: // leaves early
		short, cancel := context.WithTimeout(ctx, time.Duration(random.IntN(60))*time.Millisecond)
		defer cancel()
		k.left.Add(1)
		k.send(short, "/generate", request)
	case 1: // reads one piece of a stream and leaves
		one, cancel := context.WithCancel(ctx)
		defer cancel()
		req, _ := http.NewRequestWithContext(one, http.MethodPost, k.url+"/generate_stream", strings.NewReader(request))
		if res, err := http.DefaultClient.Do(req); err == nil {
			_, _ = res.Body.Read(make([]byte, 100))
			time.Sleep(time.Duration(random.IntN(30)) * time.Millisecond)
			res.Body.Close()
			k.left.Add(1)
		}
	case 2: // asks too much
		k.send(ctx, "/generate", `{"prompt":"`+strings.Repeat("once ", 300)+`"}`)
	case 3: // stream, read to the end
		if status, text := k.send(ctx, "/generate_stream", request); status == http.StatusOK {
			k.compare(request, streamed(text))
		}
	default:
		var b struct{ Data generated }
		if status, text := k.send(ctx, "/generate", request); status == http.StatusOK && json.Unmarshal(text, &b) == nil {
			k.compare(request, b.Data.Text)
		}
	}
}

// send returns the status and the body, or 0 when there was no whole answer.
func (k *soak) send(ctx context.Context, path, request string) (int, []byte) {
	req, _ := http.NewRequestWithContext(ctx, http.MethodPost, k.url+path, strings.NewReader(request))
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		if ctx.Err() == nil {
			k.t.Errorf("%s: %v", path, err)
		}
		return 0, nil
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	switch res.StatusCode {
	case http.StatusTooManyRequests:
		k.refused.Add(1)
		time.Sleep(5 * time.Millisecond)
	case http.StatusOK, http.StatusBadRequest:
	default:
		k.t.Errorf("%s: %s: %s", path, res.Status, text)
	}
	if err != nil {
		return 0, nil
	}
	return res.StatusCode, text
}

func (k *soak) compare(request, text string) {
	k.compared.Add(1)
	if want := k.answers[request]; text != want {
		k.t.Errorf("another answer than alone to %s\nalone: %q\nnow:   %q", request, want, text)
	}
}

// streamed is the text of a whole stream.
func streamed(stream []byte) (text string) {
	for line := range bytes.Lines(stream) {
		var e event
		if data, ok := bytes.CutPrefix(line, []byte("data: ")); ok && json.Unmarshal(data, &e) == nil {
			text += e.Token
		}
	}
	return text
}

// residentAnonymous is the bytes of this process that are no file's; 0 where
// the system does not tell.
func residentAnonymous() int64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(status)) {
		if f := strings.Fields(line); len(f) > 1 && f[0] == "RssAnon:" {
			n, _ := strconv.ParseInt(f[1], 10, 64)
			return n << 10
		}
	}
	return 0
}
