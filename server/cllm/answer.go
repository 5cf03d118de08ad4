package cllm

import (
	"net/http"
	"strconv"
	"time"
	"unicode/utf8"

	"cllm/runtime"
	"cllm/server/api"
	"cllm/server/wire"
)

// answer is a whole answer while it grows, encoded as it will be sent: that is
// the form in which it is held, and charged to the engine's memory for
// requests.
type answer struct {
	*generation
	dialect *dialect
	room    wire.Room
	echo    content // of the prompt, the same for all choices
	echoed  int     // the choice whose echo it is, -1 before there is one
	choices []choice
	usage   runtime.Usage // of all choices
}

// choice is one continuation.
type choice struct {
	content
	generated int
	reason    string
}

// content is a piece of text with its log-probabilities, each encoded.
type content struct {
	text     wire.Growing // without quotes
	logProbs wire.Growing // without brackets
}

// newAnswer begins an answer, for which the request's Hold is charged already.
func newAnswer(d *dialect, g *generation, events api.Stream) *answer {
	return &answer{generation: g, dialect: d, room: wire.NewRoom(events.Hold, g.Hold), echoed: -1, choices: make([]choice, max(g.N, 1))}
}

// add takes an event into the answer. The error says that there is no room for
// it.
func (a *answer) add(ev *runtime.Event) error {
	c := &a.choices[ev.Choice]
	into := &c.content
	if ev.Echo {
		if a.echoed < 0 {
			a.echoed = ev.Choice
		}
		into = &a.echo
	}
	if !ev.Echo || a.echoed == ev.Choice {
		if err := a.room.Grow(&into.text, func(dst []byte) []byte { return wire.AppendString(dst, ev.Text) }); err != nil {
			return err
		}
		for i := range ev.LogProbs.Len() {
			err := a.room.Grow(&into.logProbs, func(dst []byte) []byte {
				if into.logProbs.Size() > 0 {
					dst = append(dst, ',')
				}
				return a.dialect.appendLogProbs(dst, ev.LogProbs.Slice(i, i+1))
			})
			if err != nil {
				return err
			}
		}
	}
	if ev.Done {
		c.generated, c.reason = ev.Usage.CompletionTokens, ev.FinishReason
		a.usage.CompletionTokens += ev.Usage.CompletionTokens
		a.usage.PromptTokens = ev.Usage.PromptTokens
		a.usage.CachedTokens = max(a.usage.CachedTokens, ev.Usage.CachedTokens)
	}
	return nil
}

// leastLogProb is the least bytes of a token with its log-probability.
const leastLogProb = len(`{"id":0,"token":"","logprob":0},`)

// certain is the least that a whole answer to the generation will take, in a
// context of so many tokens: the log-probabilities of what is echoed, but for
// the prompt's first token, and of what must be generated.
func (g *generation) certain(context int) int64 {
	if !g.LogProbs {
		return 0
	}
	tokens := g.N * max(min(g.MinTokens, context-len(g.Prompt)), 0)
	if g.Echo {
		tokens += max(len(g.Prompt)-1, 0)
	}
	return int64(tokens) * int64(1+g.TopLogProbs) * int64(leastLogProb)
}

// write sends the answer.
func (a *answer) write(w http.ResponseWriter) error {
	took := time.Since(a.start).Seconds()
	first := &a.choices[0]
	var parts [][]byte
	var own []byte // the next part
	add := func(key string, value any) {
		own = append(append(own, key...), ':')
		own, _ = wire.AppendJSON(own, value) // strings and numbers
		own = append(own, ',')
	}
	put := func(shared ...[]byte) {
		parts = append(append(parts, own), shared...)
		own = nil
	}
	text := func(c *content) {
		own = append(own, `"text":"`...)
		put(a.echo.text.Parts()...)
		put(c.text.Parts()...)
		own = append(own, `",`...)
	}
	logProbs := func(c *content) {
		if a.echo.logProbs.Size()+c.logProbs.Size() == 0 {
			return
		}
		own = append(own, `"logprobs":[`...)
		put(a.echo.logProbs.Parts()...)
		if a.echo.logProbs.Size() > 0 && c.logProbs.Size() > 0 {
			own = append(own, ',')
		}
		put(c.logProbs.Parts()...)
		own = append(own, `],`...)
	}
	own = append(own, `{"success":true,"data":{`...)
	add(`"id"`, a.id)
	text(&first.content)
	add(`"generated_tokens"`, a.usage.CompletionTokens)
	add(`"max_tokens"`, a.asked)
	add(`"response_time"`, took) // s
	add(`"tokens_per_second"`, float64(a.usage.CompletionTokens)/took)
	add(`"prompt_tokens"`, a.usage.PromptTokens)
	add(`"cached_tokens"`, a.usage.CachedTokens)
	add(`"finish_reason"`, first.reason)
	logProbs(&first.content)
	if len(a.choices) > 1 {
		own = append(own, `"choices":[`...)
		for i := range a.choices {
			c := &a.choices[i]
			own = append(own, '{')
			add(`"index"`, i)
			text(&c.content)
			add(`"generated_tokens"`, c.generated)
			add(`"finish_reason"`, c.reason)
			logProbs(&c.content)
			own = append(own[:len(own)-1], `},`...) // in place of the last comma
		}
		own = append(own[:len(own)-1], `],`...)
	}
	own = append(own[:len(own)-1], "}}\n"...)
	put()
	return wire.Write(w, http.StatusOK, parts...)
}

// appendLogProbs appends a list of tokens with their log-probabilities to
// those that are there, without brackets.
func (d *dialect) appendLogProbs(dst []byte, l runtime.LogProbs) []byte {
	for i := range l.Len() {
		if len(dst) > 0 && dst[len(dst)-1] == '}' {
			dst = append(dst, ',')
		}
		p := l.At(i)
		dst = d.appendLogProb(dst, p.Token, p.LogProb)
		if len(p.Top) > 0 {
			dst = append(dst, `,"top":[`...)
			for j, t := range p.Top {
				if j > 0 {
					dst = append(dst, ',')
				}
				dst = append(d.appendLogProb(dst, t.Token, t.LogProb), '}')
			}
			dst = append(dst, ']')
		}
		dst = append(dst, '}')
	}
	return dst
}

// appendLogProb appends a token, all but the closing brace. A token that is no
// whole characters shows its bytes too.
func (d *dialect) appendLogProb(dst []byte, id int32, p float32) []byte {
	text := d.TokenBytes(id)
	dst = strconv.AppendInt(append(dst, `{"id":`...), int64(id), 10)
	dst = append(wire.AppendString(append(dst, `,"token":"`...), text), `","logprob":`...)
	dst = wire.AppendFloat(dst, p) // null for the first of a prompt
	if !utf8.Valid(text) {
		dst = append(dst, `,"bytes":[`...)
		for i, b := range text {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = strconv.AppendUint(dst, uint64(b), 10)
		}
		dst = append(dst, ']')
	}
	return dst
}
