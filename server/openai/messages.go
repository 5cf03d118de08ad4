package openai

import (
	"encoding/json"
	"fmt"
	"slices"

	"cllm/chat"
)

var roles = []string{"system", "developer", "user", "assistant", "tool"}

// readMessages reads the messages of a conversation.
func readMessages(raw json.RawMessage) ([]chat.Message, error) {
	elements, err := list("messages", raw)
	if err != nil {
		return nil, err
	}
	if len(elements) == 0 {
		return nil, wrong("messages", "is empty")
	}
	messages := make([]chat.Message, len(elements))
	for i, e := range elements {
		if messages[i], err = readMessage(fmt.Sprintf("messages[%d]", i), e); err != nil {
			return nil, err
		}
	}
	return messages, nil
}

func readMessage(path string, raw json.RawMessage) (m chat.Message, err error) {
	o := parseNested(path, raw)
	hasRole := o.Text("role", &m.Role)
	o.Text("name", &m.Name)
	o.Text("tool_call_id", &m.CallID)
	if !o.Text("reasoning_content", &m.Reasoning) {
		o.Text("reasoning", &m.Reasoning)
	}
	content, hasContent := o.Value("content")
	calls, hasCalls := o.Value("tool_calls")
	if err := o.err(); err != nil {
		return m, err
	}
	switch {
	case !hasRole:
		return m, wrong(path+".role", "is missing")
	case m.Role == "function":
		return m, wrong(path+".role", "is function, which is not supported any more: use tool")
	case !slices.Contains(roles, m.Role):
		return m, wrong(path+".role", "is %q, must be system, developer, user, assistant or tool", m.Role)
	case !hasContent && m.Role != "assistant":
		return m, wrong(path+".content", "is missing")
	}
	if hasContent {
		if m.Content, err = readContent(path+".content", content); err != nil {
			return m, err
		}
	}
	if hasCalls {
		m.Calls, err = readCalls(path+".tool_calls", calls)
	}
	return m, err
}

// readContent reads a text, or a list of parts of which all are text.
func readContent(path string, raw json.RawMessage) ([]string, error) {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return []string{text}, nil
	}
	if raw[0] != '[' {
		return nil, wrong(path, "must be a string or a list of parts")
	}
	elements, err := list(path, raw)
	if err != nil {
		return nil, err
	}
	parts := make([]string, 0, len(elements))
	for i, e := range elements {
		at := fmt.Sprintf("%s[%d]", path, i)
		o := parseNested(at, e)
		var kind, text string
		o.Text("type", &kind)
		hasText := o.Text("text", &text)
		if !hasText {
			hasText = o.Text("refusal", &text)
		}
		if err := o.err(); err != nil {
			return nil, err
		}
		switch {
		case kind != "" && kind != "text" && kind != "refusal" && kind != "input_text" && kind != "output_text":
			return nil, wrong(at, "is of type %q: this model reads text alone", kind)
		case !hasText:
			return nil, wrong(at+".text", "is missing")
		}
		parts = append(parts, text)
	}
	return parts, nil
}

func readCalls(path string, raw json.RawMessage) ([]chat.Call, error) {
	elements, err := list(path, raw)
	if err != nil {
		return nil, err
	}
	calls := make([]chat.Call, len(elements))
	for i, e := range elements {
		at := fmt.Sprintf("%s[%d]", path, i)
		o := parseNested(at, e)
		o.Text("id", &calls[i].ID)
		function, ok := o.Value("function")
		if err := o.err(); err != nil {
			return nil, err
		}
		if !ok {
			return nil, wrong(at+".function", "is missing")
		}
		f := parseNested(at+".function", function)
		hasName := f.Text("name", &calls[i].Name)
		arguments, hasArguments := f.Value("arguments")
		if err := f.err(); err != nil {
			return nil, err
		}
		if !hasName {
			return nil, wrong(at+".function.name", "is missing")
		}
		// A JSON object as a string; some clients send the object itself.
		if calls[i].Arguments = string(arguments); !hasArguments {
			calls[i].Arguments = "{}"
		} else if arguments[0] == '"' {
			_ = json.Unmarshal(arguments, &calls[i].Arguments) // a valid string
		}
	}
	return calls, nil
}

// toolChoice is what the model may do with tools.
type toolChoice struct{ none bool }

// readTools reads tools; a schema is kept as it is.
func readTools(raw json.RawMessage) ([]chat.Tool, error) {
	elements, err := list("tools", raw)
	if err != nil {
		return nil, err
	}
	tools := make([]chat.Tool, len(elements))
	for i, e := range elements {
		path := fmt.Sprintf("tools[%d]", i)
		o := parseNested(path, e)
		kind := "function"
		o.Text("type", &kind)
		function, ok := o.Value("function")
		if err := o.err(); err != nil {
			return nil, err
		}
		switch {
		case kind != "function":
			return nil, wrong(path+".type", "is %q, must be function", kind)
		case !ok:
			return nil, wrong(path+".function", "is missing")
		}
		if tools[i], err = readFunction(path+".function", function); err != nil {
			return nil, err
		}
		tools[i].Raw = e
	}
	return tools, nil
}

func readFunction(path string, raw json.RawMessage) (t chat.Tool, err error) {
	f := parseNested(path, raw)
	named := f.Text("name", &t.Name)
	f.Text("description", &t.Description)
	f.Bool("strict", &t.Strict)
	t.Parameters, _ = f.Value("parameters")
	switch err := f.err(); {
	case err != nil:
		return t, err
	case !named || t.Name == "":
		return t, wrong(path+".name", "is missing")
	case t.Parameters != nil && t.Parameters[0] != '{':
		return t, wrong(path+".parameters", "must be a JSON Schema, an object")
	case t.Strict:
		return t, wrong(path+".strict", "is not supported yet: answers cannot be bound to a schema")
	}
	return t, nil
}

// readToolChoice reads tool_choice.
func readToolChoice(raw json.RawMessage) (toolChoice, error) {
	var word string
	if json.Unmarshal(raw, &word) != nil {
		return toolChoice{}, wrong("tool_choice", "that names a function is not supported yet: use auto or none")
	}
	switch word {
	case "auto":
		return toolChoice{}, nil
	case "none":
		return toolChoice{none: true}, nil
	case "required":
		return toolChoice{}, wrong("tool_choice", "required is not supported yet: use auto or none")
	}
	return toolChoice{}, wrong("tool_choice", "is %q, must be auto or none", word)
}
