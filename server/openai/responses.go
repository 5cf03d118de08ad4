package openai

import (
	"bytes"
	"context"
	"encoding/json"
	"math"
	"net/http"
	"time"

	"github.com/gorilla/mux"

	"cllm/runtime"
	"cllm/server/api"
	"cllm/server/wire"
)

// readResponse reads the fields of a response and renders its prompt.
func (d *dialect) readResponse(body *api.Body, caller api.Caller) (*response, error) {
	form, err := d.Chat()
	if err != nil {
		return nil, err
	}
	c := &conversation{form: form, id: "resp_" + d.NewID(), created: time.Now().Unix(), model: d.Facts().ModelName, split: true}
	r := &response{conversation: c, d: d, caller: caller, store: true}
	o := &r.object
	d.readModel(body)
	d.readSampling(body, &c.Request)
	if c.N > 1 {
		body.Fail("n", "n must be 1: a response is one answer")
	}
	readMaxTokens(body, &c.Request, "max_output_tokens")
	if c.PromptOnly {
		body.Fail("max_output_tokens", "max_output_tokens must be at least 1")
	}
	c.stream, _ = readStream(body)
	d.readThinking(body, c)
	object(body, "reasoning", func(o *nested) {
		var effort, summary string
		if o.Text("effort", &effort) {
			c.effort(effort)
			r.object.Reasoning.Effort = &effort
		}
		o.Text("summary", &summary)          // there is no model to write one
		o.Text("generate_summary", &summary) // its old name
	})
	o.ToolChoice = "auto"
	if raw, ok := body.Value("tools"); ok {
		o.Tools = bytes.Clone(raw)
		if c.Tools, err = readFlatTools(raw); err != nil {
			fail(body, err)
		}
	}
	if raw, ok := body.Value("tool_choice"); ok {
		choice, err := readToolChoice(raw)
		if err != nil {
			fail(body, err)
		}
		if choice.none {
			c.Tools, o.ToolChoice = nil, "none"
		}
	}
	c.tools = c.Tools
	o.Parallel = true
	body.Bool("parallel_tool_calls", &o.Parallel)
	body.Bool("store", &r.store)
	if raw, ok := body.Value("metadata"); ok {
		if o.Metadata = bytes.Clone(raw); raw[0] != '{' {
			body.Fail("metadata", "metadata must be an object")
		}
	}
	d.readTurns(body, r)
	refuseInResponses(body)
	if err := body.Done(); err != nil {
		return nil, err
	}
	r.describe()
	return r, d.render(c, "input")
}

// readTurns reads the conversation: that of the response before, and the input.
func (d *dialect) readTurns(body *api.Body, r *response) {
	var before, instructions string
	if body.Text("previous_response_id", &before) {
		r.object.Previous = &before
		if stored := d.stored.get(r.caller, before); stored != nil {
			r.turns.messages = append(r.turns.messages, stored.messages...)
		} else if body.Err() == nil {
			body.Fail("previous_response_id", "previous_response_id: there is no response %q", before)
		}
	}
	if raw, ok := body.Value("input"); !ok {
		body.Fail("input", "input is missing")
	} else if err := r.turns.readInput(raw); err != nil {
		fail(body, err)
	}
	if body.Text("instructions", &instructions) {
		r.object.Instructions = &instructions
		r.Messages = append(r.Messages, systemMessage(instructions))
	}
	r.Messages = append(r.Messages, r.turns.messages...)
}

// refuseInResponses answers to what cannot be honoured, and takes what has no
// meaning here.
func refuseInResponses(body *api.Body) {
	refuse(body, "background", "this server answers at once", "false")
	refuse(body, "conversation", "this server keeps no conversations: use previous_response_id")
	refuse(body, "prompt", "this server keeps no prompts: use instructions and input")
	refuse(body, "truncation", "this server does not shorten conversations", `"disabled"`)
	refuse(body, "top_logprobs", "responses have no log-probabilities: use /v1/chat/completions", "0")
	refuse(body, "logprobs", "responses have no log-probabilities: use /v1/chat/completions", "false")
	refuse(body, "response_format", "is a field of chat completions: use text.format")
	object(body, "text", func(o *nested) {
		format, ok := o.Value("format")
		if !ok {
			return
		}
		var kind string
		f := parseNested("text.format", format)
		f.Text("type", &kind)
		if f.err() != nil || kind != "text" {
			o.Fail("format", "format must be of type text: answers cannot be bound to a schema yet")
		}
	})
	if raw, ok := body.Value("include"); ok {
		var names []string
		if json.Unmarshal(raw, &names) != nil {
			body.Fail("include", "include must be a list of strings")
		}
		for _, name := range names {
			// Reasoning is not encrypted: its item has it.
			if name != "reasoning.encrypted_content" {
				body.Fail("include", "include: there is no %s here", name)
			}
		}
	}
	for _, idle := range []string{"user", "service_tier", "prompt_cache_key", "prompt_cache_retention", "safety_identifier", "max_tool_calls"} {
		body.Value(idle)
	}
}

