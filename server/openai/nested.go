package openai

import (
	"encoding/json"
	"errors"
	"fmt"

	"cllm/server/api"
	"cllm/server/fields"
)

// nested is an object within a body; its errors name the whole path.
type nested struct {
	*fields.Object
	path string
}

func parseNested(path string, raw json.RawMessage) *nested {
	return &nested{fields.Parse(raw), path}
}

// err is what is wrong with the object, with its path.
func (n *nested) err() error {
	err := n.Err()
	var e *fields.Error
	if !errors.As(err, &e) {
		return err
	}
	if e.Field == "" {
		return &fields.Error{Field: n.path, Text: fmt.Sprintf("%s must be an object", n.path)}
	}
	return &fields.Error{Field: n.path + "." + e.Field, Text: n.path + "." + e.Text}
}

// object reads a member that is an object, if it is there.
func object(body *api.Body, name string, read func(*nested)) bool {
	raw, ok := body.Value(name)
	if !ok {
		return false
	}
	n := parseNested(name, raw)
	read(n)
	if err := n.err(); err != nil {
		fail(body, err)
	}
	return true
}

// fail notes an error of a nested object in the body.
func fail(body *api.Body, err error) {
	var e *fields.Error
	if errors.As(err, &e) {
		body.Fail(e.Field, "%s", e.Text)
		return
	}
	body.Fail("", "%v", err)
}

// list cuts a JSON list into its elements.
func list(path string, raw json.RawMessage) ([]json.RawMessage, error) {
	var elements []json.RawMessage
	if len(raw) == 0 || raw[0] != '[' || json.Unmarshal(raw, &elements) != nil {
		return nil, &fields.Error{Field: path, Text: path + " must be a list"}
	}
	if len(elements) > maxElements {
		return nil, &fields.Error{Field: path, Text: fmt.Sprintf("%s has more than %d elements", path, maxElements)}
	}
	return elements, nil
}

// maxElements bounds the memory of a list beside its text.
const maxElements = 10_000

func wrong(path, format string, a ...any) error {
	return &fields.Error{Field: path, Text: path + " " + fmt.Sprintf(format, a...)}
}
