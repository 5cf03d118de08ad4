package openai

import (
	"encoding/json"
	"strings"

	"cllm/chat"
	"cllm/runtime"
	"cllm/server/api"
	"cllm/server/wire"
)

func systemMessage(text string) chat.Message {
	return chat.Message{Role: "system", Content: []string{text}}
}

// responseObject is a response as clients see it.
type responseObject struct {
	ID           string          `json:"id"`
	Object       string          `json:"object"`
	Created      int64           `json:"created_at"`
	Status       string          `json:"status"`
	Background   bool            `json:"background"`
	Error        *responseError  `json:"error"`
	Incomplete   *incomplete     `json:"incomplete_details"`
	Instructions *string         `json:"instructions"`
	MaxOutput    *int            `json:"max_output_tokens"`
	Model        string          `json:"model"`
	Output       []any           `json:"output"`
	Parallel     bool            `json:"parallel_tool_calls"`
	Previous     *string         `json:"previous_response_id"`
	Reasoning    responseEffort  `json:"reasoning"`
	Store        bool            `json:"store"`
	Temperature  float32         `json:"temperature"`
	Text         json.RawMessage `json:"text"`
	ToolChoice   string          `json:"tool_choice"`
	Tools        json.RawMessage `json:"tools"`
	TopP         float32         `json:"top_p"`
	Truncation   string          `json:"truncation"`
	Usage        *responseUsage  `json:"usage"`
	Metadata     json.RawMessage `json:"metadata"`
}

type responseError struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

type incomplete struct {
	Reason string `json:"reason"`
}

type responseEffort struct {
	Effort  *string `json:"effort"`
	Summary *string `json:"summary"`
}

type responseUsage struct {
	Input        int `json:"input_tokens"`
	InputDetails struct {
		Cached int `json:"cached_tokens"`
	} `json:"input_tokens_details"`
	Output        int `json:"output_tokens"`
	OutputDetails struct {
		Reasoning int `json:"reasoning_tokens"`
	} `json:"output_tokens_details"`
	Total int `json:"total_tokens"`
}

// The items of a response's output.
type (
	messageItem struct {
		ID      string     `json:"id"`
		Type    string     `json:"type"`
		Status  string     `json:"status"`
		Role    string     `json:"role"`
		Content []textPart `json:"content"`
	}
	reasoningItem struct {
		ID      string        `json:"id"`
		Type    string        `json:"type"`
		Status  string        `json:"status"`
		Summary []textPart    `json:"summary"` // empty
		Content []thoughtPart `json:"content"`
	}
	callItem struct {
		ID        string `json:"id"`
		Type      string `json:"type"`
		Status    string `json:"status"`
		CallID    string `json:"call_id"`
		Name      string `json:"name"`
		Arguments string `json:"arguments"`
	}
	textPart struct {
		Type        string `json:"type"`
		Text        string `json:"text"`
		Annotations []any  `json:"annotations"` // empty
		LogProbs    []any  `json:"logprobs"`    // empty
	}
	thoughtPart struct {
		Type string `json:"type"`
		Text string `json:"text"`
	}
)

func newTextPart(text string) textPart {
	return textPart{"output_text", text, []any{}, []any{}}
}

// response is a response while it grows, streamed or whole.
type response struct {
	*conversation
	d      *dialect
	caller api.Caller
	store  bool
	turns  turns // of the conversation, without instructions
	object responseObject
	reader *chat.Answer

	item    any // that grows; nil: none
	text    strings.Builder
	thought int // tokens of reasoning
	events  []responseEvent
	number  int // of the next event
}

const (
	inProgress = "in_progress"
	completed  = "completed"
	cutOff     = "incomplete"
	failed     = "failed"
)

// describe fills in what is known before the answer.
func (r *response) describe() {
	o := &r.object
	o.ID, o.Object, o.Created, o.Status, o.Model = r.id, "response", r.created, inProgress, r.model
	o.MaxOutput, o.Store, o.Output = r.maxOutput(), r.store, []any{}
	o.Temperature, o.TopP = r.Sampling.Temperature, r.Sampling.TopP
	o.Text, o.Truncation = json.RawMessage(`{"format":{"type":"text"}}`), "disabled"
	if o.Tools == nil {
		o.Tools = json.RawMessage("[]")
	}
	if o.Metadata == nil {
		o.Metadata = json.RawMessage("{}")
	}
	r.Hold = int64(heldForms * (len(o.Tools) + len(o.Metadata)))
	if o.Instructions != nil {
		r.Hold += int64(heldForms * len(*o.Instructions))
	}
}

// begin is what stands before the answer.
func (r *response) begin() {
	r.reader = r.form.NewAnswer(r.prompt, r.tools, r.split)
	r.emit(responseEvent{Type: "response.created", Response: r.now()})
	r.emit(responseEvent{Type: "response.in_progress", Response: r.now()})
}

// now is a copy of the response as it is.
func (r *response) now() *responseObject {
	o := r.object
	return &o
}

