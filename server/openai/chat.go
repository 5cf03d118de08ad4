package openai

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strings"
	"time"

	"cllm/chat"
	"cllm/runtime"
	"cllm/server/api"
	"cllm/server/reasoning"
	"cllm/server/wire"
	"cllm/tokenizer"
)

// conversation is one request for a chat completion.
type conversation struct {
	api.Request
	chat.Conversation
	form    *chat.Template
	prompt  *chat.Prompt
	id      string
	created int64
	model   string
	split   bool // reasoning is a field of its own
	tools   []chat.Tool
	stream  bool
	usage   bool // the stream tells it
	budget  int  // tokens of reasoning; negative: any
}

// readChat reads the fields of a chat completion and renders its prompt.
func (d *dialect) readChat(body *api.Body) (*conversation, error) {
	form, err := d.Chat()
	if err != nil {
		return nil, err
	}
	c := &conversation{form: form, id: "chatcmpl-" + d.NewID(), created: time.Now().Unix(), model: d.Facts().ModelName, split: true}
	d.readModel(body)
	if raw, ok := body.Value("messages"); !ok {
		body.Fail("messages", "messages is missing")
	} else if c.Messages, err = readMessages(raw); err != nil {
		fail(body, err)
	}
	d.readSampling(body, &c.Request)
	readMaxTokens(body, &c.Request, "max_completion_tokens", "max_tokens")
	c.stream, c.usage = readStream(body)
	body.Bool("logprobs", &c.LogProbs)
	body.Integer("top_logprobs", &c.TopLogProbs, 0, runtime.MaxTopLogProbs)
	if c.TopLogProbs > 0 && !c.LogProbs {
		body.Fail("top_logprobs", "top_logprobs needs logprobs to be true")
	}
	d.readToolFields(body, c)
	d.readThinking(body, c)
	readContinue(body, c)

	const text = "this server speaks text alone"
	refuse(body, "audio", text)
	refuse(body, "modalities", text, `["text"]`)
	refuse(body, "functions", "is not supported any more: use tools", "[]")
	refuse(body, "function_call", "is not supported any more: use tool_choice", `"auto"`, `"none"`)
	refuse(body, "web_search_options", "this server does not search")
	for _, idle := range []string{"user", "metadata", "store", "service_tier", "prediction", "prompt_cache_key", "safety_identifier", "verbosity"} {
		body.Value(idle) // has no meaning here
	}
	if err := body.Done(); err != nil {
		return nil, err
	}
	return c, d.render(c, "messages")
}

// render makes the prompt of a conversation; field is where it stands in the
// body.
func (d *dialect) render(c *conversation, field string) (err error) {
	if c.prompt, err = c.form.Render(&c.Conversation); err != nil {
		return &api.Error{Kind: api.BadRequest, Text: err.Error(), Field: field}
	}
	c.Segments = make([]tokenizer.Segment, len(c.prompt.Segments))
	for i, s := range c.prompt.Segments {
		c.Segments[i] = tokenizer.Segment(s)
	}
	if c.Constraint, err = d.budget(c); err != nil {
		return err
	}
	c.Special = len(c.tools) > 0 && c.form.ControlMarks()
	return nil
}

func (d *dialect) readToolFields(body *api.Body, c *conversation) {
	var err error
	if raw, ok := body.Value("tools"); ok {
		if c.Tools, err = readTools(raw); err != nil {
			fail(body, err)
		}
	}
	var choice toolChoice
	if raw, ok := body.Value("tool_choice"); ok {
		if choice, err = readToolChoice(raw); err != nil {
			fail(body, err)
		}
	}
	parallel := true
	body.Bool("parallel_tool_calls", &parallel)
	if choice.none {
		c.Tools = nil
	}
	c.tools = c.Tools
}

// readContinue reads whether the answer goes on with the last message, or, as
// is usual, begins one of its own.
func readContinue(body *api.Body, c *conversation) {
	body.Bool("continue_final_message", &c.Continue)
	own := !c.Continue
	body.Bool("add_generation_prompt", &own)
	if own == c.Continue {
		body.Fail("add_generation_prompt", "add_generation_prompt is %t with continue_final_message %t: one of them must be true, not both", own, c.Continue)
	}
}

