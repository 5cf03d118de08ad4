// Package openai is OpenAI's dialect, as its clients speak it: models, chat
// completions, completions and embeddings under /v1, with the extensions that
// vLLM's and llama-server's clients know.
package openai

import (
	"context"
	"net/http"
	"sync"

	"github.com/gorilla/mux"

	"cllm/runtime"
	"cllm/server/api"
	"cllm/server/reasoning"
	"cllm/server/wire"
)

// dialect answers in OpenAI's dialect.
type dialect struct {
	api.Server
	closing func() ([]int32, error) // the tokens that end reasoning
	stored  responseStore
}

// New makes the dialect.
func New(s api.Server) *api.Dialect {
	d := &dialect{Server: s, closing: sync.OnceValues(func() ([]int32, error) {
		return s.Tokenize(context.Background(), reasoning.Closing, true)
	})}
	return &api.Dialect{Name: "openai", Prefixes: []string{"/v1/", "/chat/", "/responses/"}, WriteError: writeError, Routes: []api.Route{
		{Method: "GET", Path: "/v1/models", Also: []string{"/models"}, Description: "the loaded models", Handle: d.models},
		{Method: "GET", Path: "/v1/models/{id:.+}", Description: "one of them", Handle: d.model},
		{Method: "POST", Path: "/v1/chat/completions", Also: []string{"/chat/completions"}, Description: "answer a conversation", Handle: d.chat},
		{Method: "POST", Path: "/v1/chat/completions/input_tokens", Also: []string{"/chat/completions/input_tokens"}, Description: "count the tokens of a conversation", Handle: d.countChat},
		{Method: "POST", Path: "/v1/responses", Also: []string{"/responses"}, Description: "answer a conversation, which can be continued", Handle: d.responses},
		{Method: "POST", Path: "/v1/responses/input_tokens", Also: []string{"/responses/input_tokens"}, Description: "count the tokens of a conversation", Handle: d.countResponse},
		{Method: "GET", Path: "/v1/responses/{id}", Also: []string{"/responses/{id}"}, Description: "a stored response", Handle: d.getResponse},
		{Method: "DELETE", Path: "/v1/responses/{id}", Also: []string{"/responses/{id}"}, Description: "forget a stored response", Handle: d.deleteResponse},
		{Method: "POST", Path: "/v1/completions", Description: "continue a prompt", Handle: d.completions},
		{Method: "POST", Path: "/v1/embeddings", Description: "the embeddings of texts", Handle: d.embeddings},
	}}
}

// errorTypes are OpenAI's words for the kinds of errors.
var errorTypes = map[api.Kind][2]string{ // type, code
	api.BadRequest: {"invalid_request_error", ""}, api.Unauthorized: {"invalid_request_error", "invalid_api_key"},
	api.Forbidden: {"invalid_request_error", "forbidden"},
	api.NotFound:  {"invalid_request_error", "not_found"}, api.MethodNotAllowed: {"invalid_request_error", "method_not_allowed"},
	api.BodyTooLarge: {"invalid_request_error", "body_too_large"}, api.BodyTimeout: {"invalid_request_error", "body_timeout"},
	api.Timeout: {"server_error", "timeout"}, api.Overloaded: {"rate_limit_error", "rate_limit_exceeded"},
	api.Unavailable: {"server_error", "service_unavailable"}, api.Internal: {"server_error", "internal_error"},
}

// errorBody is {"error":{message,type,param,code}}.
type errorBody struct {
	Error struct {
		Message string  `json:"message"`
		Type    string  `json:"type"`
		Param   *string `json:"param"`
		Code    *string `json:"code"`
	} `json:"error"`
}

func errorOf(e *api.Error) (b errorBody) {
	words := errorTypes[e.Kind]
	b.Error.Message, b.Error.Type = e.Text, words[0]
	if e.Advice != "" {
		b.Error.Message += ": " + e.Advice
	}
	if e.ID != "" {
		b.Error.Message += ", the log has it as " + e.ID
	}
	if e.Field != "" {
		b.Error.Param = &e.Field
	}
	code := words[1]
	if e.Code != "" {
		code = e.Code
	}
	if code != "" {
		b.Error.Code = &code
	}
	return b
}

func writeError(w http.ResponseWriter, e *api.Error) {
	e.SetHeaders(w.Header())
	_ = wire.WriteJSON(w, e.Kind.Status(), errorOf(e)) // an error means that the client left
}

// modelObject is a model as the list shows it.
type modelObject struct {
	ID      string `json:"id"`
	Object  string `json:"object"`
	Created int64  `json:"created"`
	OwnedBy string `json:"owned_by"`
	Context int    `json:"max_model_len"`
}

func (d *dialect) served() modelObject {
	f := d.Facts()
	return modelObject{f.ModelName, "model", f.Started.Unix(), "cllm", f.Context}
}

func (d *dialect) models(w http.ResponseWriter, _ *http.Request) error {
	return wire.WriteJSON(w, http.StatusOK, map[string]any{"object": "list", "data": []modelObject{d.served()}})
}

func (d *dialect) model(w http.ResponseWriter, r *http.Request) error {
	if id := mux.Vars(r)["id"]; id != d.Facts().ModelName {
		return &api.Error{Kind: api.NotFound, Text: "the model " + id + " is not loaded", Field: "model", Code: "model_not_found"}
	}
	return wire.WriteJSON(w, http.StatusOK, d.served())
}

// usage is what a request cost.
type usage struct {
	Prompt     int `json:"prompt_tokens"`
	Completion int `json:"completion_tokens"`
	Total      int `json:"total_tokens"`
	Details    struct {
		Cached int `json:"cached_tokens"`
	} `json:"prompt_tokens_details"`
}

func usageOf(u runtime.Usage) (v usage) {
	v.Prompt, v.Completion, v.Total = u.PromptTokens, u.CompletionTokens, u.PromptTokens+u.CompletionTokens
	v.Details.Cached = u.CachedTokens
	return v
}

// add takes in the usage of a choice that has ended.
func add(u *runtime.Usage, choice runtime.Usage) {
	u.CompletionTokens += choice.CompletionTokens
	u.PromptTokens = choice.PromptTokens
	u.CachedTokens = max(u.CachedTokens, choice.CachedTokens)
}

// timings are llama-server's.
type timings struct {
	PromptN      int     `json:"prompt_n"`
	PromptMS     float64 `json:"prompt_ms"`
	PromptRate   float64 `json:"prompt_per_second"`
	PredictedN   int     `json:"predicted_n"`
	PredictedMS  float64 `json:"predicted_ms"`
	PredictedOut float64 `json:"predicted_per_second"`
	CacheN       int     `json:"cache_n"`
}

func timingsOf(u runtime.Usage, t runtime.Timings) timings {
	rate := func(n int, seconds float64) float64 {
		if seconds <= 0 {
			return 0
		}
		return float64(n) / seconds
	}
	n := u.PromptTokens - u.CachedTokens
	return timings{n, 1e3 * t.Prompt.Seconds(), rate(n, t.Prompt.Seconds()),
		u.CompletionTokens, 1e3 * t.Generate.Seconds(), rate(u.CompletionTokens, t.Generate.Seconds()), u.CachedTokens}
}
