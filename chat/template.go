package chat

import (
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"cllm/chat/jinja"
)

// chatML is the form of models whose file has its tokens but no template.
//
//go:embed chatml.jinja
var chatML string

// ChatML is the name of the template that is built in.
const ChatML = "chatml"

// Source is what a model's file says of its chat form.
type Source struct {
	Template string            // "" when the file has none
	Named    map[string]string // others, as tool_use
	BOS, EOS string            // texts of the tokens; "" where there is none
	// Has says whether the vocabulary has a token of this text.
	Has func(token string) bool
	// Verbatim leaves the part of the system's text that Claude Code changes in
	// every request as it is.
	Verbatim bool
}

// Template renders conversations. It is safe for concurrent use.
type Template struct {
	plain, tools *form
	source       Source
	now          func() time.Time
}

// form is a parsed template, with what a trial has shown of it.
type form struct {
	text   string
	parsed *jinja.Template
	traits traits
}

// ErrNoTemplate is the error of a model without a chat form.
var ErrNoTemplate = errors.New("the model's file has no chat template, and its vocabulary lacks the tokens of ChatML (<|im_start|>, <|im_end|>): give one with --chat-template")

// New takes the template of a model's file. choice, when it is not empty, is
// the text of another one, the name of one of the file's named templates, or
// [ChatML].
func New(s Source, choice string) (*Template, error) {
	t := &Template{source: s, now: time.Now}
	text := s.Template
	switch named, ok := s.Named[choice]; {
	case ok:
		text = named
	case choice == ChatML:
		text = chatML
	case strings.Contains(choice, "{%") || strings.Contains(choice, "{{"):
		text = choice
	case choice != "":
		return nil, fmt.Errorf("there is no chat template %q: there are %s", choice,
			strings.Join(append(slices.Sorted(maps.Keys(s.Named)), ChatML), ", "))
	case text == "" && s.Has("<|im_start|>") && s.Has("<|im_end|>"):
		text = chatML
	case text == "":
		return nil, ErrNoTemplate
	}
	var err error
	if t.plain, err = t.form(text); err != nil {
		return nil, err
	}
	t.tools = t.plain
	if named := s.Named["tool_use"]; named != "" && choice == "" {
		if t.tools, err = t.form(named); err != nil {
			return nil, fmt.Errorf("tool_use: %w", err)
		}
	}
	return t, nil
}

func (t *Template) form(text string) (*form, error) {
	parsed, err := jinja.Parse(text)
	if err != nil {
		return nil, err
	}
	f := &form{text: text, parsed: parsed}
	f.traits = t.try(f)
	return f, nil
}

// Text is the template as its file has it; with tools, the one for these.
func (t *Template) Text(tools bool) string { return t.of(tools).text }

func (t *Template) of(tools bool) *form {
	if tools {
		return t.tools
	}
	return t.plain
}

// Error is a conversation that the template refuses, or cannot render.
type Error struct{ cause error }

func (e *Error) Error() string { return e.cause.Error() }
func (e *Error) Unwrap() error { return e.cause }

// Render makes the prompt of a conversation. What messages and tools say is
// text: it becomes no control token. Errors are of type [*Error].
func (t *Template) Render(c *Conversation) (*Prompt, error) {
	f := t.of(len(c.Tools) > 0)
	if !t.source.Verbatim {
		c = steady(c)
	}
	conv := f.fitted(c)
	out, err := t.execute(f, conv, !c.Continue)
	if err != nil {
		return nil, &Error{err}
	}
	if c.Continue {
		if out, err = t.cut(f, conv, out); err != nil {
			return nil, &Error{err}
		}
	}
	p := &Prompt{}
	out.Each(func(s string, user bool) { p.Segments = append(p.Segments, Segment{s, !user}) })
	p.Thinking = opened(out.String())
	return p, nil
}

// cut ends a rendered conversation after the text of its last message, an
// assistant's, so that the model goes on with it.
func (t *Template) cut(f *form, c *Conversation, whole jinja.Text) (jinja.Text, error) {
	if len(c.Messages) == 0 || c.Messages[len(c.Messages)-1].Role != "assistant" {
		return whole, errors.New("only a conversation that ends with a message of the assistant can be continued")
	}
	text := strings.TrimSpace(c.Messages[len(c.Messages)-1].Text())
	i := strings.LastIndex(whole.String(), text)
	if i < 0 {
		return whole, errors.New("the chat template does not show the message that is to be continued")
	}
	return whole.Cut(i + len(text)), nil
}

// opened says whether a prompt ends within a stretch of reasoning.
func opened(prompt string) bool {
	tail := prompt[max(0, len(prompt)-64):]
	return strings.HasSuffix(strings.TrimSpace(tail), "<think>")
}

func (t *Template) execute(f *form, c *Conversation, generate bool) (jinja.Text, error) {
	vars, err := t.variables(f, c)
	if err != nil {
		return jinja.Text{}, err
	}
	if _, set := vars["add_generation_prompt"]; !set {
		vars["add_generation_prompt"] = generate
	}
	return f.parsed.Execute(vars, jinja.Options{Now: t.now})
}

