package openai

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"cllm/runtime"
	"cllm/server/api"
	"cllm/server/wire"
)

// completion is one request for completions: of one prompt or of several, one
// after another in the answer and all at once in the engine.
type completion struct {
	api.Request
	prompts [][]int32
	texts   []string // instead of tokens, while they are nil
	suffix  string
	id      string
	created int64
	model   string
	stream  bool
	usage   bool
}

// maxPrompts is the most prompts of one request.
const maxPrompts = 128

func (d *dialect) readCompletion(body *api.Body) (*completion, error) {
	c := &completion{id: "cmpl-" + d.NewID(), created: time.Now().Unix(), model: d.Facts().ModelName}
	d.readModel(body)
	if raw, ok := body.Value("prompt"); !ok {
		body.Fail("prompt", "prompt is missing")
	} else if err := c.readPrompts(raw); err != nil {
		fail(body, err)
	}
	d.readSampling(body, &c.Request)
	c.MaxTokens = 16 // OpenAI's default here
	readMaxTokens(body, &c.Request, "max_tokens")
	c.stream, c.usage = readStream(body)
	body.Bool("echo", &c.Echo)
	probs := -1
	body.Integer("logprobs", &probs, 0, runtime.MaxTopLogProbs)
	c.LogProbs, c.TopLogProbs = probs >= 0, max(probs, 0)
	best := 1
	if body.Integer("best_of", &best, 1, maxN); best > max(c.N, 1) {
		body.Fail("best_of", "best_of above n is not supported")
	}
	body.Text("suffix", &c.suffix)
	body.Value("user")
	if err := body.Done(); err != nil {
		return nil, err
	}
	return c, nil
}

// readPrompts reads a text, a list of texts, a list of tokens, or a list of
// these.
func (c *completion) readPrompts(raw json.RawMessage) error {
	const want = "must be a string, a list of strings, a list of token ids or a list of these"
	var text string
	if json.Unmarshal(raw, &text) == nil {
		c.texts, c.prompts = []string{text}, make([][]int32, 1)
		return nil
	}
	elements, err := list("prompt", raw)
	switch {
	case err != nil || len(elements) == 0:
		return wrong("prompt", want)
	case isToken(elements[0]):
		ids, err := readTokens(raw)
		c.prompts, c.texts = [][]int32{ids}, make([]string, 1)
		return err
	case len(elements) > maxPrompts:
		return wrong("prompt", "has %d prompts, at most %d are taken", len(elements), maxPrompts)
	}
	for _, e := range elements {
		var ids []int32
		if json.Unmarshal(e, &text) != nil {
			if ids, err = readTokens(e); err != nil {
				return err
			}
			text = ""
		}
		c.texts, c.prompts = append(c.texts, text), append(c.prompts, ids)
	}
	return nil
}

func isToken(raw json.RawMessage) bool { return raw[0] >= '0' && raw[0] <= '9' }

func readTokens(raw json.RawMessage) ([]int32, error) {
	var ids []int32
	if json.Unmarshal(raw, &ids) != nil || len(ids) == 0 {
		return nil, wrong("prompt", "must be a string, a list of strings, a list of token ids or a list of these")
	}
	return ids, nil
}

// tokenize turns the texts into tokens; with a suffix, into the form of the
// model for filling in between.
func (d *dialect) tokenize(r *http.Request, c *completion) error {
	for i, text := range c.texts {
		var err error
		switch {
		case c.suffix != "" && c.prompts[i] != nil:
			return wrong("suffix", "needs a prompt that is text")
		case c.suffix != "":
			c.prompts[i], err = d.TokenizeInfill(r.Context(), text, c.suffix)
		case c.prompts[i] == nil:
			one := api.Request{Text: text, ParseSpecial: true}
			err = d.TokenizePrompt(r.Context(), &one)
			c.prompts[i] = one.Prompt
		}
		if err != nil {
			return err
		}
	}
	c.texts = nil
	return nil
}

