package server

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"io"
	"math"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"cllm/runtime"
)

// v1 posts to OpenAI's dialect and reads what comes.
func (i *instance) v1(path, text string) (status int, answer map[string]any) {
	i.t.Helper()
	res, err := http.Post(i.url+path, "application/json", strings.NewReader(text))
	require.NoError(i.t, err)
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	require.NoError(i.t, err)
	require.NoError(i.t, json.Unmarshal(b, &answer), "%s", b)
	return res.StatusCode, answer
}

// chunks posts for a stream and returns its events' data.
func (i *instance) chunks(path, text string) (list []map[string]any) {
	i.t.Helper()
	res, err := http.Post(i.url+path, "application/json", strings.NewReader(text))
	require.NoError(i.t, err)
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	require.NoError(i.t, err)
	require.Equal(i.t, http.StatusOK, res.StatusCode, "%s", b)
	events := strings.Split(strings.TrimSuffix(string(b), "\n\n"), "\n\n")
	require.Equal(i.t, "data: [DONE]", events[len(events)-1])
	for _, ev := range events[:len(events)-1] {
		var v map[string]any
		require.NoError(i.t, json.Unmarshal([]byte(strings.TrimPrefix(ev, "data: ")), &v), ev)
		list = append(list, v)
	}
	return list
}

// at follows keys and indices into an answer.
func at(v any, path ...any) any {
	for _, p := range path {
		switch p := p.(type) {
		case string:
			v = v.(map[string]any)[p]
		case int:
			v = v.([]any)[p]
		}
	}
	return v
}

func TestChatCompletion(t *testing.T) {
	i := start(t, setup{})
	const ask = `"messages":[{"role":"system","content":"s"},{"role":"user","content":"Tell"}],"max_tokens":12,"temperature":0`
	status, whole := i.v1("/v1/chat/completions", "{"+ask+"}")
	require.Equal(t, 200, status)
	text := at(whole, "choices", 0, "message", "content").(string)
	require.NotEmpty(t, text)
	require.Equal(t, "chat.completion", whole["object"])
	require.Equal(t, "demo", whole["model"])
	require.Equal(t, "assistant", at(whole, "choices", 0, "message", "role"))
	require.Equal(t, "length", at(whole, "choices", 0, "finish_reason"))
	require.EqualValues(t, 12, at(whole, "usage", "completion_tokens"))
	require.Equal(t, at(whole, "usage", "total_tokens"), at(whole, "usage", "prompt_tokens").(float64)+12)
	require.NotNil(t, at(whole, "timings", "predicted_ms"))

	var streamed strings.Builder
	list := i.chunks("/v1/chat/completions", "{"+ask+`,"stream":true,"stream_options":{"include_usage":true}}`)
	require.Equal(t, map[string]any{"role": "assistant", "content": nil}, at(list[0], "choices", 0, "delta"))
	for _, c := range list[:len(list)-1] {
		require.Equal(t, "chat.completion.chunk", c["object"])
		require.Equal(t, list[0]["id"], c["id"])
		if s, ok := at(c, "choices", 0, "delta", "content").(string); ok {
			streamed.WriteString(s)
		}
	}
	require.Equal(t, text, streamed.String())
	require.Equal(t, "length", at(list[len(list)-2], "choices", 0, "finish_reason"))
	require.Empty(t, at(list[len(list)-1], "choices"))
	require.EqualValues(t, 12, at(list[len(list)-1], "usage", "completion_tokens"))

	// Both fields mean the same, and without one the context is the limit.
	_, other := i.v1("/v1/chat/completions", strings.Replace("{"+ask+"}", "max_tokens", "max_completion_tokens", 1))
	require.Equal(t, text, at(other, "choices", 0, "message", "content"))

	status, several := i.v1("/v1/chat/completions", "{"+strings.Replace(ask, `"temperature":0`, `"temperature":1,"seed":7,"n":3,"logprobs":true,"top_logprobs":2`, 1)+"}")
	require.Equal(t, 200, status)
	require.Len(t, several["choices"], 3)
	require.NotEqual(t, at(several, "choices", 0, "message", "content"), at(several, "choices", 1, "message", "content"))
	require.Len(t, at(several, "choices", 2, "logprobs", "content"), 12)
	require.Len(t, at(several, "choices", 2, "logprobs", "content", 0, "top_logprobs"), 2)
	require.NotEmpty(t, at(several, "choices", 2, "logprobs", "content", 0, "bytes"))

	status, count := i.v1("/v1/chat/completions/input_tokens", "{"+ask+"}")
	require.Equal(t, 200, status)
	require.Equal(t, at(whole, "usage", "prompt_tokens"), count["input_tokens"])
	i.idle()
}

