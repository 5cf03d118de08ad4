package tokenizer

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
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
	keyPre    = "tokenizer.ggml.pre"
	keyTokens = "tokenizer.ggml.tokens"
	keyTypes  = "tokenizer.ggml.token_type"
	keyMerges = "tokenizer.ggml.merges"
	keyBOS    = "tokenizer.ggml.bos_token_id"
	keyEOS    = "tokenizer.ggml.eos_token_id"
	keyAddBOS = "tokenizer.ggml.add_bos_token"
	keyAddEOS = "tokenizer.ggml.add_eos_token"

	keyTemplate = "tokenizer.chat_template"
)

// endKeys are the keys of the tokens that end a generation, with the texts by which such a token is
// known when its key is absent.
var endKeys = []struct {
	key   string
	texts []string
}{
	{keyEOS, nil},
	{"tokenizer.ggml.eot_token_id", nil},
	{"tokenizer.ggml.eom_token_id", nil},
	{"tokenizer.ggml.fim_pad_token_id", []string{"<|fim_pad|>", "<fim-pad>", "<fim_pad>", "<PAD>", "[PAD]"}},
	{"tokenizer.ggml.fim_rep_token_id", []string{"<|fim_repo|>", "<|repo_name|>", "<fim-repo>", "<REPO>", "<reponame>"}},
	{"tokenizer.ggml.fim_sep_token_id", []string{"<|file_sep|>"}},
}

// tokenKeys are the keys whose value is the id of a token.
func tokenKeys() []string {
	keys := []string{keyBOS}
	for _, role := range endKeys {
		keys = append(keys, role.key)
	}
	return keys
}

// endTexts end a generation in whatever vocabulary they are found, as in llama.cpp.
var endTexts = []string{
	"<|eot_id|>", "<|im_end|>", "<|end|>", "<|return|>", "<|call|>", "<|flush|>", "<|calls|>",
	"<end_of_turn>", "<|endoftext|>", "</s>", "<|eom_id|>", "<EOT>", "_<EOT>", "[EOT]", "[EOS]",
	"<|end_of_text|>", "<end_of_utterance>", "<eos>", "<turn|>", "<|tool_response>",
	"<｜end▁of▁sentence｜>", "[e~[",
}

// controlTexts are control tokens even in files that call them normal or user-defined.
var controlTexts = []string{
	"<|fim_prefix|>", "<fim-prefix>", "<fim_prefix>", "<｜fim▁begin｜>", "<PRE>",
	"<|fim_suffix|>", "<fim-suffix>", "<fim_suffix>", "<｜fim▁hole｜>", "<SUF>",
	"<|fim_middle|>", "<fim-middle>", "<fim_middle>", "<｜fim▁end｜>", "<MID>",
}

// preTokenizers are the supported values of tokenizer.ggml.pre; they split alike.
var preTokenizers = []string{"qwen2", "deepseek-r1-qwen"}

// vocabulary is what a model file says of its tokenizer.
type vocabulary struct {
	model, pre     string
	tokens         []string         // in the byte-level alphabet, except the special ones
	types          []int64          // nil: all normal
	merges         []string         // "left right", best first
	ids            map[string]int64 // of the keys that name one token
	addBOS, addEOS bool
	template       string // tokenizer.chat_template, "" without
}

// build checks a vocabulary and makes its tokenizer, which keeps v.tokens.
func build(v *vocabulary) (*Tokenizer, error) {
	if v.model != "gpt2" {
		return nil, fmt.Errorf("%s: %q is not supported; supported: \"gpt2\" (byte-level BPE)", keyModel, v.model)
	}
	if !slices.Contains(preTokenizers, v.pre) {
		return nil, fmt.Errorf("%s: %q is not supported; supported: %q", keyPre, v.pre, preTokenizers)
	}
	if len(v.tokens) == 0 {
		return nil, fmt.Errorf("%s: no tokens", keyTokens)
	}
	if len(v.tokens) > maxTokens {
		return nil, fmt.Errorf("%s: %d tokens, at most %d are supported", keyTokens, len(v.tokens), maxTokens)
	}
	if len(v.merges) > maxMerges {
		return nil, fmt.Errorf("%s: %d merges, at most %d are supported", keyMerges, len(v.merges), maxMerges)
	}
	if v.types != nil && len(v.types) != len(v.tokens) {
		return nil, fmt.Errorf("%s: %d types for the %d tokens of %s", keyTypes, len(v.types), len(v.tokens), keyTokens)
	}
	t := &Tokenizer{scan: scanner{classes()}, types: make([]uint8, len(v.tokens)), bos: -1, eos: -1}
	for i := range t.types {
		t.types[i] = typeNormal
		if v.types != nil {
			t.types[i] = uint8(min(uint64(v.types[i]), 255))
		}
	}
	if err := t.setTokens(v.tokens); err != nil {
		return nil, err
	}
	if err := t.setMerges(v.merges); err != nil {
		return nil, err
	}
	if err := t.setRoles(v); err != nil {
		return nil, err
	}
	if err := t.setRaw(); err != nil {
		return nil, err
	}
	t.setSpecial()
	t.setChat(v.template)
	t.encoders.New = func() any { return &encoder{t: t} }
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
	for b := range t.bytes {
		t.bytes[b] = t.ids.find(string(byteToRune[b]))
	}
	return nil
}

