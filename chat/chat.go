// Package chat turns conversations into prompts, by the template that a model's
// file carries, and what models write back into text, reasoning and calls of
// tools. It knows nothing of HTTP: each dialect of the server brings its bodies
// into a [Conversation].
package chat

import "encoding/json"

// Conversation is what a model is to answer.
type Conversation struct {
	Messages []Message
	Tools    []Tool
	// Thinking switches reasoning on or off where the template knows how
	// (enable_thinking); nil leaves it to the template.
	Thinking *bool
	// Effort is reasoning_effort: low, medium, high or what a template knows; ""
	// leaves it to the template.
	Effort string
	// Values are further variables of the template, as JSON
	// (chat_template_kwargs). They win over the fields above.
	Values map[string]json.RawMessage
	// Continue has the model go on with the last message, an assistant's, in
	// place of a new one.
	Continue bool
}

// Message is one turn.
type Message struct {
	Role    string   // system, developer, user, assistant or tool
	Content []string // the parts of its text; none or one, as a rule
	// Of an assistant: what it thought, and the tools that it called.
	Reasoning string
	Calls     []Call
	// Of a tool's result: whose it is.
	Name, CallID string
}

// Text is the whole text of a message.
func (m *Message) Text() string {
	switch len(m.Content) {
	case 0:
		return ""
	case 1:
		return m.Content[0]
	}
	n := 0
	for _, s := range m.Content {
		n += len(s)
	}
	b := make([]byte, 0, n)
	for _, s := range m.Content {
		b = append(b, s...)
	}
	return string(b)
}

// Call is one use of a tool.
type Call struct {
	ID, Name  string
	Arguments string // a JSON object
}

// Tool is a function that the model may call.
type Tool struct {
	Name        string
	Description string
	Parameters  json.RawMessage // JSON Schema of the arguments' object; may be nil
	// Raw is the tool as the client wrote it, {"type":"function","function":…},
	// with its order of keys: that is what templates show to the model. nil: made
	// from the other fields.
	Raw    json.RawMessage
	Strict bool
}

// Segment is a stretch of a prompt. Only with Special may it become control
// tokens, or tokens that templates use as markers.
type Segment struct {
	Text    string
	Special bool
}

// Prompt is a conversation as the model reads it.
type Prompt struct {
	Segments []Segment
	// Thinking says that the prompt ends within the model's reasoning: the
	// template has opened it, and the answer begins with the rest.
	Thinking bool
}

// String is the whole text of a prompt.
func (p *Prompt) String() string {
	var b []byte
	for _, s := range p.Segments {
		b = append(b, s.Text...)
	}
	return string(b)
}