func (d *dialect) responses(w http.ResponseWriter, r *http.Request) error {
	body, err := d.ReadBody(w, r)
	if err != nil {
		return err
	}
	defer body.Close()
	answer, err := d.readResponse(body, api.CallerOf(r.Context()))
	if err != nil {
		return previousMissing(err)
	}
	stream := answer.stream
	s, err := d.Generate(r.Context(), &answer.Request)
	if err != nil {
		return tooLong(err, "input")
	}
	events := &heldStream{Stream: s}
	defer events.Close()
	body.Close()
	if stream {
		return d.SendStream(w, r, events, &responseFrames{response: answer})
	}
	answer.begin()
	for ev, err := range api.Events(r.Context(), events) {
		if err != nil {
			return err
		}
		answer.add(&ev)
	}
	return wire.Write(w, http.StatusOK, answer.keep(), []byte("\n"))
}

// previousMissing gives the error of a response that is not there its code.
func previousMissing(err error) error {
	if e := api.ErrorOf(err); e.Field == "previous_response_id" {
		e.Code = "previous_response_not_found"
		return e
	}
	return err
}

// countResponse counts the tokens of the prompt of a response.
func (d *dialect) countResponse(w http.ResponseWriter, r *http.Request) error {
	body, err := d.ReadBody(w, r)
	if err != nil {
		return err
	}
	defer body.Close()
	answer, err := d.readResponse(body, api.CallerOf(r.Context()))
	if err != nil {
		return previousMissing(err)
	}
	if err := d.TokenizePrompt(r.Context(), &answer.Request); err != nil {
		return err
	}
	return wire.WriteJSON(w, http.StatusOK, map[string]any{"object": "response.input_tokens", "input_tokens": len(answer.Prompt)})
}

func (d *dialect) getResponse(w http.ResponseWriter, r *http.Request) error {
	id := mux.Vars(r)["id"]
	if s := r.URL.Query().Get("stream"); s != "" && s != "false" {
		return &api.Error{Kind: api.BadRequest, Text: "stream: a stored response is not streamed again", Field: "stream"}
	}
	stored := d.stored.get(api.CallerOf(r.Context()), id)
	if stored == nil {
		return noResponse(id)
	}
	return wire.Write(w, http.StatusOK, stored.object, []byte("\n"))
}

func (d *dialect) deleteResponse(w http.ResponseWriter, r *http.Request) error {
	id := mux.Vars(r)["id"]
	if !d.stored.delete(api.CallerOf(r.Context()), id) {
		return noResponse(id)
	}
	return wire.WriteJSON(w, http.StatusOK, map[string]any{"id": id, "object": "response", "deleted": true})
}

func noResponse(id string) error {
	return &api.Error{Kind: api.NotFound, Text: "there is no response " + id, Field: "response_id"}
}

// heldStream charges what a response holds of its answer, streamed too: its
// last event has all of it.
type heldStream struct {
	api.Stream
	used, charged int64
}

const (
	// heldForms is how often a text is held at the end: by itself, encoded in
	// three events and the response, stored.
	heldForms  = 8
	heldAtOnce = 16 << 10
)

func (h *heldStream) Next(ctx context.Context) (runtime.Event, error) {
	ev, err := h.Stream.Next(ctx)
	if err != nil {
		return ev, err
	}
	if h.used += heldForms * int64(len(ev.Text)); h.used > h.charged {
		if err := h.Hold(h.used - h.charged + heldAtOnce); err != nil {
			return runtime.Event{}, err
		}
		h.charged = h.used + heldAtOnce
	}
	return ev, nil
}

// maxOutput is max_output_tokens as it is shown.
func (r *response) maxOutput() *int {
	if r.MaxTokens == 0 || r.MaxTokens == math.MaxInt {
		return nil
	}
	n := r.MaxTokens
	return &n
}
