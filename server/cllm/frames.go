package cllm

import (
	"strconv"

	"cllm/runtime"
	"cllm/server/api"
	"cllm/server/wire"
)

// frames are the events of a stream: {"id","token","done":false} for each
// piece of text, then one with "done":true.
type frames struct {
	*dialect
	*generation
	usage  runtime.Usage // of all choices that have ended
	reason string        // of the first choice, once it has ended
}

func (f *frames) ContentType() string { return wire.EventStream }

func (f *frames) Event(dst []byte, ev *runtime.Event) []byte {
	if ev.Done {
		f.usage.CompletionTokens += ev.Usage.CompletionTokens
		f.usage.PromptTokens = ev.Usage.PromptTokens
		f.usage.CachedTokens = max(f.usage.CachedTokens, ev.Usage.CachedTokens)
		if f.reason == "" || ev.Choice == 0 {
			f.reason = ev.FinishReason
		}
	}
	if ev.Text == "" && ev.LogProbs.Len() == 0 {
		return dst
	}
	return wire.AppendEvent(dst, func(dst []byte) []byte {
		dst = append(append(append(dst, `{"id":"`...), f.id...), '"')
		if f.N > 1 {
			dst = strconv.AppendInt(append(dst, `,"index":`...), int64(ev.Choice), 10)
		}
		dst = append(wire.AppendString(append(dst, `,"token":"`...), ev.Text), `","done":false`...)
		if ev.LogProbs.Len() > 0 {
			dst = append(f.appendLogProbs(append(dst, `,"logprobs":[`...), ev.LogProbs), ']')
		}
		return append(dst, '}')
	})
}

// finalEvent ends a stream.
type finalEvent struct {
	ID           string `json:"id"`
	Token        string `json:"token"`
	Done         bool   `json:"done"`
	Generated    int    `json:"generated_tokens"`
	PromptTokens int    `json:"prompt_tokens"`
	CachedTokens int    `json:"cached_tokens"`
	FinishReason string `json:"finish_reason"`
}

func (f *frames) End(dst []byte) []byte {
	return appendValue(dst, finalEvent{ID: f.id, Done: true, Generated: f.usage.CompletionTokens,
		PromptTokens: f.usage.PromptTokens, CachedTokens: f.usage.CachedTokens, FinishReason: f.reason})
}

func (f *frames) Error(dst []byte, e *api.Error) []byte {
	return appendValue(dst, struct {
		ID    string `json:"id"`
		Token string `json:"token"`
		Done  bool   `json:"done"`
		Error string `json:"error"`
	}{ID: f.id, Done: true, Error: errorText(e)})
}

func (f *frames) Ping(dst []byte) []byte { return wire.AppendPing(dst) }

// appendValue appends an event of strings and numbers.
func appendValue(dst []byte, v any) []byte {
	return wire.AppendEvent(dst, func(dst []byte) []byte {
		dst, _ = wire.AppendJSON(dst, v)
		return dst
	})
}
