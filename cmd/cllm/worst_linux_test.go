//go:build linux && !race

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// worstServer is a server in a process of its own, whose memory is watched.
type worstServer struct {
	address string
	pid     int
	plan    map[string]float64 // MiB by line of the plan
}

func startWorstServer(t *testing.T, args ...string) *worstServer {
	log := filepath.Join(t.TempDir(), "log")
	cmd := exec.Command(os.Args[0], append([]string{"serve", "-p", "0", "-F", log}, args...)...)
	cmd.Env = append(os.Environ(), asCommand+"=1")
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		require.NoError(t, cmd.Wait())
	})
	s := &worstServer{pid: cmd.Process.Pid, plan: map[string]float64{}}
	address := regexp.MustCompile(`address=http://(\S+)`)
	require.Eventually(t, func() bool {
		text, _ := os.ReadFile(log)
		m := address.FindSubmatch(text)
		if m == nil {
			return false
		}
		s.address = string(m[1])
		for _, line := range regexp.MustCompile(`memory: (\w[\w ]*?) +([\d.]+) (MiB|GiB)`).FindAllStringSubmatch(string(text), -1) {
			s.plan[line[1]], _ = strconv.ParseFloat(line[2], 64)
			if line[3] == "GiB" {
				s.plan[line[1]] *= 1024
			}
		}
		return true
	}, 20*time.Second, 10*time.Millisecond)
	return s
}

// anonymous is the MiB of the process's memory that are no file's.
func (s *worstServer) anonymous() float64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.pid))
	if err != nil {
		return 0
	}
	m := regexp.MustCompile(`RssAnon:\s+(\d+) kB`).FindSubmatch(status)
	if m == nil {
		return 0
	}
	kb, _ := strconv.ParseFloat(string(m[1]), 64)
	return kb / 1024
}

// send posts a body and returns the status, 0 when there was no answer. read is
// how much of the answer it takes, -1 for all.
func (s *worstServer) send(ctx context.Context, path, body string, read int64) int {
	req, _ := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+s.address+path, strings.NewReader(body))
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0
	}
	defer res.Body.Close()
	if read < 0 {
		_, _ = io.Copy(io.Discard, res.Body)
	} else {
		_, _ = io.CopyN(io.Discard, res.Body, read)
		<-ctx.Done()
	}
	return res.StatusCode
}

// worst makes one of the requests that hold as much as one can, or makes the
// server hold it.
func (s *worstServer) worst(ctx context.Context, random *rand.Rand) (string, int) {
	words := strings.Repeat("word ", 700+random.IntN(800))
	some := func(n int, format string) string {
		var b strings.Builder
		for i := range n {
			if i > 0 {
				b.WriteByte(',')
			}
			fmt.Fprintf(&b, format, i)
		}
		return b.String()
	}
	post := func(path, body string) int { return s.send(ctx, path, body, -1) }
	switch kind := random.IntN(12); kind {
	case 0:
		return "wide answers", post("/generate", fmt.Sprintf(`{"prompt":%q,"echo":true,"logprobs":20,"n":8,"max_tokens":400,"ignore_eos":true}`, words))
	case 1:
		return "wide answers, few choices", post("/generate", fmt.Sprintf(`{"prompt":%q,"echo":true,"logprobs":20,"max_tokens":-1,"ignore_eos":true}`, words))
	case 2:
		stalled, cancel := context.WithTimeout(ctx, 2*time.Second)
		defer cancel()
		return "streams that nobody reads", s.send(stalled, "/generate_stream",
			fmt.Sprintf(`{"prompt":%q,"echo":true,"logprobs":20,"n":8,"max_tokens":-1,"ignore_eos":true}`, words), 100)
	case 3:
		return "many biases", post("/generate", fmt.Sprintf(`{"prompt":"x","max_tokens":20,"n":8,"logit_bias":{%s}}`, some(4096, `"%d":-1`)))
	case 4:
		return "many stop strings", post("/generate", fmt.Sprintf(`{"prompt":"x","max_tokens":20,"n":8,"stop":[%s]}`, some(64, `"`+strings.Repeat("s", 1000)+`%d"`)))
	case 5:
		return "a list of ids", post("/decode", `{"tokens":[`+strings.Repeat("4000,", 400_000)+`1]}`)
	case 6:
		return "a long word", post("/encode", `{"text":"`+strings.Repeat("x", 2_000_000)+`"}`)
	case 7:
		return "a long prompt", post("/generate", `{"prompt":"`+strings.Repeat("a b ", 500_000)+`"}`)
	case 8:
		return "empty members", post("/generate", `{"prompt":"x","stop":[`+some(500_000, `""`)[:1_900_000]+`]}`)
	case 9:
		return "unknown members", post("/generate", `{"prompt":"x","max_tokens":1,`+some(150_000, `"%d":1`)+`}`)
	case 10:
		return "a benchmark", post("/benchmark", `{"requests":300,"concurrency":60,"max_tokens":30}`)
	}
	c, err := net.Dial("tcp", s.address)
	if err != nil {
		return "an upload that stalls", 0
	}
	defer c.Close()
	fmt.Fprintf(c, "POST /generate HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2000000\r\n\r\n{\"prompt\":\"%s", strings.Repeat("x", 1_900_000))
	select {
	case <-ctx.Done():
	case <-time.After(time.Second):
	}
	return "an upload that stalls", 1
}

