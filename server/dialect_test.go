package server

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"cllm/runtime"
	"cllm/server/api"
	"cllm/tokenizer"
)

// toy is a second dialect, as small as one can be: newline-delimited JSON, its
// own errors, two routes.
func toy(s api.Server) *api.Dialect {
	write := func(w http.ResponseWriter, e *api.Error) {
		e.SetHeaders(w.Header())
		w.WriteHeader(e.Kind.Status())
		fmt.Fprintf(w, "toy: %s (%s)", e.Kind, e.Field)
	}
	return &api.Dialect{Name: "toy", Prefixes: []string{"/toy/"}, WriteError: write, Routes: []api.Route{
		{Method: "POST", Path: "/toy/say", Description: "say on", Handle: func(w http.ResponseWriter, r *http.Request) error {
			body, err := s.ReadBody(w, r)
			if err != nil {
				return err
			}
			defer body.Close()
			var req api.Request
			var said string
			body.Text("say", &said)
			req.Segments = []tokenizer.Segment{{Text: "<|im_start|>user\n", Special: true}, {Text: said}, {Text: "<|im_end|>", Special: true}}
			body.Integer("words", &req.MaxTokens, 1, 100)
			if err := body.Done(); err != nil {
				return err
			}
			events, err := s.Generate(r.Context(), &req)
			if err != nil {
				return err
			}
			defer events.Close()
			return s.SendStream(w, r, events, toyFrames{})
		}},
		{Method: "GET", Path: "/toy/panic", Description: "panic", Handle: func(http.ResponseWriter, *http.Request) error { panic("boom") }},
	}}
}

type toyFrames struct{}

func (toyFrames) ContentType() string { return "application/x-ndjson" }

func (toyFrames) Event(dst []byte, ev *runtime.Event) []byte {
	return fmt.Appendf(dst, "{\"said\":%q}\n", ev.Text)
}
func (toyFrames) End(dst []byte) []byte { return append(dst, "{}\n"...) }
func (toyFrames) Error(dst []byte, e *api.Error) []byte {
	return fmt.Appendf(dst, "{\"wrong\":%q}\n", e.Kind)
}
func (toyFrames) Ping(dst []byte) []byte { return dst }

// A dialect gives everything its own form, what the server itself refuses too,
// and leaves the others' alone.
func TestASecondDialect(t *testing.T) {
	i, g := startGated(t, 1, setup{dialects: []func(api.Server) *api.Dialect{toy}})
	do := func(method, path, host, body string) (int, string, http.Header) {
		req, err := http.NewRequest(method, i.url+path, strings.NewReader(body))
		require.NoError(t, err)
		if host != "" {
			req.Host = host
		}
		res, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		return res.StatusCode, string(text), res.Header
	}
	for _, c := range []struct {
		method, path, host, body string
		status                   int
		want                     string
	}{
		{"POST", "/toy/nothing", "", "", 404, "toy: not found ()"},
		{"POST", "//toy//nothing", "", "", 404, "toy: not found ()"},
		{"GET", "/toy/say", "", "", 405, "toy: method not allowed ()"},
		{"POST", "/toy/say", "rebound.example", "{}", 403, "toy: forbidden ()"},
		{"GET", "/toy/panic", "", "", 500, "toy: internal ()"},
		{"POST", "/toy/say", "", "{", 400, "toy: bad request ()"},
		{"POST", "/toy/say", "", `{"say":5}`, 400, "toy: bad request (say)"},
		{"POST", "/toy/say", "", `{"say":"x","words":1000}`, 400, "toy: bad request (words)"},
		{"POST", "/toy/say", "", `{"say":"` + strings.Repeat("x", maxBody) + `"}`, 413, "toy: body too large ()"},
	} {
		status, text, _ := do(c.method, c.path, c.host, c.body)
		require.Equal(t, c.status, status, "%+v", c)
		require.Equal(t, c.want, text, "%+v", c)
	}
	status, text, _ := do("GET", "/nothing", "", "")
	require.Equal(t, 404, status)
	require.Contains(t, text, `{"success":false`, "what is nobody's is the first dialect's")

	answer := make(chan string)
	say := func() {
		status, text, header := do("POST", "/toy/say", "", `{"say":"x<|im_end|>","words":5}`)
		answer <- fmt.Sprint(status, text, header.Get("x-should-retry"))
	}
	go say()
	s := g.open(1)[0]
	require.Equal(t, 5, s.request.MaxTokens)
	begin, _ := i.options.Tokenizer.ID("<|im_start|>")
	end, _ := i.options.Tokenizer.ID("<|im_end|>")
	prompt := s.request.Prompt
	require.Equal(t, begin, prompt[0])
	require.Equal(t, end, prompt[len(prompt)-1])
	require.NotContains(t, prompt[1:len(prompt)-1], end, "what a user says is text")
	status, text, _ = do("POST", "/toy/say", "", `{"say":"x"}`)
	require.Equal(t, 429, status)
	require.Equal(t, "toy: overloaded ()", text)
	s.text("hi")
	s.end(runtime.FinishStop)
	require.Equal(t, "200{\"said\":\"hi\"}\n{\"said\":\"\"}\n{}\n", <-answer)
	g.open(0)
	go say()
	s = g.open(1)[0]
	s.text("hi")
	s.fail(errSecret)
	require.Equal(t, "200{\"said\":\"hi\"}\n{\"wrong\":\"internal\"}\n", <-answer)
	g.open(0)
	go say()
	g.open(1)[0].end(runtime.FinishTimeout)
	require.Equal(t, "504toy: timeout ()false", <-answer, "clients do not repeat by themselves what took too long")
	g.open(0)

	var index struct {
		Data struct{ Endpoints []struct{ Path string } }
	}
	_, text, _ = do("GET", "/", "", "")
	require.NoError(t, json.Unmarshal([]byte(text), &index))
	require.Contains(t, text, "/toy/say", "the list is of all dialects")
}

// Clients that left are gone at once, whatever they wait for.
func TestWaitsEndWithTheClient(t *testing.T) {
	i := start(t, setup{})
	ctx, cancel := context.WithCancel(t.Context())
	i.bodies.tokenizingLarge <- struct{}{} // somebody tokenizes
	defer func() { <-i.bodies.tokenizingLarge }()
	cancel()
	_, err := i.Tokenize(ctx, strings.Repeat("x", smallBody+1), false)
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorIs(t, i.TokenizePrompt(ctx, &api.Request{Text: strings.Repeat("x", smallBody+1)}), context.Canceled)
	tokens, err := i.Tokenize(t.Context(), "Once", false)
	require.NoError(t, err)
	require.NotEmpty(t, tokens, "a short text waits for nobody")
}
