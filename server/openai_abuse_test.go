package server

import (
	"bufio"
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

	"cllm/chat"
	"cllm/runtime"
)

var v1Paths = []string{"/v1/chat/completions", "/v1/completions", "/v1/embeddings"}

// What no client should send is refused in OpenAI's shape by every route that
// reads a body, and the server goes on.
func TestOpenAIWrongBodies(t *testing.T) {
	i := start(t, setup{})
	for _, c := range []struct {
		body, want string
		status     int
	}{
		{"", "the body is empty", 400},
		{"x", "not valid JSON", 400},
		{`[1]`, "not a JSON object", 400},
		{`null`, "not a JSON object", 400},
		{"{\"prompt\":\"\xff\"}", "not valid UTF-8 (byte 11)", 400},
		{strings.Repeat(`{"a":`, 10_001) + "1" + strings.Repeat("}", 10_001), "not valid JSON", 400},
		{strings.Repeat("[", 1_000_000), "not valid JSON", 400},
		{`{"prompt":"` + strings.Repeat("x", maxBody) + `"}`, "more than 2097152 bytes", 413},
	} {
		for _, path := range v1Paths {
			status, answer := i.v1(path, c.body)
			require.Equal(t, c.status, status, "%s %.40s", path, c.body)
			require.Contains(t, at(answer, "error", "message"), c.want, path)
			require.Equal(t, "invalid_request_error", at(answer, "error", "type"), path)
		}
	}
}

// Deep values stand in each place that takes a client's JSON: they are refused,
// or used as they are, and never end the process.
func TestOpenAINestedValues(t *testing.T) {
	i := start(t, setup{})
	const user = `"messages":[{"role":"user","content":"x"}],"max_tokens":1`
	for _, depth := range []int{100, 9_000} {
		deep := strings.Repeat(`{"a":[`, depth/2) + strings.Repeat("]}", depth/2)
		for _, body := range []string{
			`{"messages":` + deep + `}`,
			`{"messages":[` + deep + `]}`,
			`{"messages":[{"role":"user","content":` + deep + `}]}`,
			`{"messages":[{"role":"user","content":[` + deep + `]}]}`,
			`{"messages":[{"role":"assistant","tool_calls":[{"function":{"name":"f","arguments":` + deep + `}}]},{"role":"user","content":"x"}],"max_tokens":1}`,
			`{` + user + `,"tools":` + deep + `}`,
			`{` + user + `,"tools":[{"type":"function","function":{"name":"f","parameters":` + deep + `}}]}`,
			`{` + user + `,"chat_template_kwargs":{"x":` + deep + `}}`,
			`{` + user + `,"logit_bias":` + deep + `}`,
			`{` + user + `,"response_format":` + deep + `}`,
			`{` + user + `,"stop":` + deep + `}`,
			`{` + user + `,"metadata":` + deep + `}`,
		} {
			status, answer := i.v1("/v1/chat/completions", body)
			require.Contains(t, []int{200, 400}, status, "%.150s: %v", body, answer)
		}
		for _, body := range []string{`{"prompt":` + deep + `}`, `{"input":` + deep + `}`} {
			for _, path := range v1Paths[1:] {
				status, _ := i.v1(path, body)
				require.Equal(t, 400, status, "%s %.60s", path, body)
			}
		}
	}
	i.idle()
}

func TestOpenAINegativeCounts(t *testing.T) {
	i := start(t, setup{})
	for field, values := range map[string][]string{
		"max_tokens":            {"-5", "-9223372036854775808", "-1e300"},
		"max_completion_tokens": {"-5"},
		"n":                     {"-1", "0", "1e9"},
		"top_logprobs":          {"-1", "21"},
		"top_k":                 {"-9223372036854775808", "1.5"},
		"temperature":           {"-0.1"},
		"top_p":                 {"-1", "2"},
		"min_p":                 {"-1"},
		"repetition_penalty":    {"-1"},
		"presence_penalty":      {"-3"},
		"frequency_penalty":     {"-3"},
		"logit_bias":            {`{"-1":1}`, `{"1":-101}`, `{"99999999999999999999":1}`},
	} {
		for _, value := range values {
			status, answer := i.v1("/v1/chat/completions", fmt.Sprintf(`{"messages":[{"role":"user","content":"x"}],"logprobs":true,%q:%s}`, field, value))
			require.Equal(t, 400, status, "%s: %s", field, value)
			require.Contains(t, at(answer, "error", "param"), field, value)
		}
	}
	for _, body := range []string{`{"prompt":[-1]}`, `{"prompt":"x","logprobs":-1}`, `{"prompt":"x","max_tokens":-7}`} {
		status, _ := i.v1("/v1/completions", body)
		require.Equal(t, 400, status, body)
	}
	for _, body := range []string{`{"input":[-1]}`, `{"input":"x","dimensions":-1}`, `{"input":"x","dimensions":0}`} {
		status, _ := i.v1("/v1/embeddings", body)
		require.Equal(t, 400, status, body)
	}
}