// What a model writes for a tool becomes a call, what it thinks a field of its own.
func TestToolCallsAndReasoning(t *testing.T) {
	i, g := startGated(t, 8, setup{})
	const ask = `"messages":[{"role":"user","content":"Weather?"}],"tools":[{"type":"function","function":{"name":"weather","parameters":{"type":"object","properties":{"city":{"type":"string"}}}}}]`
	said := []string{"<think>", "\nhm", "\n</think>\n\nLet me", " see.\n<tool_", "call>\n{\"name\": \"weather\", \"argu", "ments\": {\"city\": \"Ro", "me\"}}\n</tool_call>"}
	go func() {
		for range 2 {
			s := g.open(1)[0]
			for _, text := range said {
				s.text(text)
			}
			s.end(runtime.FinishStop)
			g.open(0)
		}
	}()
	_, whole := i.v1("/v1/chat/completions", "{"+ask+"}")
	m := at(whole, "choices", 0, "message").(map[string]any)
	require.Equal(t, "hm", m["reasoning_content"])
	require.Equal(t, "Let me see.", m["content"])
	require.Equal(t, "weather", at(m, "tool_calls", 0, "function", "name"))
	require.Equal(t, `{"city": "Rome"}`, at(m, "tool_calls", 0, "function", "arguments"))
	require.Equal(t, "function", at(m, "tool_calls", 0, "type"))
	require.Equal(t, "tool_calls", at(whole, "choices", 0, "finish_reason"))

	var content, thought, name, args, id string
	list := i.chunks("/v1/chat/completions", "{"+ask+`,"stream":true}`)
	for _, c := range list {
		d := at(c, "choices", 0, "delta").(map[string]any)
		add := func(to *string, v any) {
			if s, ok := v.(string); ok {
				*to += s
			}
		}
		add(&content, d["content"])
		add(&thought, d["reasoning_content"])
		if d["tool_calls"] != nil {
			require.EqualValues(t, 0, at(d, "tool_calls", 0, "index"))
			add(&name, at(d, "tool_calls", 0, "function", "name"))
			add(&args, at(d, "tool_calls", 0, "function", "arguments"))
			add(&id, at(d, "tool_calls", 0, "id"))
		}
	}
	require.Equal(t, []string{"Let me see.", "hm", "weather", `{"city": "Rome"}`}, []string{content, thought, name, args})
	require.True(t, strings.HasPrefix(id, "call_"))
	require.Equal(t, "tool_calls", at(list[len(list)-1], "choices", 0, "finish_reason"))
}

// Without tools nothing is a call; with reasoning_format none nothing is split.
func TestAnswersThatAreNotSplit(t *testing.T) {
	i, g := startGated(t, 8, setup{})
	const text = "<think>x</think><tool_call>{\"name\":\"a\",\"arguments\":{}}</tool_call>"
	go func() {
		s := g.open(1)[0]
		s.text(text)
		s.end(runtime.FinishStop)
	}()
	_, whole := i.v1("/v1/chat/completions", `{"messages":[{"role":"user","content":"x"}],"reasoning_format":"none"}`)
	require.Equal(t, text, at(whole, "choices", 0, "message", "content"))
	require.Equal(t, "stop", at(whole, "choices", 0, "finish_reason"))
}

