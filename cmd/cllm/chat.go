package main

import (
	"errors"
	"io/fs"
	"os"
	"strings"

	"cllm/chat"
	"cllm/tokenizer"
)

// chatTemplate is the chat form of a model; choice is what --chat-template says:
// a file, the name of a template, or nothing. With verbatim conversations are
// rendered as they are.
func chatTemplate(t *tokenizer.Tokenizer, choice string, verbatim bool) (*chat.Template, error) {
	s := chat.Source{Verbatim: verbatim, Named: map[string]string{}, BOS: t.BOSText(), EOS: t.EOSText(), Has: func(token string) bool {
		_, ok := t.ID(token)
		return ok
	}}
	s.Template, _ = t.Template("")
	for _, name := range t.Templates() {
		if name != "" {
			s.Named[name], _ = t.Template(name)
		}
	}
	if text, err := os.ReadFile(choice); err == nil {
		choice = string(text)
		if !strings.Contains(choice, "{{") && !strings.Contains(choice, "{%") {
			return nil, errors.New("--chat-template: the file has neither {{ nor {%: it is no template")
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return chat.New(s, choice)
}

// encodeChat returns the tokens of a conversation.
func encodeChat(t *tokenizer.Tokenizer, form *chat.Template, c *chat.Conversation) ([]int32, error) {
	prompt, err := form.Render(c)
	if err != nil {
		return nil, err
	}
	segments := make([]tokenizer.Segment, len(prompt.Segments))
	for i, s := range prompt.Segments {
		segments[i] = tokenizer.Segment(s)
	}
	return t.EncodePromptSegments(segments...), nil
}
