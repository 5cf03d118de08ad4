package cllm

import (
	"net/http"
	"strconv"
	"time"
	"unicode/utf8"

	"cllm/runtime"
	"cllm/server/wire"
)

// answer is a whole answer while it grows, encoded as it will be sent: that is
// the form in which it is held, and counted.
type answer struct {
	*generation
	dialect *dialect
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
	text     []byte // without quotes
	logProbs []byte // without brackets
}

func newAnswer(d *dialect, g *generation) *answer {
	return &answer{generation: g, dialect: d, echoed: -1, choices: make([]choice, max(g.N, 1))}
}

// add takes an event into the answer.
func (a *answer) add(ev *runtime.Event) {
	c := &a.choices[ev.Choice]
	switch {
	case !ev.Echo:
		a.grow(&c.content, ev)
	case a.echoed < 0 || a.echoed == ev.Choice:
		a.echoed = ev.Choice
		a.grow(&a.echo, ev)
	}
	if ev.Done {
		c.generated, c.reason = ev.Usage.CompletionTokens, ev.FinishReason
		a.usage.CompletionTokens += ev.Usage.CompletionTokens
		a.usage.PromptTokens = ev.Usage.PromptTokens
		a.usage.CachedTokens = max(a.usage.CachedTokens, ev.Usage.CachedTokens)
	}
}

func (a *answer) grow(c *content, ev *runtime.Event) {
	c.text = wire.AppendString(c.text, ev.Text)
	c.logProbs = a.dialect.appendLogProbs(c.logProbs, ev.LogProbs)
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
		put(a.echo.text, c.text)
		own = append(own, `",`...)
	}
	logProbs := func(c *content) {
		if len(a.echo.logProbs)+len(c.logProbs) == 0 {
			return
		}
		own = append(own, `"logprobs":[`...)
		put(a.echo.logProbs)
		if len(a.echo.logProbs) > 0 && len(c.logProbs) > 0 {
			own = append(own, ',')
		}
		put(c.logProbs)
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