// add takes an event into the response.
func (r *response) add(ev *runtime.Event) {
	thinking := r.reader.Thinking()
	pieces := r.reader.Push(ev.Text)
	if thinking || r.reader.Thinking() {
		r.thought += len(ev.Tokens)
	}
	r.take(pieces)
	if !ev.Done {
		return
	}
	r.take(r.reader.End(ev.FinishReason == runtime.FinishLength))
	status := completed
	switch ev.FinishReason {
	case runtime.FinishStop:
	case runtime.FinishLength:
		status = cutOff
		r.object.Incomplete = &incomplete{"max_output_tokens"}
	default:
		status = failed
		r.object.Error = &responseError{"server_error", "the request ended early: " + ev.FinishReason}
	}
	if r.item == nil && !r.answered() {
		r.open(chat.Text, "")
	}
	if status == completed {
		r.close(completed)
	} else {
		r.close(cutOff)
	}
	u := &responseUsage{Input: ev.Usage.PromptTokens, Output: ev.Usage.CompletionTokens, Total: ev.Usage.PromptTokens + ev.Usage.CompletionTokens}
	u.InputDetails.Cached, u.OutputDetails.Reasoning = ev.Usage.CachedTokens, min(r.thought, u.Output)
	r.object.Usage, r.object.Status = u, status
}

// answered says whether there is an item beside reasoning.
func (r *response) answered() bool {
	for _, item := range r.object.Output {
		if _, ok := item.(*reasoningItem); !ok {
			return true
		}
	}
	return false
}

func (r *response) take(pieces []chat.Event) {
	for _, p := range pieces {
		switch p.Kind {
		case chat.CallStart:
			r.open(p.Kind, p.Text)
		case chat.CallEnd:
			r.close(completed)
		default:
			r.grow(p)
		}
	}
}

// grow adds a piece to the item of its kind.
func (r *response) grow(p chat.Event) {
	switch r.item.(type) {
	case *messageItem:
		if p.Kind != chat.Text {
			r.open(p.Kind, "")
		}
	case *reasoningItem:
		if p.Kind != chat.Thought {
			r.open(p.Kind, "")
		}
	case nil:
		r.open(p.Kind, "")
	}
	r.text.WriteString(p.Text)
	ev := responseEvent{Delta: &p.Text}
	switch r.item.(type) {
	case *messageItem:
		ev.Type, ev.LogProbs = "response.output_text.delta", &[]any{}
	case *reasoningItem:
		ev.Type = "response.reasoning_text.delta"
	case *callItem:
		ev.Type = "response.function_call_arguments.delta"
	}
	r.emitOf(ev)
}

// open ends the item before and begins one; name is a called tool's.
func (r *response) open(kind chat.EventKind, name string) {
	r.close(completed)
	var part any
	switch id := r.d.NewID(); kind {
	case chat.Thought:
		r.item = &reasoningItem{"rs_" + id, "reasoning", inProgress, []textPart{}, []thoughtPart{}}
		part = thoughtPart{"reasoning_text", ""}
	case chat.Text:
		r.item = &messageItem{"msg_" + id, "message", inProgress, "assistant", []textPart{}}
		part = newTextPart("")
	default:
		r.item = &callItem{"fc_" + id, "function_call", inProgress, r.d.callID(), name, ""}
	}
	index := len(r.object.Output)
	r.emit(responseEvent{Type: "response.output_item.added", Index: &index, Item: snapshot(r.item)})
	if part != nil {
		r.emitOf(responseEvent{Type: "response.content_part.added", Part: part})
	}
}

// close ends the item that grows, if there is one.
func (r *response) close(status string) {
	if r.item == nil {
		return
	}
	text := r.text.String()
	r.text.Reset()
	switch item := r.item.(type) {
	case *messageItem:
		part := newTextPart(text)
		item.Content, item.Status = append(item.Content, part), status
		r.emitOf(responseEvent{Type: "response.output_text.done", Text: &text, LogProbs: &[]any{}})
		r.emitOf(responseEvent{Type: "response.content_part.done", Part: part})
		r.turns.said([]string{text})
	case *reasoningItem:
		part := thoughtPart{"reasoning_text", text}
		item.Content, item.Status = append(item.Content, part), status
		r.emitOf(responseEvent{Type: "response.reasoning_text.done", Text: &text})
		r.emitOf(responseEvent{Type: "response.content_part.done", Part: part})
		r.turns.thought(text)
	case *callItem:
		item.Arguments, item.Status = text, status
		r.emitOf(responseEvent{Type: "response.function_call_arguments.done", Name: item.Name, Arguments: &text})
		if status == completed { // the arguments of another are no JSON
			r.turns.called(chat.Call{ID: item.CallID, Name: item.Name, Arguments: text})
		}
	}
	index := len(r.object.Output)
	r.emit(responseEvent{Type: "response.output_item.done", Index: &index, Item: r.item})
	r.object.Output = append(r.object.Output, r.item)
	r.item = nil
}

// keep is the finished response as it is answered; it is stored, if it is to be.
func (r *response) keep() []byte {
	text, _ := wire.AppendJSON(nil, &r.object) // strings, numbers and valid JSON
	if r.store && r.object.Status != failed {
		r.d.stored.put(&storedResponse{caller: r.caller, id: r.id, object: text, messages: r.turns.messages})
	}
	return text
}