func (t *Template) variables(f *form, c *Conversation) (map[string]any, error) {
	vars := map[string]any{
		"bos_token": jinja.Trusted(t.source.BOS), "eos_token": jinja.Trusted(t.source.EOS),
		"tools": nil, "documents": nil,
	}
	messages := make([]any, len(c.Messages))
	for i := range c.Messages {
		m, err := f.message(&c.Messages[i])
		if err != nil {
			return nil, fmt.Errorf("messages[%d]: %w", i, err)
		}
		messages[i] = m
	}
	vars["messages"] = jinja.NewList(messages...)
	if len(c.Tools) > 0 {
		tools := make([]any, len(c.Tools))
		for i := range c.Tools {
			v, err := c.Tools[i].value()
			if err != nil {
				return nil, fmt.Errorf("tools[%d]: %w", i, err)
			}
			tools[i] = v
		}
		vars["tools"] = jinja.NewList(tools...)
	}
	if c.Thinking != nil {
		vars["enable_thinking"], vars["thinking"] = *c.Thinking, *c.Thinking
	}
	if c.Effort != "" {
		vars["reasoning_effort"] = jinja.User(c.Effort)
	}
	for name, raw := range c.Values {
		v, err := jinja.FromJSON(raw)
		if err != nil {
			return nil, fmt.Errorf("chat_template_kwargs.%s: %w", name, err)
		}
		vars[name] = v
	}
	return vars, nil
}

// message is a turn as the template wants it.
func (f *form) message(m *Message) (*jinja.Dict, error) {
	d := &jinja.Dict{}
	d.SetText("role", jinja.User(m.Role))
	switch {
	case f.traits.nullContent && len(m.Calls) > 0 && m.Text() == "":
		d.SetText("content", nil)
	case f.traits.typedContent:
		parts := make([]any, len(m.Content))
		for i, text := range m.Content {
			part := &jinja.Dict{}
			part.SetText("type", jinja.Trusted("text"))
			part.SetText("text", jinja.User(text))
			parts[i] = part
		}
		d.SetText("content", jinja.NewList(parts...))
	default:
		d.SetText("content", jinja.User(m.Text()))
	}
	if m.Reasoning != "" {
		d.SetText("reasoning_content", jinja.User(m.Reasoning))
		d.SetText("reasoning", jinja.User(m.Reasoning))
		d.SetText("thinking", jinja.User(m.Reasoning))
	}
	if len(m.Calls) > 0 {
		calls := make([]any, len(m.Calls))
		for i := range m.Calls {
			v, err := f.call(&m.Calls[i])
			if err != nil {
				return nil, fmt.Errorf("tool_calls[%d]: %w", i, err)
			}
			calls[i] = v
		}
		d.SetText("tool_calls", jinja.NewList(calls...))
	}
	if m.Name != "" {
		d.SetText("name", jinja.User(m.Name))
	}
	if m.CallID != "" {
		d.SetText("tool_call_id", jinja.User(f.id(m.CallID)))
	}
	return d, nil
}

func (f *form) call(c *Call) (any, error) {
	fn, d := &jinja.Dict{}, &jinja.Dict{}
	fn.SetText("name", jinja.User(c.Name))
	text := c.Arguments
	if strings.TrimSpace(text) == "" {
		text = "{}"
	}
	if f.traits.textArguments {
		fn.SetText("arguments", jinja.User(text))
	} else {
		v, err := jinja.FromJSON([]byte(text))
		if _, ok := v.(*jinja.Dict); err != nil || !ok {
			return nil, fmt.Errorf("the arguments of %q are not a JSON object", c.Name)
		}
		fn.SetText("arguments", v)
	}
	d.SetText("id", jinja.User(f.id(c.ID)))
	d.SetText("type", jinja.Trusted("function"))
	d.SetText("function", fn)
	return d, nil
}

// id is the id of a call as the template takes it: the same for a call and its
// result.
func (f *form) id(id string) string {
	if !f.traits.shortIDs || len(id) == 9 {
		return id
	}
	sum := sha256.Sum256([]byte(id))
	return hex.EncodeToString(sum[:])[:9]
}

// value is a tool as templates show it.
func (t *Tool) value() (any, error) {
	if t.Raw != nil {
		return jinja.FromJSON(t.Raw)
	}
	fn, d := &jinja.Dict{}, &jinja.Dict{}
	fn.SetText("name", jinja.User(t.Name))
	fn.SetText("description", jinja.User(t.Description))
	parameters := t.Parameters
	if parameters == nil {
		parameters = json.RawMessage(`{"type":"object","properties":{}}`)
	}
	v, err := jinja.FromJSON(parameters)
	if err != nil {
		return nil, err
	}
	fn.SetText("parameters", v)
	d.SetText("type", jinja.Trusted("function"))
	d.SetText("function", fn)
	return d, nil
}
