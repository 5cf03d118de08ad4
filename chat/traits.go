package chat

import (
	"slices"
	"strings"

	"cllm/chat/jinja"
)

// traits are what a template can do and how it wants its values, found out by
// rendering small conversations: nothing in a file says so.
type traits struct {
	typedContent  bool // content is a list of parts
	textArguments bool // the arguments of calls are text, not an object
	system        bool // messages of the system are shown
	tools         bool // tools are shown
	calls         bool // calls are shown
	nullContent   bool // calls are shown where content is none, not where it is empty
	shortIDs      bool // the ids of calls have nine letters and digits (Mistral)
	thinking      bool // enable_thinking changes something
}

// Thinks says whether the template can switch reasoning on and off.
func (t *Template) Thinks() bool { return t.plain.traits.thinking }

// CallsTools says whether the template shows tools to the model; for one that
// does not, [Template.Render] describes them in the system's message.
func (t *Template) CallsTools() bool { return t.tools.traits.tools }

const (
	probeText  = "a-probe-of-text"
	probeKey   = "probe_key"
	probeValue = "probe value"
)

// try renders the trials.
func (t *Template) try(f *form) (r traits) {
	// rendered is the text of a conversation, "" when the template refuses it.
	rendered := func(c *Conversation) string {
		out, err := t.execute(f, c, true)
		if err != nil {
			return ""
		}
		return out.String()
	}
	user := Message{Role: "user", Content: []string{probeText}}
	hello := Message{Role: "user", Content: []string{"hello"}}
	if !strings.Contains(rendered(&Conversation{Messages: []Message{user}}), probeText) {
		f.traits.typedContent = true
		if !strings.Contains(rendered(&Conversation{Messages: []Message{user}}), probeText) {
			f.traits.typedContent = false
		}
	}
	r.typedContent = f.traits.typedContent
	r.system = strings.Contains(rendered(&Conversation{Messages: []Message{{Role: "system", Content: []string{probeText}}, hello}}), probeText)

	tool := Tool{Name: "probe_tool", Description: "probes"}
	r.tools = strings.Contains(rendered(&Conversation{Messages: []Message{hello}, Tools: []Tool{tool}}), tool.Name)

	call := func(id string) string {
		return rendered(&Conversation{Tools: []Tool{tool}, Messages: []Message{hello,
			{Role: "assistant", Content: []string{""}, Calls: []Call{{id, tool.Name, `{"` + probeKey + `": "` + probeValue + `"}`}}},
			{Role: "tool", Content: []string{"done"}, Name: tool.Name, CallID: id}}})
	}
	const short, long = "call00001", "call_0123456789abcdef"
	shown := func(s string) bool {
		return strings.Contains(s, probeKey) && strings.Contains(s, probeValue) &&
			!strings.Contains(s, `\"`+probeKey) && !strings.Contains(s, `'`+probeKey+`'`)
	}
	for _, way := range []traits{{}, {textArguments: true}, {nullContent: true}, {textArguments: true, nullContent: true}} {
		f.traits.textArguments, f.traits.nullContent = way.textArguments, way.nullContent
		if r.calls = shown(call(short)); r.calls {
			r.textArguments, r.nullContent = way.textArguments, way.nullContent
			break
		}
	}
	r.shortIDs = r.calls && !shown(call(long))
	on, off := true, false
	r.thinking = rendered(&Conversation{Messages: []Message{hello}, Thinking: &on}) != rendered(&Conversation{Messages: []Message{hello}, Thinking: &off})
	return r
}

// fitted is the conversation as the template can show it: the system's message
// goes into the user's where there is no place for it, tools into the system's.
func (f *form) fitted(c *Conversation) *Conversation {
	c2 := *c
	c2.Messages = slices.Clone(c.Messages)
	for i := range c2.Messages {
		if c2.Messages[i].Role == "developer" {
			c2.Messages[i].Role = "system"
		}
	}
	if len(c.Tools) > 0 && !f.traits.tools {
		c2.Messages = withSystem(c2.Messages, describe(c.Tools))
		c2.Tools = nil
	}
	if !f.traits.calls {
		spellCalls(c2.Messages)
	}
	if !f.traits.system {
		c2.Messages = withoutSystem(c2.Messages)
	}
	return &c2
}

// withSystem adds a text to the system's message, or makes one.
func withSystem(ms []Message, text string) []Message {
	if len(ms) > 0 && ms[0].Role == "system" {
		ms[0].Content = []string{ms[0].Text() + "\n\n" + text}
		return ms
	}
	return slices.Insert(ms, 0, Message{Role: "system", Content: []string{text}})
}

// withoutSystem moves the texts of the system to the message of the user that
// follows, or makes one.
func withoutSystem(ms []Message) []Message {
	var out []Message
	held := ""
	for _, m := range ms {
		if m.Role == "system" {
			if held != "" {
				held += "\n\n"
			}
			held += m.Text()
			continue
		}
		if held != "" {
			if m.Role == "user" {
				m.Content = []string{held + "\n\n" + m.Text()}
			} else {
				out = append(out, Message{Role: "user", Content: []string{held}})
			}
			held = ""
		}
		out = append(out, m)
	}
	if held != "" {
		out = append(out, Message{Role: "user", Content: []string{held}})
	}
	return out
}

// describe tells a model whose template has no place for tools what there is,
// in the form that most others were trained on (Hermes).
func describe(tools []Tool) string {
	var b strings.Builder
	b.WriteString("You may call one or more of these functions:\n<tools>\n")
	for i := range tools {
		v, err := tools[i].value()
		if err != nil {
			continue // the dialect has checked it
		}
		b.WriteString(jinja.JSON(v) + "\n")
	}
	b.WriteString("</tools>\nTo call one, answer with its name and arguments as JSON between tags:\n" +
		"<tool_call>\n{\"name\": <function-name>, \"arguments\": <args-json-object>}\n</tool_call>")
	return b.String()
}

// spellCalls writes the calls and results of a conversation as text.
func spellCalls(ms []Message) {
	for i := range ms {
		m := &ms[i]
		switch {
		case m.Role == "tool":
			m.Role, m.Content = "user", []string{"<tool_response>\n" + m.Text() + "\n</tool_response>"}
		case len(m.Calls) > 0:
			text := m.Text()
			for _, c := range m.Calls {
				if text != "" {
					text += "\n"
				}
				text += spell(c)
			}
			m.Content, m.Calls = []string{text}, nil
		}
	}
}

func spell(c Call) string {
	d := &jinja.Dict{}
	d.SetText("name", jinja.Trusted(c.Name))
	arguments, err := jinja.FromJSON([]byte(c.Arguments))
	if err != nil {
		arguments = &jinja.Dict{}
	}
	d.SetText("arguments", arguments)
	return "<tool_call>\n" + jinja.JSON(d) + "\n</tool_call>"
}
