package openai

import (
	"net/http"

	"cllm/chat"
	"cllm/runtime"
	"cllm/server/api"
	"cllm/server/wire"
)

// chatAnswer is a whole chat completion while it grows, encoded as it will be
// sent.
type chatAnswer struct {
	*conversation
	d       *dialect
	room    wire.Room
	readers []*chat.Answer
	choices []chatChoice
	usage   runtime.Usage
	timings runtime.Timings
}

type chatChoice struct {
	content, thoughts, logProbs wire.Growing
	calls                       wire.Growing // the list without its brackets
	said                        bool         // there is content, be it empty
	reason                      string
}

func newChatAnswer(d *dialect, c *conversation, events api.Stream) *chatAnswer {
	a := &chatAnswer{conversation: c, d: d, room: wire.NewRoom(events.Hold, c.Hold), readers: c.answers()}
	a.choices = make([]chatChoice, len(a.readers))
	return a
}

// add takes an event into the answer. The error says that there is no room.
func (a *chatAnswer) add(ev *runtime.Event) error {
	c, reader := &a.choices[ev.Choice], a.readers[ev.Choice]
	if err := a.take(c, reader.Push(ev.Text)); err != nil {
		return err
	}
	if ev.LogProbs.Len() > 0 {
		err := a.room.Grow(&c.logProbs, func(dst []byte) []byte {
			if c.logProbs.Size() > 0 {
				dst = append(dst, ',')
			}
			return a.d.appendLogProbs(dst, ev.LogProbs)
		})
		if err != nil {
			return err
		}
	}
	if !ev.Done {
		return nil
	}
	if err := a.take(c, reader.End(ev.FinishReason == runtime.FinishLength)); err != nil {
		return err
	}
	if reader.Open() {
		if err := a.take(c, []chat.Event{{Kind: chat.CallEnd}}); err != nil {
			return err
		}
	}
	c.reason = finish(ev.FinishReason, reader.Calls())
	add(&a.usage, ev.Usage)
	a.timings = ev.Timings
	return nil
}

func (a *chatAnswer) take(c *chatChoice, events []chat.Event) error {
	for _, ev := range events {
		into, encode := &c.calls, func(dst []byte) []byte { return wire.AppendString(dst, ev.Text) }
		switch ev.Kind {
		case chat.Text:
			into, c.said = &c.content, true
		case chat.Thought:
			into = &c.thoughts
		case chat.CallStart:
			encode = func(dst []byte) []byte {
				if c.calls.Size() > 0 {
					dst = append(dst, ',')
				}
				dst = append(append(append(dst, `{"id":"`...), a.d.callID()...), `","type":"function","function":{"name":"`...)
				return append(wire.AppendString(dst, ev.Text), `","arguments":"`...)
			}
		case chat.CallEnd:
			encode = func(dst []byte) []byte { return append(dst, `"}}`...) }
		}
		if err := a.room.Grow(into, encode); err != nil {
			return err
		}
	}
	return nil
}

// write sends the answer.
func (a *chatAnswer) write(w http.ResponseWriter) error {
	var parts [][]byte
	var own []byte // the next part
	put := func(g *wire.Growing) {
		parts = append(append(parts, own), g.Parts()...)
		own = nil
	}
	value := func(v any) { own, _ = wire.AppendJSON(own, v) } // strings and numbers
	own = append(own, `{"id":"`+a.id+`","object":"chat.completion","created":`...)
	value(a.created)
	own = append(own, `,"model":`...)
	value(a.model)
	own = append(own, `,"choices":[`...)
	for i := range a.choices {
		c := &a.choices[i]
		if i > 0 {
			own = append(own, ',')
		}
		own = append(own, `{"index":`...)
		value(i)
		own = append(own, `,"message":{"role":"assistant","content":`...)
		if c.calls.Size() > 0 && !c.said {
			own = append(own, "null"...)
		} else {
			own = append(own, '"')
			put(&c.content)
			own = append(own, '"')
		}
		own = append(own, `,"refusal":null`...)
		if c.thoughts.Size() > 0 {
			own = append(own, `,"reasoning_content":"`...)
			put(&c.thoughts)
			own = append(own, '"')
		}
		if c.calls.Size() > 0 {
			own = append(own, `,"tool_calls":[`...)
			put(&c.calls)
			own = append(own, ']')
		}
		own = append(own, `},"logprobs":`...)
		if a.LogProbs {
			own = append(own, `{"content":[`...)
			put(&c.logProbs)
			own = append(own, `],"refusal":null}`...)
		} else {
			own = append(own, "null"...)
		}
		own = append(own, `,"finish_reason":`...)
		value(c.reason)
		own = append(own, '}')
	}
	own = append(own, `],"usage":`...)
	value(usageOf(a.usage))
	own = append(own, `,"system_fingerprint":`...)
	value(a.d.fingerprint())
	own = append(own, `,"timings":`...)
	value(timingsOf(a.usage, a.timings))
	parts = append(parts, append(own, "}\n"...))
	return wire.Write(w, http.StatusOK, parts...)
}

// fingerprint says what computed an answer.
func (d *dialect) fingerprint() string { return "cllm-" + d.Facts().Version }
