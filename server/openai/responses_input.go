package openai

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"cllm/chat"
)

// turns gathers the items of a response, which its input and its output have
// in common, into the messages of a conversation: what an assistant thinks,
// says and calls is one turn.
type turns struct{ messages []chat.Message }

func (t *turns) add(m chat.Message) { t.messages = append(t.messages, m) }

// assistant is the turn of the assistant that goes on.
func (t *turns) assistant() *chat.Message {
	if n := len(t.messages); n == 0 || t.messages[n-1].Role != "assistant" {
		t.add(chat.Message{Role: "assistant"})
	}
	return &t.messages[len(t.messages)-1]
}

func (t *turns) thought(text string) {
	m := t.assistant()
	if len(m.Content) > 0 || len(m.Calls) > 0 {
		t.add(chat.Message{Role: "assistant"})
		m = t.assistant()
	}
	m.Reasoning += text
}

func (t *turns) said(content []string) {
	m := t.assistant()
	if len(m.Content) > 0 || len(m.Calls) > 0 {
		t.add(chat.Message{Role: "assistant"})
		m = t.assistant()
	}
	m.Content = content
}

func (t *turns) called(c chat.Call) {
	m := t.assistant()
	m.Calls = append(slices.Clip(m.Calls), c) // those before may be a stored response's
}

// result adds what a tool returned; its name is its call's.
func (t *turns) result(callID string, content []string) {
	m := chat.Message{Role: "tool", CallID: callID, Content: content}
	for i := range t.messages {
		for _, c := range t.messages[i].Calls {
			if c.ID == callID {
				m.Name = c.Name
			}
		}
	}
	t.add(m)
}

// readInput adds the input of a response: a text of the user, or items.
func (t *turns) readInput(raw json.RawMessage) error {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		t.add(chat.Message{Role: "user", Content: []string{text}})
		return nil
	}
	if raw[0] != '[' {
		return wrong("input", "must be a string or a list of items")
	}
	items, err := list("input", raw)
	if err != nil {
		return err
	}
	if len(items) == 0 {
		return wrong("input", "is empty")
	}
	for i, item := range items {
		if err := t.readItem(fmt.Sprintf("input[%d]", i), item); err != nil {
			return err
		}
	}
	return nil
}

func (t *turns) readItem(path string, raw json.RawMessage) error {
	o := parseNested(path, raw)
	kind := "message"
	o.Text("type", &kind)
	if err := o.err(); err != nil {
		return err
	}
	switch kind {
	case "message":
		m, err := readMessage(path, raw)
		switch {
		case err != nil:
			return err
		case m.Role == "tool":
			return wrong(path+".role", "is tool: a tool's result is an item of type function_call_output")
		case m.Role == "assistant":
			t.said(m.Content)
		default:
			t.add(m)
		}
		return nil
	case "function_call":
		c := chat.Call{Arguments: "{}"}
		o.Text("call_id", &c.ID)
		o.Text("name", &c.Name)
		o.Text("arguments", &c.Arguments)
		if err := o.err(); err != nil {
			return err
		}
		if err := needs(path, "call_id", c.ID, "name", c.Name); err != nil {
			return err
		}
		t.called(c)
		return nil
	case "function_call_output":
		var id string
		o.Text("call_id", &id)
		output, ok := o.Value("output")
		if err := o.err(); err != nil {
			return err
		}
		if err := needs(path, "call_id", id); err != nil {
			return err
		}
		if !ok {
			return wrong(path+".output", "is missing")
		}
		content, err := readContent(path+".output", output)
		if err != nil {
			return err
		}
		t.result(id, content)
		return nil
	case "reasoning":
		text, err := readReasoning(o)
		if err == nil && text != "" {
			t.thought(text)
		}
		return err
	}
	return wrong(path+".type", "is %q, must be message, function_call, function_call_output or reasoning", kind)
}

// needs is the error of the first of some members, names and values, that is
// empty.
func needs(path string, members ...string) error {
	for i := 0; i < len(members); i += 2 {
		if members[i+1] == "" {
			return wrong(path+"."+members[i], "is missing")
		}
	}
	return nil
}

// readReasoning is what a model thought: its content, or a summary.
func readReasoning(o *nested) (string, error) {
	for _, name := range []string{"content", "summary"} {
		raw, ok := o.Value(name)
		if !ok {
			continue
		}
		path := o.path + "." + name
		parts, err := list(path, raw)
		if err != nil {
			return "", err
		}
		var texts []string
		for i, part := range parts {
			p := parseNested(fmt.Sprintf("%s[%d]", path, i), part)
			var text string
			p.Text("text", &text)
			if err := p.err(); err != nil {
				return "", err
			}
			texts = append(texts, text)
		}
		if len(texts) > 0 {
			return strings.Join(texts, "\n"), nil
		}
	}
	return "", o.err()
}

// readFlatTools reads the tools of a response: functions, without the object
// around them that those of a chat completion have.
func readFlatTools(raw json.RawMessage) ([]chat.Tool, error) {
	elements, err := list("tools", raw)
	if err != nil {
		return nil, err
	}
	tools := make([]chat.Tool, len(elements))
	for i, e := range elements {
		path := fmt.Sprintf("tools[%d]", i)
		kind := "function"
		o := parseNested(path, e)
		o.Text("type", &kind)
		if err := o.err(); err != nil {
			return nil, err
		}
		if kind != "function" {
			return nil, wrong(path+".type", "is %q: this server has no tools of its own, only functions of the client's", kind)
		}
		if tools[i], err = readFunction(path, e); err != nil {
			return nil, err
		}
	}
	return tools, nil
}
