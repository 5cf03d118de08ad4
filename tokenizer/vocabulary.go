package tokenizer

import (
	"errors"
	"fmt"
	"math"
)

// Token types of GGUF (tokenizer.ggml.token_type).
const (
	typeNormal      = 1
	typeUnknown     = 2
	typeControl     = 3
	typeUserDefined = 4
	typeByte        = 6
)

// The keys that errors name.
const (
	keyModel  = "tokenizer.ggml.model"
	keyTokens = "tokenizer.ggml.tokens"
	keyTypes  = "tokenizer.ggml.token_type"
	keyBOS    = "tokenizer.ggml.bos_token_id"
	keyEOS    = "tokenizer.ggml.eos_token_id"
	keyAddBOS = "tokenizer.ggml.add_bos_token"
	keyAddEOS = "tokenizer.ggml.add_eos_token"

	keyTemplate = "tokenizer.chat_template"
)

// vocabulary is what a model file says of its tokenizer.
type vocabulary struct {
	model          string
	kind           kindFile
	tokens         []string         // as the kind writes them, the special ones plain
	types          []int64          // nil: all normal
	ids            map[string]int64 // of the keys that name one token
	addBOS, addEOS bool
	templates      map[string]string // "" is the one without a name
}

// build checks a vocabulary and makes its tokenizer, which keeps v.tokens.
func build(v *vocabulary) (*Tokenizer, error) {
	if len(v.tokens) == 0 {
		return nil, fmt.Errorf("%s: no tokens", keyTokens)
	}
	if len(v.tokens) > maxTokens {
		return nil, fmt.Errorf("%s: %d tokens, at most %d are supported", keyTokens, len(v.tokens), maxTokens)
	}
	if v.types != nil && len(v.types) < len(v.tokens) {
		return nil, fmt.Errorf("%s: %d types for the %d tokens of %s", keyTypes, len(v.types), len(v.tokens), keyTokens)
	}
	t := &Tokenizer{types: make([]uint8, len(v.tokens)), bos: -1, eos: -1, templates: v.templates}
	for i := range t.types {
		t.types[i] = typeNormal
		if v.types != nil {
			t.types[i] = uint8(min(uint64(v.types[i]), 255))
		}
	}
	if err := t.setTokens(v.tokens); err != nil {
		return nil, err
	}
	var err error
	if t.kind, err = v.kind.build(t); err != nil {
		return nil, err
	}
	t.setRoles(v)
	if err := t.setRaw(); err != nil {
		return nil, err
	}
	t.setSpecial()
	t.cutters.New = func() any { return &cutter{encoder: t.kind.newEncoder()} }
	return t, nil
}

// setTokens indexes the texts.
func (t *Tokenizer) setTokens(tokens []string) error {
	t.texts = tokens
	for i, text := range tokens {
		if text == "" {
			t.texts[i] = fmt.Sprintf("[EMPTY_%d]", i)
		}
	}
	t.ids = newTextTable(t.texts)
	for i := range t.texts {
		if old := t.ids.insert(int32(i)); old >= 0 {
			return fmt.Errorf("%s: tokens %d and %d are both %q", keyTokens, old, i, t.texts[i])
		}
	}
	return nil
}

// setSpecial finds the tokens that are cut out of a text before it is encoded.
func (t *Tokenizer) setSpecial() {
	var special, userDefined []int32
	for i, tokenType := range t.types {
		switch tokenType {
		case typeUserDefined:
			userDefined = append(userDefined, int32(i))
			special = append(special, int32(i))
		case typeControl, typeUnknown:
			special = append(special, int32(i))
		}
	}
	t.special, t.userDefined = newSpecials(t, special), newSpecials(t, userDefined)
}

// setRaw writes down the bytes that each token stands for.
func (t *Tokenizer) setRaw() error {
	size := 0
	for _, text := range t.texts {
		size += len(text)
	}
	if uint64(size) > math.MaxUint32 {
		return fmt.Errorf("%s: %d bytes of text, at most %d are supported", keyTokens, size, uint32(math.MaxUint32))
	}
	t.raw = make([]byte, 0, size)
	t.rawEnd = make([]uint32, len(t.texts))
	for i, text := range t.texts {
		switch t.types[i] {
		case typeNormal:
			t.raw = t.kind.appendRaw(t.raw, text)
		case typeControl, typeUnknown, typeUserDefined:
			t.raw = append(t.raw, text...)
		case typeByte:
			b, err := parseByte(text)
			if err != nil {
				return fmt.Errorf("%s[%d]: %q is not of the form <0x00>, though %s calls it a byte", keyTokens, i, text, keyTypes)
			}
			t.raw = append(t.raw, b)
		}
		t.rawEnd[i] = uint32(len(t.raw))
	}
	return nil
}

var errByte = errors.New("not a byte token")

func parseByte(text string) (byte, error) {
	var b byte
	if len(text) != 6 {
		return 0, errByte
	}
	if n, err := fmt.Sscanf(text, "<0x%02X>", &b); n != 1 || err != nil {
		return 0, errByte
	}
	return b, nil
}