func TestOpenAIErrors(t *testing.T) {
	i := start(t, setup{})
	const user = `"messages":[{"role":"user","content":"x"}]`
	for _, c := range []struct{ path, body, param, message string }{
		{"/v1/chat/completions", `{}`, "messages", "messages is missing"},
		{"/v1/chat/completions", `{"messages":[]}`, "messages", "messages is empty"},
		{"/v1/chat/completions", `{"messages":{}}`, "messages", "must be a list"},
		{"/v1/chat/completions", `{"messages":[1]}`, "messages[0]", "must be an object"},
		{"/v1/chat/completions", `{"messages":[{"role":"robot","content":"x"}]}`, "messages[0].role", `"robot"`},
		{"/v1/chat/completions", `{"messages":[{"role":"user"}]}`, "messages[0].content", "is missing"},
		{"/v1/chat/completions", `{"messages":[{"role":"user","content":5}]}`, "messages[0].content", "must be a string"},
		{"/v1/chat/completions", `{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"x"}}]}]}`, "messages[0].content[0]", `"image_url": this model reads text alone`},
		{"/v1/chat/completions", `{"messages":[{"role":"assistant","tool_calls":[{"function":{"name":"f","arguments":"["}}]},{"role":"user","content":"x"}]}`, "messages", "not a JSON object"},
		{"/v1/chat/completions", `{` + user + `,"temperature":3}`, "temperature", "from 0 to 2"},
		{"/v1/chat/completions", `{` + user + `,"top_logprobs":2}`, "top_logprobs", "needs logprobs"},
		{"/v1/chat/completions", `{` + user + `,"audio":{}}`, "audio", "text alone"},
		{"/v1/chat/completions", `{` + user + `,"response_format":{"type":"json_object"}}`, "response_format.type", "not supported yet"},
		{"/v1/chat/completions", `{` + user + `,"grammar":"root ::= \"a\""}`, "grammar", "not supported yet"},
		{"/v1/chat/completions", `{` + user + `,"json_schema":{"const":"42"}}`, "json_schema", "not supported yet"},
		{"/v1/chat/completions", `{` + user + `,"guided_choice":["a"]}`, "guided_choice", "not supported yet"},
		{"/v1/completions", `{"prompt":"x","response_format":{"type":"json_object"}}`, "response_format.type", "not supported yet"},
		{"/v1/completions", `{"prompt":"x","structured_outputs":{"regex":"a"}}`, "structured_outputs", "not supported yet"},
		{"/v1/chat/completions", `{"messages":[{"role":"assistant","content":"x"}],"continue_final_message":true,"add_generation_prompt":true}`, "add_generation_prompt", "not both"},
		{"/v1/chat/completions", `{` + user + `,"add_generation_prompt":false}`, "add_generation_prompt", "must be true"},
		{"/v1/chat/completions", `{` + user + `,"tool_choice":"required"}`, "tool_choice", "not supported yet"},
		{"/v1/chat/completions", `{` + user + `,"tools":[{"type":"function","function":{}}]}`, "tools[0].function.name", "is missing"},
		{"/v1/chat/completions", `{` + user + `,"tools":[{"type":"function","function":{"name":"f","parameters":[]}}]}`, "tools[0].function.parameters", "must be a JSON Schema"},
		{"/v1/chat/completions", `{` + user + `,"stream_options":{"include_usage":1}}`, "stream_options.include_usage", "true or false"},
		{"/v1/completions", `{}`, "prompt", "is missing"},
		{"/v1/completions", `{"prompt":[]}`, "prompt", "must be a string"},
		{"/v1/completions", `{"prompt":[1,"x"]}`, "prompt", "must be a string"},
		{"/v1/completions", `{"prompt":[99999999]}`, "prompt", "vocabulary"},
		{"/v1/completions", `{"prompt":"x","suffix":"y"}`, "suffix", "no tokens for filling in"},
		{"/v1/completions", `{"prompt":"x","best_of":3}`, "best_of", "not supported"},
		{"/v1/embeddings", `{"input":"x","encoding_format":"hex"}`, "encoding_format", "float or base64"},
		{"/v1/embeddings", `{"input":"x","dimensions":100000}`, "dimensions", "the model has"},
		{"/v1/embeddings", `{"input":[[]]}`, "input", "must be a string"},
	} {
		status, answer := i.v1(c.path, c.body)
		require.Equal(t, http.StatusBadRequest, status, c.body)
		require.Equal(t, c.param, at(answer, "error", "param"), "%s: %v", c.body, answer)
		require.Contains(t, at(answer, "error", "message"), c.message, c.body)
		require.Equal(t, "invalid_request_error", at(answer, "error", "type"))
	}
	status, answer := i.v1("/v1/chat/completions", `{"messages":[{"role":"user","content":"`+strings.Repeat("word ", 5000)+`"}]}`)
	require.Equal(t, http.StatusBadRequest, status)
	require.Equal(t, "context_length_exceeded", at(answer, "error", "code"))
	require.Regexp(t, `maximum context length is \d+ tokens, but the messages resulted in \d{4,} tokens`, at(answer, "error", "message"))

	require.Equal(t, "messages", at(answer, "error", "param"))
	for path, field := range map[string]string{"/v1/completions": "prompt", "/v1/embeddings": "input"} {
		_, answer = i.v1(path, `{"`+field+`":"`+strings.Repeat("word ", 5000)+`"}`)
		require.Equal(t, "context_length_exceeded", at(answer, "error", "code"))
		require.Equal(t, field, at(answer, "error", "param"))
	}

	status, answer = i.v1("/v1/nothing", `{}`)
	require.Equal(t, http.StatusNotFound, status)
	require.Equal(t, "not_found", at(answer, "error", "code"))
}