// A model's file may carry a template that never ends, or fills the memory: the
// request fails in bounded time, health is answered meanwhile and after.
func TestOpenAITemplatesThatLoop(t *testing.T) {
	for name, template := range map[string]string{
		"loops":  `{% for a in range(100000) %}{% for b in range(100000) %}{% for c in range(100000) %}{% endfor %}{% endfor %}{% endfor %}`,
		"macro":  `{% macro m(x) %}{{ m(x) }}{% endmacro %}{{ m(messages) }}`,
		"grows":  `{% set ns = namespace(s='xxxxxxxxxxxxxxxx') %}{% for a in range(1000) %}{% set ns.s = ns.s + ns.s %}{% endfor %}{{ ns.s }}`,
		"repeat": `{{ 'x' * 1000000000 }}`,
	} {
		form, err := chat.New(chat.Source{Has: func(string) bool { return true }}, template)
		if err != nil {
			continue // refused when the file is loaded
		}
		i := start(t, setup{})
		i.Server.options.Chat = form
		started := time.Now()
		status, answer := i.v1("/v1/chat/completions", `{"messages":[{"role":"user","content":"x"}],"max_tokens":1}`)
		require.Contains(t, []int{400, 500}, status, "%s: %v", name, answer)
		require.Less(t, time.Since(started), 20*time.Second, name)
		require.Equal(t, "healthy", i.state().Status)
	}
}

func TestOpenAISlowClients(t *testing.T) {
	i := start(t, setup{times: func(s *times) { s.header, s.body = 50*time.Millisecond, 50*time.Millisecond }})
	for _, path := range v1Paths {
		r := bufio.NewReader(i.raw("POST " + path + " HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{\"messages\":"))
		res, err := http.ReadResponse(r, nil)
		require.NoError(t, err)
		require.Equal(t, http.StatusRequestTimeout, res.StatusCode)
		var answer map[string]any
		require.NoError(t, json.NewDecoder(res.Body).Decode(&answer))
		require.NotEmpty(t, at(answer, "error", "message"), "in OpenAI's shape")
	}
	_, err := bufio.NewReader(i.raw("POST /v1/chat/completions HTTP/1.1\r\nHost: local")).ReadByte()
	require.Error(t, err, "the connection ends")
}

// A half-closed client is taken for one that left: its stream is cut, not
// ended by [DONE].
func TestOpenAIHalfClosedClient(t *testing.T) {
	i, g := startGated(t, 1, setup{})
	c := i.raw(rawPost("/v1/chat/completions", `{"messages":[{"role":"user","content":"x"}],"stream":true}`))
	s := g.open(1)[0]
	s.text("half")
	res, err := http.ReadResponse(bufio.NewReader(c), nil)
	require.NoError(t, err)
	b := bufio.NewReader(res.Body)
	for line := ""; !strings.Contains(line, "half"); {
		line, err = b.ReadString('\n')
		require.NoError(t, err)
	}
	require.NoError(t, c.(*net.TCPConn).CloseWrite())
	rest, err := io.ReadAll(b)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF, "%q", rest)
	require.NotContains(t, string(rest), "[DONE]")
	g.open(0)
}

// Every one of 1,000 connections at once is answered or refused with 429, none
// dropped, streamed or whole.
func TestOpenAIManyConnections(t *testing.T) {
	const connections = 1000
	i := start(t, setup{options: func(o *runtime.Options) { o.MaxWaiting = 100 }})
	transport := &http.Transport{DisableKeepAlives: true}
	client := &http.Client{Transport: transport, Timeout: 2 * time.Minute}
	var mu sync.Mutex
	count := map[string]int{}
	ready := make(chan struct{})
	var clients sync.WaitGroup
	for n := range connections {
		clients.Go(func() {
			<-ready
			outcome := oneOfMany(client, i.url, n%2 == 0)
			mu.Lock()
			defer mu.Unlock()
			count[outcome]++
		})
	}
	close(ready)
	clients.Wait()
	require.Equal(t, connections, count["answered"]+count["refused"], "%v", count)
	require.GreaterOrEqual(t, count["answered"], 108, "the running and the waiting are served")
	i.idle()
}

// oneOfMany is "answered", "refused" with 429, or what went wrong.
func oneOfMany(client *http.Client, url string, stream bool) string {
	res, err := client.Post(url+"/v1/chat/completions", "application/json",
		strings.NewReader(fmt.Sprintf(`{"messages":[{"role":"user","content":"Once"}],"max_tokens":4,"stream":%t}`, stream)))
	if err != nil {
		return err.Error()
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	switch {
	case err != nil:
		return err.Error()
	case res.StatusCode == http.StatusTooManyRequests && res.Header.Get("Retry-After") != "" && strings.Contains(string(b), `"error"`):
		return "refused"
	case res.StatusCode != http.StatusOK:
		return res.Status
	case stream && strings.HasSuffix(string(b), "data: [DONE]\n\n"), !stream && strings.Contains(string(b), `"finish_reason"`):
		return "answered"
	}
	return "cut: " + string(b)
}
