package openai

import (
	"context"
	"strconv"

	"cllm/chat"
	"cllm/runtime"
	"cllm/server/api"
	"cllm/server/wire"
)

// chatFrames are the chunks of a streamed chat completion: the role, pieces,
// the reason of the end for each choice; then the usage when it is asked for,
// and [DONE].
type chatFrames struct {
	*conversation
	d       *dialect
	readers []*chat.Answer
	began   []bool
	head    []byte // of every chunk, up to the list of choices
	usage   runtime.Usage
	timings runtime.Timings
	late    lateness
}

func newChatFrames(d *dialect, c *conversation) *chatFrames {
	f := &chatFrames{conversation: c, d: d, readers: c.answers(), began: make([]bool, max(c.N, 1))}
	f.head = append(f.head, `{"id":"`+c.id+`","object":"chat.completion.chunk","created":`...)
	f.head = append(strconv.AppendInt(f.head, c.created, 10), `,"model":"`...)
	f.head = append(wire.AppendString(f.head, c.model), `","system_fingerprint":"`...)
	f.head = append(wire.AppendString(f.head, d.fingerprint()), `","choices":[`...)
	return f
}

func (f *chatFrames) ContentType() string { return wire.EventStream }

// chunk appends a chunk of one choice: delta is what its delta holds.
func (f *chatFrames) chunk(dst []byte, choice int, delta func(dst []byte) []byte, logProbs runtime.LogProbs, reason string) []byte {
	return wire.AppendEvent(dst, func(dst []byte) []byte {
		dst = append(append(dst, f.head...), `{"index":`...)
		dst = append(strconv.AppendInt(dst, int64(choice), 10), `,"delta":{`...)
		dst = append(delta(dst), `},"logprobs":`...)
		if logProbs.Len() > 0 {
			dst = append(f.d.appendLogProbs(append(dst, `{"content":[`...), logProbs), `],"refusal":null}`...)
		} else {
			dst = append(dst, "null"...)
		}
		dst = append(dst, `,"finish_reason":`...)
		if reason == "" {
			dst = append(dst, "null"...)
		} else {
			dst = append(append(append(dst, '"'), reason...), '"')
		}
		dst = append(dst, "}]"...)
		if f.conversation.usage {
			dst = append(dst, `,"usage":null`...)
		}
		return append(dst, '}')
	})
}

func (f *chatFrames) Event(dst []byte, ev *runtime.Event) []byte {
	reader := f.readers[ev.Choice]
	if !f.began[ev.Choice] {
		f.began[ev.Choice] = true
		dst = f.chunk(dst, ev.Choice, func(dst []byte) []byte {
			return append(dst, `"role":"assistant","content":null`...)
		}, runtime.LogProbs{}, "")
	}
	probs := ev.LogProbs
	dst, probs = f.pieces(dst, ev.Choice, reader.Push(ev.Text), probs)
	if ev.Done {
		dst, probs = f.pieces(dst, ev.Choice, reader.End(ev.FinishReason == runtime.FinishLength), probs)
		add(&f.usage, ev.Usage)
		f.timings = ev.Timings
		reason := finish(ev.FinishReason, reader.Calls())
		if broken(reason) {
			reason = ""
		}
		dst = f.chunk(dst, ev.Choice, func(dst []byte) []byte { return dst }, probs, reason)
		return f.late.append(dst, ev.FinishReason)
	}
	if probs.Len() > 0 { // of text that is held back
		dst = f.chunk(dst, ev.Choice, func(dst []byte) []byte { return dst }, probs, "")
	}
	return dst
}

// pieces appends a chunk for each piece of the answer; the first has the
// log-probabilities.
func (f *chatFrames) pieces(dst []byte, choice int, events []chat.Event, probs runtime.LogProbs) ([]byte, runtime.LogProbs) {
	for _, ev := range events {
		if ev.Kind == chat.CallEnd {
			continue
		}
		dst = f.chunk(dst, choice, func(dst []byte) []byte {
			text := func(before, after string) []byte {
				return append(wire.AppendString(append(dst, before...), ev.Text), after...)
			}
			call := `"tool_calls":[{"index":` + strconv.Itoa(ev.Call)
			switch ev.Kind {
			case chat.Thought:
				return text(`"reasoning_content":"`, `"`)
			case chat.CallStart:
				return text(call+`,"id":"`+f.d.callID()+`","type":"function","function":{"name":"`, `","arguments":""}}]`)
			case chat.Arguments:
				return text(call+`,"function":{"arguments":"`, `"}}]`)
			}
			return text(`"content":"`, `"`)
		}, probs, "")
		probs = runtime.LogProbs{}
	}
	return dst, probs
}

func (f *chatFrames) End(dst []byte) []byte {
	if f.late {
		return dst
	}
	if f.conversation.usage {
		dst = wire.AppendEvent(dst, func(dst []byte) []byte {
			dst = append(append(dst, f.head...), `],"usage":`...)
			dst, _ = wire.AppendJSON(dst, usageOf(f.usage))
			dst, _ = wire.AppendJSON(append(dst, `,"timings":`...), timingsOf(f.usage, f.timings))
			return append(dst, '}')
		})
	}
	return append(dst, "data: [DONE]\n\n"...)
}

func (f *chatFrames) Error(dst []byte, e *api.Error) []byte { return appendError(dst, e) }

func (f *chatFrames) Ping(dst []byte) []byte { return wire.AppendPing(dst) }

// broken says that a choice did not end by itself; OpenAI has no reason for
// that but an error in the stream.
func broken(reason string) bool {
	return reason == runtime.FinishTimeout || reason == runtime.FinishCancelled
}

// lateness says that the stream ended with the error of a request that took
// longer than it may.
type lateness bool

// append appends that error, once for all choices, if reason is a timeout.
func (l *lateness) append(dst []byte, reason string) []byte {
	if *l || reason != runtime.FinishTimeout {
		return dst
	}
	*l = true
	return appendError(dst, api.ErrorOf(context.DeadlineExceeded))
}

func appendError(dst []byte, e *api.Error) []byte {
	return wire.AppendEvent(dst, func(dst []byte) []byte {
		dst, _ = wire.AppendJSON(dst, errorOf(e))
		return dst
	})
}
