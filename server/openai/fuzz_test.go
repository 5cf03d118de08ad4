package openai

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"cllm/chat"
	"cllm/model"
	"cllm/runtime"
	"cllm/server/api"
	"cllm/server/fields"
)

// reader is a server as far as bodies are read.
type reader struct {
	api.Server
	form *chat.Template
}

func (r *reader) Chat() (*chat.Template, error) { return r.form, nil }

func (r *reader) Tokenize(context.Context, string, bool) ([]int32, error) { return []int32{1}, nil }

func (r *reader) TokenBytes(int32) []byte { return []byte("x") }

func (r *reader) NewID() string { return "0123456789abcdef0123456789abcdef" }

func (r *reader) Facts() api.Facts {
	return api.Facts{Context: 100, ModelName: "m", Model: model.Config{Hidden: 8}, Limits: runtime.Options{Parallel: 4}}
}

// fuzzed is the dialect on such a server.
func fuzzed(t testing.TB) *dialect {
	form, err := chat.New(chat.Source{Has: func(string) bool { return true }}, chat.ChatML)
	require.NoError(t, err)
	s := &reader{form: form}
	return &dialect{Server: s, closing: func() ([]int32, error) { return []int32{1}, nil }}
}

func bodyOf(text string) *api.Body {
	return &api.Body{Object: fields.Parse([]byte(text)), Release: func() {}, OnUnknown: func(string) {}}
}

// sound checks what was read, or that it was refused as the caller's fault.
func sound(t *testing.T, r *api.Request, err error) bool {
	if err != nil {
		require.Equal(t, api.BadRequest, api.ErrorOf(err).Kind, "%v", err)
		return false
	}
	p := r.Sampling
	require.True(t, r.N >= 1 && r.N <= 4)
	require.True(t, p.TopP > 0 && p.TopP <= 1)
	require.GreaterOrEqual(t, p.TopK, 0)
	require.GreaterOrEqual(t, r.MaxTokens, 0)
	require.True(t, p.Temperature >= 0 && p.Temperature <= maxTemperature)
	require.LessOrEqual(t, r.TopLogProbs, runtime.MaxTopLogProbs)
	return true
}

// No body of a chat makes the server fail, and what is taken is encoded as it
// will be sent.
func FuzzReadChat(f *testing.F) {
	d := fuzzed(f)
	for _, body := range []string{
		`{"messages":[{"role":"user","content":"x"}],"n":2,"stop":["a"],"logprobs":true,"top_logprobs":2,"reasoning_budget":3}`,
		`{"messages":[{"role":"assistant","tool_calls":[{"id":"c","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"c","content":[{"type":"text","text":"y"}]}]}`,
		`{"messages":[{"role":"user","content":null}],"tools":[{"type":"function","function":{"name":"f","parameters":{}}}],"tool_choice":"none","chat_template_kwargs":{"a":[1]}}`,
		`{"messages":[[]],"stream_options":[]}`, `{"messages":{"a":1}}`, `{"response_format":{"type":"json_object"}}`, "\xff", ``, `[[[`,
	} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		c, err := d.readChat(bodyOf(body))
		if err != nil {
			sound(t, nil, err)
			return
		}
		sound(t, &c.Request, nil)
		require.NotEmpty(t, c.Messages)
		require.NotNil(t, c.prompt)
		require.Len(t, c.answers(), c.N)
	})
}

// No body of a response makes the server fail.
func FuzzReadResponse(f *testing.F) {
	d := fuzzed(f)
	for _, body := range []string{
		`{"input":"x","instructions":"y","metadata":{"a":"b"},"reasoning":{"effort":"none"}}`,
		`{"input":[{"role":"user","content":"x"},{"type":"function_call","call_id":"c","name":"f","arguments":"{}"},{"type":"function_call_output","call_id":"c","output":"z"},{"type":"reasoning","content":[{"text":"t"}]}]}`,
		`{"input":[1],"text":{"format":{"type":"json_schema"}}}`, `{"input":"x","previous_response_id":"r","include":[1]}`, `{"tools":[{}],"text":{"format":1}}`,
	} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		r, err := d.readResponse(bodyOf(body), api.Caller{})
		if err != nil {
			sound(t, nil, err)
			return
		}
		sound(t, &r.Request, nil)
		text, err := json.Marshal(&r.object)
		require.NoError(t, err)
		require.True(t, json.Valid(text))
	})
}

// No body of completions makes the server fail.
func FuzzReadCompletion(f *testing.F) {
	d := fuzzed(f)
	for _, body := range []string{
		`{"prompt":"x","max_tokens":0,"echo":true,"logprobs":0,"n":2,"best_of":2}`, `{"prompt":[1,2]}`, `{"prompt":["a",[1]],"suffix":"z"}`,
		`{"prompt":[[]]}`, `{"prompt":[1e3]}`, `{"prompt":[-1]}`, `{"prompt":[null]}`, `{"prompt":[99999999999]}`, `{"prompt":{}}`,
	} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		c, err := d.readCompletion(bodyOf(body))
		if err != nil {
			sound(t, nil, err)
			return
		}
		sound(t, &c.Request, nil)
		require.NotEmpty(t, c.prompts)
		require.Len(t, c.texts, len(c.prompts))
		require.LessOrEqual(t, len(c.prompts), max(maxPrompts, 1))
	})
}

// No input of embeddings makes the server fail: it is texts or tokens.
func FuzzReadPrompts(f *testing.F) {
	for _, input := range []string{`"x"`, `["a","b"]`, `[1,2]`, `[[1],[2]]`, `[]`, `[null]`, `[[null]]`, `[1.5]`, `{}`, `7`} {
		f.Add(input)
	}
	f.Fuzz(func(t *testing.T, input string) {
		if !json.Valid([]byte(input)) {
			return
		}
		c := &completion{}
		if raw, ok := bodyOf(`{"input":` + input + `}`).Value("input"); ok && c.readPrompts(raw) == nil {
			require.NotEmpty(t, c.prompts)
			require.Len(t, c.texts, len(c.prompts))
		}
	})
}