func (d *dialect) completions(w http.ResponseWriter, r *http.Request) error {
	body, err := d.ReadBody(w, r)
	if err != nil {
		return err
	}
	defer body.Close()
	c, err := d.readCompletion(body)
	if err != nil {
		return err
	}
	if err := d.tokenize(r, c); err != nil {
		return err
	}
	events, err := d.submitAll(r, c)
	if err != nil {
		return tooLong(err, "prompt")
	}
	defer events.Close()
	body.Close()
	if c.stream {
		return d.SendStream(w, r, events, &completionFrames{d: d, completion: c, offsets: make([]int, len(c.prompts)*max(c.N, 1))})
	}
	a := &completionAnswer{completion: c, d: d, room: wire.NewRoom(events.Hold, 0)}
	a.choices = make([]completionChoice, len(c.prompts)*max(c.N, 1))
	for ev, err := range api.Events(r.Context(), events) {
		if err != nil {
			return err
		}
		if err := a.add(&ev); err != nil {
			return err
		}
	}
	return a.write(w)
}

// completionChoice is a choice of a whole answer.
type completionChoice struct {
	text, tokens, probs, top, offsets wire.Growing // of log-probabilities: lists without brackets
	at                                int          // bytes of text so far
	reason                            string
}

// completionAnswer is a whole answer while it grows.
type completionAnswer struct {
	*completion
	d       *dialect
	room    wire.Room
	choices []completionChoice
	usage   runtime.Usage
}

func (a *completionAnswer) add(ev *runtime.Event) error {
	c := &a.choices[ev.Choice]
	if err := a.room.Grow(&c.text, func(dst []byte) []byte { return wire.AppendString(dst, ev.Text) }); err != nil {
		return err
	}
	for i := range ev.LogProbs.Len() {
		p := ev.LogProbs.At(i)
		sep := func(g *wire.Growing, dst []byte) []byte {
			if g.Size() > 0 {
				dst = append(dst, ',')
			}
			return dst
		}
		for _, part := range []struct {
			g      *wire.Growing
			encode func(dst []byte) []byte
		}{
			{&c.tokens, func(dst []byte) []byte { return a.d.appendToken(dst, p.Token) }},
			{&c.probs, func(dst []byte) []byte { return wire.AppendFloat(dst, p.LogProb) }},
			{&c.top, func(dst []byte) []byte { return a.d.appendTop(dst, p) }},
			{&c.offsets, func(dst []byte) []byte { return strconv.AppendInt(dst, int64(c.at), 10) }},
		} {
			if err := a.room.Grow(part.g, func(dst []byte) []byte { return part.encode(sep(part.g, dst)) }); err != nil {
				return err
			}
		}
		c.at += len(a.d.TokenBytes(p.Token))
	}
	if ev.Done {
		c.reason = ev.FinishReason
		addPrompt(&a.usage, ev, a.N)
	}
	return nil
}

// addPrompt takes in the usage of a choice of one of several prompts: each
// prompt counts once.
func addPrompt(u *runtime.Usage, ev *runtime.Event, n int) {
	u.CompletionTokens += ev.Usage.CompletionTokens
	if ev.Choice%max(n, 1) == 0 {
		u.PromptTokens += ev.Usage.PromptTokens
		u.CachedTokens += ev.Usage.CachedTokens
	}
}

func (d *dialect) appendToken(dst []byte, id int32) []byte {
	return append(wire.AppendString(append(dst, '"'), d.TokenBytes(id)), '"')
}

// appendTop appends the likeliest tokens as {"token": logprob}; null where
// there is none.
func (d *dialect) appendTop(dst []byte, p runtime.LogProb) []byte {
	if len(p.Top) == 0 {
		return append(dst, "null"...)
	}
	dst = append(dst, '{')
	for i, t := range p.Top {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = wire.AppendFloat(append(d.appendToken(dst, t.Token), ':'), t.LogProb)
	}
	return append(dst, '}')
}

