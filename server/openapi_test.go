package server

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/require"

	"cllm/config"
	"cllm/runtime"
	"cllm/server/api"
	"cllm/server/fields"
	"cllm/server/openapi"
)

// described is the document of the server's routes, read and found valid.
func described(t *testing.T) *openapi3.T {
	doc, err := openapi3.NewLoader().LoadFromData(openapi.Document)
	require.NoError(t, err)
	require.NoError(t, doc.Validate(t.Context()))
	return doc
}

var pathPattern = regexp.MustCompile(`:[^}]*`)

// documented is a route's path as OpenAPI has it.
func documented(path string) string { return pathPattern.ReplaceAllString(path, "") }

// The document has the routes that there are, and no other.
func TestOpenAPIRoutes(t *testing.T) {
	i := start(t, setup{})
	var routes, listed []string
	for _, r := range i.Routes() {
		routes = append(routes, r.Method+" "+documented(r.Path))
	}
	for path, item := range described(t).Paths.Map() {
		for method := range item.Operations() {
			listed = append(listed, method+" "+path)
		}
	}
	require.ElementsMatch(t, routes, listed)
	res, err := http.Get(i.url + "/openapi.json")
	require.NoError(t, err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	require.Equal(t, openapi.Document, text)
	require.Equal(t, "application/json; charset=utf-8", res.Header.Get("Content-Type"))
}

// fieldRecorder is a server that notes which fields its dialects ask for.
type fieldRecorder struct {
	*Server
	body *fields.Object
}

func (r *fieldRecorder) ReadBody(w http.ResponseWriter, req *http.Request) (*api.Body, error) {
	b, err := r.Server.ReadBody(w, req)
	if err == nil {
		r.body = b.Object
	}
	return b, err
}

// properties are the members of an object, those of its parts too.
func properties(s *openapi3.SchemaRef) (names []string) {
	for name := range s.Value.Properties {
		names = append(names, name)
	}
	for _, part := range s.Value.AllOf {
		names = append(names, properties(part)...)
	}
	return names
}

// The document has the fields of bodies that are read, and no other.
func TestOpenAPIFields(t *testing.T) {
	i := start(t, setup{})
	doc := described(t)
	for _, dialect := range dialects {
		r := &fieldRecorder{Server: i.Server}
		for _, route := range dialect(r).Routes {
			if route.Method != http.MethodPost {
				continue
			}
			r.body = nil
			rec := httptest.NewRecorder()
			err := route.Handle(rec, httptest.NewRequest(route.Method, route.Path, strings.NewReader(`{"prompt":1,"requests":0}`)))
			require.Error(t, err, "a body that is wrong")
			read := slices.Clone(r.body.Known())
			slices.Sort(read)
			op := doc.Paths.Find(documented(route.Path)).GetOperation(route.Method)
			schema := op.RequestBody.Value.Content.Get("application/json").Schema
			require.ElementsMatch(t, slices.Compact(read), properties(schema), route.Path)
		}
	}
}

// examples are requests to every route; those whose path is the route's.
var examples = []struct{ route, path, body string }{
	{"GET /", "/", ""},
	{"GET /openapi.json", "/openapi.json", ""},
	{"GET /health", "/health", ""},
	{"GET /health", "/health?level=full", ""},
	{"GET /health", "/health?level=none", ""},
	{"GET /health/live", "/health/live", ""},
	{"GET /model/info", "/model/info", ""},
	{"POST /generate", "/generate", `{"prompt":"Once upon","max_tokens":5}`},
	{"POST /generate", "/generate", `{"prompt":"Once upon","max_tokens":3,"n":2,"logprobs":2,"echo":true,"stop":["king"],"seed":7,"logit_bias":{"5":-100}}`},
	{"POST /generate", "/generate", `{"prompt":"Once upon","max_tokens":3,"n":2,"logprobs":1,"stream":true,"stop":"x"}`},
	{"POST /generate", "/generate", `{"prompt":""}`},
	{"POST /generate_stream", "/generate_stream", `{"prompt":"Once upon","max_tokens":5}`},
	{"POST /generate_stream", "/generate_stream", `{}`},
	{"POST /encode", "/encode", `{"text":"Once upon a time"}`},
	{"POST /encode", "/encode", `{"text":1}`},
	{"POST /decode", "/decode", `{"tokens":[1,2,3],"special":true}`},
	{"POST /decode", "/decode", `{"tokens":[-1]}`},
	{"POST /benchmark", "/benchmark", `{"requests":2,"concurrency":2,"max_tokens":3}`},
	{"POST /benchmark", "/benchmark", `{"requests":0}`},
	{"GET /v1/models", "/v1/models", ""},
	{"GET /v1/models/{id}", "/v1/models/demo", ""},
	{"GET /v1/models/{id}", "/v1/models/other", ""},
	{"POST /v1/chat/completions", "/v1/chat/completions", `{"messages":[{"role":"system","content":"s"},{"role":"user","content":[{"type":"text","text":"Tell"}]}],"max_tokens":5}`},
	{"POST /v1/chat/completions", "/v1/chat/completions", `{"messages":[{"role":"user","content":"Tell"}],"max_completion_tokens":5,"n":2,"logprobs":true,"top_logprobs":2,"reasoning_effort":"low"}`},
	{"POST /v1/chat/completions", "/v1/chat/completions", `{"messages":[{"role":"user","content":"Tell"}],"max_tokens":5,"logprobs":true,"top_logprobs":1,"stream":true,"stream_options":{"include_usage":true}}`},
	{"POST /v1/chat/completions", "/v1/chat/completions", `{"messages":[{"role":"user","content":"Tell"}],"audio":{}}`},
	{"POST /v1/chat/completions", "/v1/chat/completions", `{"messages":[{"role":"user","content":"` + strings.Repeat("word ", 3000) + `"}]}`},
	{"POST /v1/chat/completions/input_tokens", "/v1/chat/completions/input_tokens", `{"messages":[{"role":"user","content":"Tell"}]}`},
	{"POST /v1/chat/completions/input_tokens", "/v1/chat/completions/input_tokens", `{"messages":[]}`},
	{"POST /v1/responses", "/v1/responses", `{"input":"Tell","instructions":"s","max_output_tokens":5,"metadata":{"a":"b"},"tools":[{"type":"function","name":"f","parameters":{"type":"object"}}]}`},
	{"POST /v1/responses", "/v1/responses", `{"input":[{"role":"user","content":"Tell"},{"type":"function_call","call_id":"c","name":"f","arguments":"{}"},{"type":"function_call_output","call_id":"c","output":"x"}],"max_output_tokens":5,"stream":true}`},
	{"POST /v1/responses", "/v1/responses", `{"input":5}`},
	{"POST /v1/responses/input_tokens", "/v1/responses/input_tokens", `{"input":"Tell"}`},
	{"POST /v1/responses/input_tokens", "/v1/responses/input_tokens", `{}`},
	{"GET /v1/responses/{id}", "/v1/responses/STORED", ""},
	{"GET /v1/responses/{id}", "/v1/responses/other", ""},
	{"DELETE /v1/responses/{id}", "/v1/responses/STORED", ""},
	{"DELETE /v1/responses/{id}", "/v1/responses/STORED", ""},
	{"POST /v1/completions", "/v1/completions", `{"prompt":["Once","The king"],"max_tokens":5,"logprobs":2,"echo":true}`},
	{"POST /v1/completions", "/v1/completions", `{"prompt":[1986,690],"max_tokens":5,"logprobs":1,"n":2,"stream":true,"stream_options":{"include_usage":true}}`},
	{"POST /v1/completions", "/v1/completions", `{"prompt":"x","suffix":"y"}`},
	{"POST /v1/embeddings", "/v1/embeddings", `{"input":["Once","The king"],"dimensions":8}`},
	{"POST /v1/embeddings", "/v1/embeddings", `{"input":[[1986],[690]],"encoding_format":"base64"}`},
	{"POST /v1/embeddings", "/v1/embeddings", `{"input":{}}`},
}

// conforms checks a value against a schema of the document.
func conforms(t *testing.T, schema *openapi3.SchemaRef, text []byte, opt openapi3.SchemaValidationOption, about string) {
	t.Helper()
	var v any
	require.NoError(t, json.Unmarshal(text, &v), "%s: %s", about, text)
	require.NoError(t, schema.Value.VisitJSON(v, opt), "%s: %s", about, text)
}

// checkAnswer checks an answer against the document and returns its text.
func checkAnswer(t *testing.T, op *openapi3.Operation, res *http.Response, about string) []byte {
	t.Helper()
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	answer := op.Responses.Value(fmt.Sprint(res.StatusCode))
	if answer == nil {
		answer = op.Responses.Value(fmt.Sprintf("%dXX", res.StatusCode/100))
	}
	require.NotNil(t, answer, "%s: status %d", about, res.StatusCode)
	kind, _, _ := strings.Cut(res.Header.Get("Content-Type"), ";")
	media := answer.Value.Content.Get(kind)
	require.NotNil(t, media, "%s: %s", about, kind)
	if kind != "text/event-stream" {
		conforms(t, media.Schema, text, openapi3.VisitAsResponse(), about)
		return text
	}
	events := 0
	for line := range bytes.Lines(text) {
		if data, ok := bytes.CutPrefix(line, []byte("data: ")); ok && string(data) != "[DONE]\n" {
			conforms(t, media.Schema, data, openapi3.VisitAsResponse(), about)
			events++
		}
	}
	require.Positive(t, events, about)
	return text
}

// What every route answers, right and wrong, whole and streamed, is as the
// document says; and what it takes is what the document lets it be asked.
func TestOpenAPIAnswers(t *testing.T) {
	i := start(t, setup{})
	doc := described(t)
	stored, asked := "", map[string]map[int]bool{}
	for _, e := range examples {
		method, path, _ := strings.Cut(e.route, " ")
		op := doc.Paths.Find(path).GetOperation(method)
		req, err := http.NewRequest(method, i.url+strings.Replace(e.path, "STORED", stored, 1), strings.NewReader(e.body))
		require.NoError(t, err)
		res, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		about := method + " " + e.path + " " + e.body
		text := checkAnswer(t, op, res, about)
		if asked[e.route] == nil {
			asked[e.route] = map[int]bool{}
		}
		asked[e.route][res.StatusCode/100] = true
		if e.body != "" && res.StatusCode == http.StatusOK {
			conforms(t, op.RequestBody.Value.Content.Get("application/json").Schema, []byte(e.body), openapi3.VisitAsRequest(), about)
		}
		if id := regexp.MustCompile(`"id":"(resp_\w+)"`).FindSubmatch(text); e.route == "POST /v1/responses" && id != nil {
			stored = string(id[1])
		}
	}
	for _, r := range i.Routes() {
		route := r.Method + " " + documented(r.Path)
		require.True(t, asked[route][2], "%s has no example that succeeds", route)
		if r.Method == http.MethodPost {
			require.True(t, asked[route][4], "%s has no example that fails", route)
		}
	}
}

// Answers that the demo model does not give are as the document says too:
// calls, reasoning, the time that is up.
func TestOpenAPIAnswersOfModels(t *testing.T) {
	i, g := startGated(t, 8, setup{config: func(c *config.Config) { c.Timeout = time.Hour }})
	doc := described(t)
	said := []string{"<think>\nhm\n</think>\n\nLet me", " see.\n<tool_", "call>\n{\"name\": \"weather\", \"arguments\": {\"city\": \"Rome\"}}\n</tool_call>"}
	const function = `"name":"weather","parameters":{"type":"object","properties":{"city":{"type":"string"}}}`
	const chat = `{"messages":[{"role":"user","content":"Weather?"}],"tools":[{"type":"function","function":{` + function + `}}],"stream":%v}`
	const response = `{"input":"Weather?","tools":[{"type":"function",` + function + `}],"stream":%v}`
	for _, reason := range []string{runtime.FinishStop, runtime.FinishLength, runtime.FinishTimeout} {
		for path, format := range map[string]string{"/v1/chat/completions": chat, "/v1/responses": response,
			"/v1/completions": `{"prompt":"x","stream":%v}`, "/generate": `{"prompt":"x","stream":%v}`} {
			for _, stream := range []bool{false, true} {
				done := make(chan struct{})
				go func() {
					defer close(done)
					s := g.open(1)[0]
					for _, text := range said {
						s.text(text)
					}
					s.end(reason)
					g.open(0)
				}()
				body := fmt.Sprintf(format, stream)
				res, err := http.Post(i.url+path, "application/json", strings.NewReader(body))
				require.NoError(t, err)
				op := doc.Paths.Find(path).Post
				text := checkAnswer(t, op, res, reason+" "+path+" "+body)
				if strings.Contains(format, "tools") && (stream || reason == runtime.FinishStop) {
					require.Contains(t, string(text), "weather")
				}
				conforms(t, op.RequestBody.Value.Content.Get("application/json").Schema, []byte(body), openapi3.VisitAsRequest(), body)
				<-done
			}
		}
	}
}

// What the server itself refuses is as the document says in each dialect.
func TestOpenAPIRefusals(t *testing.T) {
	doc := described(t)
	i := start(t, setup{config: func(c *config.Config) { c.APIKeys = []string{"secret"} }})
	for _, route := range i.Routes() {
		if slices.Contains(openPaths, route.Path) {
			continue
		}
		op := doc.Paths.Find(documented(route.Path)).GetOperation(route.Method)
		path := strings.Replace(documented(route.Path), "{id}", "x", 1)
		req, err := http.NewRequest(route.Method, i.url+path, strings.NewReader("{}"))
		require.NoError(t, err)
		res, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		require.Equal(t, http.StatusUnauthorized, res.StatusCode)
		checkAnswer(t, op, res, path)
		req, err = http.NewRequest(route.Method, i.url+path, strings.NewReader("{}"))
		require.NoError(t, err)
		req.Host = "evil.example"
		res, err = http.DefaultClient.Do(req)
		require.NoError(t, err)
		require.Equal(t, http.StatusForbidden, res.StatusCode)
		checkAnswer(t, op, res, path)
	}
}