// setMerges turns the merge rules from text to ids.
func (t *Tokenizer) setMerges(merges []string) error {
	t.merges = newMergeTable(len(merges))
	var joined []byte
	next := int32(-1) // rules mostly come in the order of the tokens that they make
	for rank, rule := range merges {
		cut := 1 + strings.IndexByte(rule[min(1, len(rule)):], ' ')
		if cut == 0 {
			return fmt.Errorf("%s[%d]: %q is not two tokens with a space between them", keyMerges, rank, rule)
		}
		leftText, rightText := rule[:cut], rule[cut+1:]
		left, right := t.ids.find(leftText), t.ids.find(rightText)
		if left < 0 || right < 0 {
			unknown := leftText
			if left >= 0 {
				unknown = rightText
			}
			return fmt.Errorf("%s[%d]: %q names %q, which %s lacks", keyMerges, rank, rule, unknown, keyTokens)
		}
		if !t.joins(next, leftText, rightText) {
			joined = append(append(joined[:0], leftText...), rightText...)
			if next = t.ids.find(string(joined)); next < 0 {
				return fmt.Errorf("%s[%d]: %q makes %q, which %s lacks", keyMerges, rank, rule, joined, keyTokens)
			}
		}
		t.merges.add(left, right, next)
		next++
	}
	return nil
}

// joins tells whether token id is left and right joined.
func (t *Tokenizer) joins(id int32, left, right string) bool {
	if id < 0 || int(id) >= len(t.texts) {
		return false
	}
	text := t.texts[id]
	return len(text) == len(left)+len(right) && text[:len(left)] == left && text[len(left):] == right
}

// setRoles finds BOS, EOS and the end tokens, and marks control tokens that the file calls otherwise.
func (t *Tokenizer) setRoles(v *vocabulary) error {
	for key, id := range v.ids {
		if id < 0 || id >= int64(len(t.texts)) {
			return fmt.Errorf("%s: %d is outside the vocabulary of %d tokens", key, id, len(t.texts))
		}
	}
	if id, ok := v.ids[keyBOS]; ok {
		t.bos = int32(id)
	}
	if id, ok := v.ids[keyEOS]; ok {
		t.eos = int32(id)
	}
	if v.addBOS && t.bos < 0 {
		return fmt.Errorf("%s is true, but %s is missing", keyAddBOS, keyBOS)
	}
	if v.addEOS && t.eos < 0 {
		return fmt.Errorf("%s is true, but %s is missing", keyAddEOS, keyEOS)
	}
	t.addBOS, t.addEOS = v.addBOS, v.addEOS

	for _, text := range controlTexts {
		t.markControl(t.ids.find(text))
	}
	for _, role := range endKeys {
		if id, ok := v.ids[role.key]; ok {
			t.ends = append(t.ends, int32(id))
			continue
		}
		for _, text := range role.texts {
			if id := t.ids.find(text); id >= 0 {
				t.markControl(id)
				t.ends = append(t.ends, id)
				break
			}
		}
	}
	for _, text := range endTexts {
		if id := t.ids.find(text); id >= 0 {
			t.markControl(id)
			t.ends = append(t.ends, id)
		}
	}
	slices.Sort(t.ends)
	t.ends = slices.Compact(t.ends)
	return nil
}

func (t *Tokenizer) markControl(id int32) {
	if id >= 0 {
		t.types[id] = typeControl
	}
}

// setSpecial orders the tokens that are found in the text before it is split into words.
func (t *Tokenizer) setSpecial() {
	for i, kind := range t.types {
		switch kind {
		case typeUserDefined:
			t.userDefined = append(t.userDefined, int32(i))
			t.special = append(t.special, int32(i))
		case typeControl, typeUnknown:
			t.special = append(t.special, int32(i))
		}
	}
	longest := func(a, b int32) int { return len(t.texts[b]) - len(t.texts[a]) }
	slices.SortStableFunc(t.userDefined, longest)
	slices.SortStableFunc(t.special, longest)
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
			t.raw = appendRaw(t.raw, text)
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
