package tokenizer

import (
	"errors"
	"fmt"
	"strings"
)

// Message is one turn of a conversation; Role is system, user or assistant.
type Message struct {
	Role    string
	Content string
}

const (
	chatStart = "<|im_start|>"
	chatEnd   = "<|im_end|>"
)

// chatForm is what the file says of its chat form.
type chatForm struct {
	known  bool   // it has the tokens of ChatML
	system string // the system prompt when a conversation has none, "" without
}

// setChat looks for the ChatML tokens, and for the system prompt that the template falls back to.
func (t *Tokenizer) setChat() {
	template := t.templates[""]
	t.chat.known = t.ids.find(chatStart) >= 0 && t.ids.find(chatEnd) >= 0
	for _, newline := range []string{`\n`, "\n"} {
		_, rest, found := strings.Cut(template, "'"+chatStart+"system"+newline)
		for found {
			literal, after, _ := strings.Cut(rest, "'")
			if system, _, whole := strings.Cut(literal, chatEnd); whole && system != "" {
				t.chat.system = system
				return
			}
			_, rest, found = strings.Cut(after, "'"+chatStart+"system"+newline)
		}
	}
}

// ChatML writes a conversation in the ChatML form, up to where the assistant answers. If it does not
// begin with a system message and the file's template has a default one (Qwen2 and Qwen2.5), that is
// put first. What the messages say is text: it becomes no control token.
func (t *Tokenizer) ChatML(msgs []Message) ([]Segment, error) {
	if !t.chat.known {
		return nil, fmt.Errorf("the model has no ChatML form: %s lacks %s or %s", keyTokens, chatStart, chatEnd)
	}
	if len(msgs) == 0 {
		return nil, errors.New("no messages")
	}
	var prompt []Segment
	turn := func(role, content string) {
		prompt = append(prompt, Segment{chatStart + role + "\n", true}, Segment{content, false}, Segment{chatEnd + "\n", true})
	}
	if msgs[0].Role != "system" && t.chat.system != "" {
		turn("system", t.chat.system)
	}
	for i, m := range msgs {
		switch m.Role {
		case "system", "user", "assistant":
			turn(m.Role, m.Content)
		default:
			return nil, fmt.Errorf("messages[%d]: role %q; supported: system, user, assistant", i, m.Role)
		}
	}
	return append(prompt, Segment{chatStart + "assistant\n", true}), nil
}