// A stream whose time is up ends with an error and no reason that OpenAI's
// clients do not know.
func TestOpenAIStreamTimeout(t *testing.T) {
	i, g := startGated(t, 8, setup{})
	for path, ask := range map[string]string{
		"/v1/chat/completions": `{"messages":[{"role":"user","content":"x"}],"stream":true}`,
		"/v1/completions":      `{"prompt":"x","stream":true}`,
	} {
		go func() {
			s := g.open(1)[0]
			s.text("so far")
			s.end(runtime.FinishTimeout)
		}()
		res, err := http.Post(i.url+path, "application/json", strings.NewReader(ask))
		require.NoError(t, err)
		b, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		require.Contains(t, string(b), "so far")
		events := strings.Split(strings.TrimSuffix(string(b), "\n\n"), "\n\n")
		last := events[len(events)-1]
		require.Contains(t, last, `data: {"error":{"message":"Request timeout`)
		require.Contains(t, last, `"code":"timeout"`)
		require.NotContains(t, string(b), `"finish_reason":"timeout"`)
		g.open(0)
	}
}

func TestModels(t *testing.T) {
	i := start(t, setup{})
	var list struct{ Data []struct{ ID, Object string } }
	get := func(path string, v any) int {
		res, err := http.Get(i.url + path)
		require.NoError(t, err)
		defer res.Body.Close()
		require.NoError(t, json.NewDecoder(res.Body).Decode(v))
		return res.StatusCode
	}
	require.Equal(t, 200, get("/v1/models", &list))
	require.Equal(t, "demo", list.Data[0].ID)
	var one map[string]any
	require.Equal(t, 200, get("/v1/models/demo", &one))
	require.Equal(t, "model", one["object"])
	require.Equal(t, 404, get("/v1/models/other", &one))
	require.Equal(t, "model_not_found", at(one, "error", "code"))
}

