package openai

import (
	"cllm/runtime"
	"cllm/server/api"
	"cllm/server/wire"
)

// responseEvent is an event of a streamed response; each has some of the
// fields.
type responseEvent struct {
	Type         string          `json:"type"`
	Number       int             `json:"sequence_number"`
	Response     *responseObject `json:"response,omitempty"`
	ItemID       string          `json:"item_id,omitempty"`
	Index        *int            `json:"output_index,omitempty"`
	ContentIndex *int            `json:"content_index,omitempty"`
	Item         any             `json:"item,omitempty"`
	Part         any             `json:"part,omitempty"`
	Delta        *string         `json:"delta,omitempty"`
	Text         *string         `json:"text,omitempty"`
	Name         string          `json:"name,omitempty"`
	Arguments    *string         `json:"arguments,omitempty"`
	LogProbs     *[]any          `json:"logprobs,omitempty"`
	*streamError
}

// streamError is what went wrong in the middle of a stream.
type streamError struct {
	Code    string  `json:"code"`
	Message string  `json:"message"`
	Param   *string `json:"param"`
}

// emit notes an event.
func (r *response) emit(ev responseEvent) {
	if !r.stream {
		return
	}
	ev.Number = r.number
	r.number++
	r.events = append(r.events, ev)
}

// emitOf notes an event of the item that grows.
func (r *response) emitOf(ev responseEvent) {
	index := len(r.object.Output)
	ev.Index = &index
	switch item := r.item.(type) {
	case *messageItem:
		ev.ItemID, ev.ContentIndex = item.ID, new(int)
	case *reasoningItem:
		ev.ItemID, ev.ContentIndex = item.ID, new(int)
	case *callItem:
		ev.ItemID = item.ID
	}
	r.emit(ev)
}

// snapshot is a copy of an item as it is now.
func snapshot(item any) any {
	switch item := item.(type) {
	case *messageItem:
		return *item
	case *reasoningItem:
		return *item
	case *callItem:
		return *item
	}
	return nil
}

// responseFrames are the events of a streamed response, from response.created
// to response.completed, which has all of it. There is no [DONE].
type responseFrames struct {
	*response
	began bool
}

func (f *responseFrames) ContentType() string { return wire.EventStream }

// flush appends the events that were noted.
func (f *responseFrames) flush(dst []byte) []byte {
	for i := range f.events {
		ev := &f.events[i]
		dst = append(append(append(dst, "event: "...), ev.Type...), '\n')
		dst = wire.AppendEvent(dst, func(dst []byte) []byte {
			dst, _ = wire.AppendJSON(dst, ev) // strings, numbers and valid JSON
			return dst
		})
	}
	clear(f.events)
	f.events = f.events[:0]
	return dst
}

func (f *responseFrames) Event(dst []byte, ev *runtime.Event) []byte {
	if !f.began {
		f.began = true
		f.begin()
	}
	f.add(ev)
	return f.flush(dst)
}

func (f *responseFrames) End(dst []byte) []byte {
	f.keep()
	f.emit(responseEvent{Type: "response." + f.object.Status, Response: &f.object})
	return f.flush(dst)
}

func (f *responseFrames) Error(dst []byte, e *api.Error) []byte {
	b := errorOf(e).Error
	words := &streamError{Code: b.Type, Message: b.Message, Param: b.Param}
	if b.Code != nil {
		words.Code = *b.Code
	}
	f.emit(responseEvent{Type: "error", streamError: words})
	return f.flush(dst)
}

func (f *responseFrames) Ping(dst []byte) []byte { return wire.AppendPing(dst) }
