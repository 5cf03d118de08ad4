package tokenizer

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"cllm/gguf"
)

// New makes the tokenizer of a model file. Errors name the key that is missing or wrong, and for an
// unsupported model or pre-tokenizer those that are supported.
func New(f *gguf.File) (*Tokenizer, error) {
	v, err := read(f)
	if err != nil {
		return nil, f.Wrap(err)
	}
	t, err := build(v)
	return t, f.Wrap(err)
}

// read takes from a file what it says of its tokenizer. The model and the tokens must be there.
func read(f *gguf.File) (*vocabulary, error) {
	v := &vocabulary{ids: map[string]int64{}, templates: map[string]string{}}
	if err := get(&v.model, keyModel, f.String, true); err != nil {
		return nil, err
	}
	newKind, supported := kinds[v.model]
	if !supported {
		return nil, fmt.Errorf("%s: %q is not supported; supported: %q", keyModel, v.model, slices.Sorted(maps.Keys(kinds)))
	}
	v.kind = newKind()
	err := errors.Join(
		v.kind.read(f, v),
		get(&v.tokens, keyTokens, f.Strings, true),
		get(&v.types, keyTypes, f.Ints, false),
		get(&v.addBOS, keyAddBOS, f.Bool, false),
		get(&v.addEOS, keyAddEOS, f.Bool, false),
	)
	for _, key := range tokenKeys() {
		id := int64(-1)
		if e := get(&id, key, f.Int, true); e == nil {
			v.ids[key] = id
		} else if !errors.Is(e, gguf.ErrMissing) {
			err = errors.Join(err, e)
		}
	}
	for _, key := range f.Keys() {
		name, isTemplate := strings.CutPrefix(key, keyTemplate)
		if !isTemplate || name != "" && !strings.HasPrefix(name, ".") {
			continue
		}
		var template string
		err = errors.Join(err, get(&template, key, f.String, true))
		v.templates[strings.TrimPrefix(name, ".")] = template
	}
	if err != nil {
		return nil, err
	}
	return v, nil
}

// get reads a key; one that may be missing leaves dst as it is.
func get[T any](dst *T, key string, getter func(string) (T, error), required bool) error {
	value, err := getter(key)
	if err != nil {
		if errors.Is(err, gguf.ErrMissing) && !required {
			return nil
		}
		return err
	}
	*dst = value
	return nil
}