// Whatever requests say, the memory of the process that is no file's stays
// within the plan that it printed, while it serves others. The race detector
// would take several times the memory.
func TestPlanHoldsUnderWorstRequests(t *testing.T) {
	length := 4 * time.Second
	if text := os.Getenv("CLLM_SOAK"); text != "" {
		var err error
		length, err = time.ParseDuration(text)
		require.NoError(t, err)
	}
	s := startWorstServer(t, "--parallel", "16", "--kv-cache-memory", "16", "--max-waiting", "200")
	planned := s.plan["KV cache"] + s.plan["scratch"] + s.plan["requests"] + s.plan["margin"]
	require.Positive(t, s.plan["requests"], "%v", s.plan)
	before := s.anonymous()

	ctx, cancel := context.WithTimeout(t.Context(), length)
	defer cancel()
	var mu sync.Mutex
	outcomes := map[string]map[int]int{}
	var clients sync.WaitGroup
	for n := range 32 {
		clients.Go(func() {
			random := rand.New(rand.NewPCG(7, uint64(n)))
			for ctx.Err() == nil {
				kind, status := s.worst(ctx, random)
				mu.Lock()
				if outcomes[kind] == nil {
					outcomes[kind] = map[int]int{}
				}
				outcomes[kind][status]++
				mu.Unlock()
			}
		})
	}
	peak := before
	for ctx.Err() == nil {
		peak = max(peak, s.anonymous())
		time.Sleep(2 * time.Millisecond)
	}
	clients.Wait()
	t.Logf("anonymous memory %.0f MiB before, %.0f at most, %.0f planned %v; %v", before, peak, planned, s.plan, outcomes)
	require.Less(t, peak, planned)
	for kind, statuses := range outcomes {
		require.Zero(t, statuses[http.StatusInternalServerError], kind)
	}

	c, err := net.Dial("tcp", s.address)
	require.NoError(t, err)
	defer c.Close()
	fmt.Fprintf(c, "POST /generate HTTP/1.1\r\nHost: localhost\r\nContent-Length: 32\r\n\r\n{\"prompt\":\"Once\",\"max_tokens\":2} ")
	res, err := http.ReadResponse(bufio.NewReader(c), nil)
	require.NoError(t, err)
	defer res.Body.Close()
	var answer struct{ Success bool }
	require.NoError(t, json.NewDecoder(res.Body).Decode(&answer))
	require.True(t, answer.Success, "others are served after it")
}
