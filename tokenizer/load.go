package tokenizer

import (
	"errors"

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

// read takes from a file what it says of its tokenizer. The model, the pre-tokenizer, the tokens and
// the merges must be there.
func read(f *gguf.File) (*vocabulary, error) {
	v := &vocabulary{ids: map[string]int64{}}
	err := errors.Join(
		get(&v.model, keyModel, f.String, true),
		get(&v.pre, keyPre, f.String, true),
		get(&v.tokens, keyTokens, f.Strings, true),
		get(&v.types, keyTypes, f.Ints, false),
		get(&v.merges, keyMerges, f.Strings, true),
		get(&v.addBOS, keyAddBOS, f.Bool, false),
		get(&v.addEOS, keyAddEOS, f.Bool, false),
		get(&v.template, keyTemplate, f.String, false),
	)
	for _, key := range tokenKeys() {
		id := int64(-1)
		if e := get(&id, key, f.Int, true); e == nil {
			v.ids[key] = id
		} else if !errors.Is(e, gguf.ErrMissing) {
			err = errors.Join(err, e)
		}
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
