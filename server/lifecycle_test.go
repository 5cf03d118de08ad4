package server

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"cllm/runtime"
)

// A stream's events arrive as they come, and other requests are answered
// meanwhile.
func TestStreamsWhileGenerating(t *testing.T) {
	i, g := startGated(t, 8, setup{})
	next := i.open(t.Context(), "/generate_stream", `{"prompt":"long"}`, func() { g.open(1)[0].text("0") })
	long := g.open(1)[0]
	for n := range 3 {
		e, ok := next()
		require.True(t, ok)
		require.False(t, e.Done)
		require.Equal(t, fmt.Sprint(n), e.Token)
		answer := make(chan generated)
		go func() {
			var a generated
			i.ask("/generate", `{"prompt":"short"}`, &a)
			answer <- a
		}()
		short := g.open(2)[1]
		short.text("short")
		short.end(runtime.FinishStop)
		require.Equal(t, "short", (<-answer).Text, "it ends before the one that came first")
		long.text(fmt.Sprint(n + 1))
	}
	long.end(runtime.FinishStop)
	g.open(0)
}

// A client that leaves ends its request, whatever it asked for.
func TestClientLeaves(t *testing.T) {
	i, g := startGated(t, 100, setup{})
	for path, requests := range map[string]int{"/generate": 1, "/generate_stream": 1, "/benchmark": 8} {
		ctx, cancel := context.WithCancel(t.Context())
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, i.url+path, strings.NewReader(`{"prompt":"x"}`))
		require.NoError(t, err)
		left := make(chan struct{})
		go func() {
			defer close(left)
			if res, err := http.DefaultClient.Do(req); err == nil {
				_, _ = io.Copy(io.Discard, res.Body)
				res.Body.Close()
			}
		}()
		for _, s := range g.open(requests) {
			require.NoError(t, s.ctx.Err())
		}
		cancel()
		<-left
		g.open(0)
	}
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
	require.NotContains(t, i.log.String(), "request failed", "it is no fault of the server's")
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

// A client that waits when the engine closes hears why.
func TestEngineClosesUnderAClient(t *testing.T) {
	i := start(t, setup{})
	answer := make(chan body, 1)
	go func() {
		_, b := i.post("/generate", long)
		answer <- b
	}()
	require.Eventually(t, func() bool { return i.state().Running == 1 }, 5*time.Second, time.Millisecond)
	require.NoError(t, i.engine.(engine).Close())
	require.Equal(t, "Server is shutting down", (<-answer).Error)
}