// readThinking reads what concerns reasoning and the template.
func (d *dialect) readThinking(body *api.Body, c *conversation) {
	var effort string
	if body.Text("reasoning_effort", &effort) {
		c.effort(effort)
	}
	if raw, ok := body.Value("enable_thinking"); ok {
		on := string(raw) == "true"
		if !on && string(raw) != "false" {
			body.Fail("enable_thinking", "enable_thinking must be true or false")
		}
		c.Thinking = &on
	}
	c.budget = -1
	body.IntegerOr("reasoning_budget", &c.budget, 0, math.MaxInt32, "no limit")
	format := "auto"
	body.Text("reasoning_format", &format)
	switch format {
	case "none":
		c.split = false
	case "auto", "deepseek":
	default:
		body.Fail("reasoning_format", "reasoning_format is %q, must be auto, deepseek or none", format)
	}
	if raw, ok := body.Value("chat_template_kwargs"); ok {
		if raw[0] != '{' || json.Unmarshal(raw, &c.Values) != nil {
			body.Fail("chat_template_kwargs", "chat_template_kwargs must be an object")
		}
	}
}

// budget is what bounds the reasoning of a conversation's answers, nil when
// nothing does. A template that cannot switch reasoning off opens it all the
// same; it is closed at once.
func (d *dialect) budget(c *conversation) (runtime.Constraint, error) {
	if c.Thinking != nil && !*c.Thinking && c.prompt.Thinking {
		c.budget = 0
	}
	if c.budget < 0 {
		return nil, nil
	}
	closing, err := d.closing()
	if err != nil {
		return nil, err
	}
	return reasoning.NewBudget(c.budget, c.prompt.Thinking, d.TokenBytes, closing), nil
}

// effort sets how hard the model thinks; with none or minimal it does not.
func (c *conversation) effort(effort string) {
	if c.Effort = effort; effort == "none" || effort == "minimal" {
		off := false
		c.Thinking, c.Effort = &off, ""
	}
}

// tooLong gives the error of a prompt that is too long OpenAI's code and its
// words, which some clients look for, the name of the field that held it, and
// both numbers. Agents shorten their conversation on it.
func tooLong(err error, field string) error {
	var long *runtime.ContextError
	if !errors.As(err, &long) {
		return err
	}
	return &api.Error{Kind: api.BadRequest, Field: field, Code: "context_length_exceeded",
		Text:   fmt.Sprintf("this model's maximum context length is %d tokens, but the %s resulted in %d tokens", long.Limit, field, long.Prompt),
		Advice: "shorten the " + field + ", or raise the server's limit (" + long.Reason + ")"}
}

func (d *dialect) chat(w http.ResponseWriter, r *http.Request) error {
	body, err := d.ReadBody(w, r)
	if err != nil {
		return err
	}
	defer body.Close()
	c, err := d.readChat(body)
	if err != nil {
		return err
	}
	events, err := d.Generate(r.Context(), &c.Request)
	if err != nil {
		return tooLong(err, "messages")
	}
	defer events.Close()
	body.Close()
	if c.stream {
		return d.SendStream(w, r, events, newChatFrames(d, c))
	}
	a := newChatAnswer(d, c, events)
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

// countChat counts the tokens of a conversation.
func (d *dialect) countChat(w http.ResponseWriter, r *http.Request) error {
	body, err := d.ReadBody(w, r)
	if err != nil {
		return err
	}
	defer body.Close()
	c, err := d.readChat(body)
	if err != nil {
		return err
	}
	if err := d.TokenizePrompt(r.Context(), &c.Request); err != nil {
		return err
	}
	return wire.WriteJSON(w, http.StatusOK, map[string]any{"object": "chat.completion.input_tokens", "input_tokens": len(c.Prompt)})
}

// answers are the readers of a conversation's choices.
func (c *conversation) answers() []*chat.Answer {
	list := make([]*chat.Answer, max(c.N, 1))
	for i := range list {
		list[i] = c.form.NewAnswer(c.prompt, c.tools, c.split)
	}
	return list
}

// finish is OpenAI's reason for a choice's end.
func finish(reason string, calls int) string {
	if calls > 0 && reason == runtime.FinishStop {
		return "tool_calls"
	}
	return reason
}

// callID makes the id of a call.
func (d *dialect) callID() string { return "call_" + strings.ToLower(d.NewID()[:24]) }