func (a *completionAnswer) write(w http.ResponseWriter) error {
	var parts [][]byte
	var own []byte
	put := func(before string, g *wire.Growing, after string) {
		parts = append(append(parts, append(own, before...)), g.Parts()...)
		own = []byte(after)
	}
	value := func(v any) { own, _ = wire.AppendJSON(own, v) }
	own = append(own, `{"id":"`+a.id+`","object":"text_completion","created":`...)
	value(a.created)
	own = append(own, `,"model":`...)
	value(a.model)
	own = append(own, `,"choices":[`...)
	for i := range a.choices {
		c := &a.choices[i]
		if i > 0 {
			own = append(own, ',')
		}
		put(`{"text":"`, &c.text, `","index":`)
		value(i)
		own = append(own, `,"logprobs":`...)
		if a.LogProbs {
			put(`{"tokens":[`, &c.tokens, "")
			put(`],"token_logprobs":[`, &c.probs, "")
			put(`],"top_logprobs":[`, &c.top, "")
			put(`],"text_offset":[`, &c.offsets, "]}")
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
	parts = append(parts, append(own, "}\n"...))
	return wire.Write(w, http.StatusOK, parts...)
}

// completionFrames are the chunks of streamed completions.
type completionFrames struct {
	*completion
	d       *dialect
	usage   runtime.Usage
	offsets []int // of each choice's text
	late    lateness
}

func (f *completionFrames) ContentType() string { return wire.EventStream }

func (f *completionFrames) head(dst []byte) []byte {
	dst = append(dst, `{"id":"`+f.id+`","object":"text_completion","created":`...)
	dst = append(strconv.AppendInt(dst, f.created, 10), `,"model":"`...)
	return append(wire.AppendString(dst, f.model), `","choices":[`...)
}

func (f *completionFrames) Event(dst []byte, ev *runtime.Event) []byte {
	if ev.Done {
		addPrompt(&f.usage, ev, f.N)
	}
	if ev.Text == "" && ev.LogProbs.Len() == 0 && !ev.Done {
		return dst
	}
	dst = wire.AppendEvent(dst, func(dst []byte) []byte {
		dst = append(wire.AppendString(append(f.head(dst), `{"text":"`...), ev.Text), `","index":`...)
		dst = append(strconv.AppendInt(dst, int64(ev.Choice), 10), `,"logprobs":`...)
		dst = f.appendLogProbs(dst, ev)
		dst = append(dst, `,"finish_reason":`...)
		if ev.Done && !broken(ev.FinishReason) {
			dst = append(append(append(dst, '"'), ev.FinishReason...), '"')
		} else {
			dst = append(dst, "null"...)
		}
		dst = append(dst, "}]"...)
		if f.completion.usage {
			dst = append(dst, `,"usage":null`...)
		}
		return append(dst, '}')
	})
	return f.late.append(dst, ev.FinishReason)
}

func (f *completionFrames) appendLogProbs(dst []byte, ev *runtime.Event) []byte {
	n := ev.LogProbs.Len()
	if n == 0 {
		return append(dst, "null"...)
	}
	each := func(name string, append1 func(dst []byte, p runtime.LogProb) []byte) {
		dst = append(append(dst, name...), '[')
		for i := range n {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = append1(dst, ev.LogProbs.At(i))
		}
		dst = append(dst, ']')
	}
	each(`{"tokens":`, func(dst []byte, p runtime.LogProb) []byte { return f.d.appendToken(dst, p.Token) })
	each(`,"token_logprobs":`, func(dst []byte, p runtime.LogProb) []byte { return wire.AppendFloat(dst, p.LogProb) })
	each(`,"top_logprobs":`, func(dst []byte, p runtime.LogProb) []byte { return f.d.appendTop(dst, p) })
	each(`,"text_offset":`, func(dst []byte, p runtime.LogProb) []byte {
		dst = strconv.AppendInt(dst, int64(f.offsets[ev.Choice]), 10)
		f.offsets[ev.Choice] += len(f.d.TokenBytes(p.Token))
		return dst
	})
	return append(dst, '}')
}

func (f *completionFrames) End(dst []byte) []byte {
	if f.late {
		return dst
	}
	if f.completion.usage {
		dst = wire.AppendEvent(dst, func(dst []byte) []byte {
			dst, _ = wire.AppendJSON(append(f.head(dst), `],"usage":`...), usageOf(f.usage))
			return append(dst, '}')
		})
	}
	return append(dst, "data: [DONE]\n\n"...)
}

func (f *completionFrames) Error(dst []byte, e *api.Error) []byte { return appendError(dst, e) }

func (f *completionFrames) Ping(dst []byte) []byte { return wire.AppendPing(dst) }