// Clients of llama-server leave out /v1, and llama.cpp's tests too.
func TestPathsWithoutVersion(t *testing.T) {
	i := start(t, setup{})
	for path, body := range map[string]string{
		"/chat/completions":              `{"messages":[{"role":"user","content":"Tell"}],"max_tokens":3}`,
		"/chat/completions/input_tokens": `{"messages":[{"role":"user","content":"Tell"}]}`,
		"/responses":                     `{"input":"Tell","max_output_tokens":3}`,
		"/responses/input_tokens":        `{"input":"Tell"}`,
	} {
		status, answer := i.v1(path, body)
		require.Equal(t, 200, status, "%s: %v", path, answer)
		status, answer = i.v1(path, `{}`)
		require.Equal(t, 400, status)
		require.Equal(t, "invalid_request_error", at(answer, "error", "type"), "%s: OpenAI's form of errors", path)
	}
	res, err := http.Get(i.url + "/models")
	require.NoError(t, err)
	defer res.Body.Close()
	var list map[string]any
	require.NoError(t, json.NewDecoder(res.Body).Decode(&list))
	require.Equal(t, "demo", at(list, "data", 0, "id"))
}

func TestCompletions(t *testing.T) {
	i := start(t, setup{})
	const ask = `"prompt":["Once upon","The king"],"max_tokens":6,"temperature":0,"logprobs":2`
	status, whole := i.v1("/v1/completions", "{"+ask+"}")
	require.Equal(t, 200, status)
	require.Len(t, whole["choices"], 2)
	require.EqualValues(t, 12, at(whole, "usage", "completion_tokens"))
	lp := at(whole, "choices", 1, "logprobs").(map[string]any)
	require.Len(t, lp["tokens"], 6)
	require.Len(t, lp["token_logprobs"], 6)
	require.Len(t, at(lp, "top_logprobs", 0), 2)
	require.EqualValues(t, 0, at(lp, "text_offset", 0))

	texts := make([]string, 2)
	for _, c := range i.chunks("/v1/completions", "{"+ask+`,"stream":true}`) {
		texts[int(at(c, "choices", 0, "index").(float64))] += at(c, "choices", 0, "text").(string)
	}
	require.Equal(t, at(whole, "choices", 0, "text"), texts[0])
	require.Equal(t, at(whole, "choices", 1, "text"), texts[1])

	status, scored := i.v1("/v1/completions", `{"prompt":"The king","max_tokens":0,"echo":true,"logprobs":0}`)
	require.Equal(t, 200, status, scored)
	require.Equal(t, "The king", at(scored, "choices", 0, "text"))
	require.EqualValues(t, 0, at(scored, "usage", "completion_tokens"))
	require.Nil(t, at(scored, "choices", 0, "logprobs", "token_logprobs", 0)) // nothing predicts the first

	_, alone := i.v1("/v1/completions", `{"prompt":"The king","max_tokens":6,"temperature":0,"echo":true}`)
	require.Equal(t, "The king"+texts[1], at(alone, "choices", 0, "text"))
	i.idle()
}

func TestEmbeddings(t *testing.T) {
	i := start(t, setup{})
	_, plain := i.v1("/v1/embeddings", `{"input":["Once","The king"]}`)
	_, packed := i.v1("/v1/embeddings", `{"input":"The king","encoding_format":"base64"}`)
	_, short := i.v1("/v1/embeddings", `{"input":"The king","dimensions":8}`)
	want := at(plain, "data", 1, "embedding").([]any)
	raw, err := base64.StdEncoding.DecodeString(at(packed, "data", 0, "embedding").(string))
	require.NoError(t, err)
	require.Len(t, raw, 4*len(want))
	norm := 0.0
	for k, v := range want {
		x := math.Float32frombits(binary.LittleEndian.Uint32(raw[4*k:]))
		require.InDelta(t, v, float64(x), 1e-6)
		norm += float64(x) * float64(x)
	}
	require.InDelta(t, 1, norm, 1e-5)
	require.Len(t, at(short, "data", 0, "embedding"), 8)
	require.Positive(t, at(plain, "usage", "prompt_tokens"))
	i.idle()
}
