// Package tokenizer turns text into the token ids of a model and back, as the GGUF file describes it
// and llama.cpp does it: byte-level BPE by now.
package tokenizer

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"unsafe"
)

// Tokenizer is safe for concurrent use, and does not need the file once it is made.
type Tokenizer struct {
	texts []string // of the tokens, as the file writes them
	types []uint8
	ids   *textTable
	kind  kind

	raw    []byte   // the bytes that the tokens stand for, one after the other
	rawEnd []uint32 // where each token's end

	bos, eos       int32
	addBOS, addEOS bool
	ends           []int32 // ascending

	special     *specials // control, unknown and user-defined tokens
	userDefined *specials // the latter alone

	templates map[string]string // "" is the one without a name
	warnings  []string
	cutters   sync.Pool
}

// Size returns the number of tokens.
func (t *Tokenizer) Size() int { return len(t.texts) }

// ID returns the token of a text as the file writes it: in the byte-level alphabet (Ġ for a space),
// or plain for special tokens.
func (t *Tokenizer) ID(text string) (int32, bool) {
	id := t.ids.find(text)
	return id, id >= 0
}

// Text returns a token as the file writes it, "" for an id outside the vocabulary.
func (t *Tokenizer) Text(id int32) string {
	if !t.has(id) {
		return ""
	}
	return t.texts[id]
}

// Bytes returns the bytes that a token stands for, to be read only: nil for control tokens, unused
// ones and ids outside the vocabulary.
func (t *Tokenizer) Bytes(id int32) []byte {
	if raw := t.piece(id, false); raw != "" {
		return unsafe.Slice(unsafe.StringData(raw), len(raw))
	}
	return nil
}

// piece is Bytes as a string; special includes the text of control tokens.
func (t *Tokenizer) piece(id int32, special bool) string {
	if !t.has(id) || !special && t.Control(id) {
		return ""
	}
	start := uint32(0)
	if id > 0 {
		start = t.rawEnd[id-1]
	}
	raw := t.raw[start:t.rawEnd[id]]
	return unsafe.String(unsafe.SliceData(raw), len(raw))
}

// TextBytes returns the bytes that a token is shown as, to be read only: Bytes, for control tokens
// those of their text. They may be a part of a character.
func (t *Tokenizer) TextBytes(id int32) []byte {
	raw := t.piece(id, true)
	return unsafe.Slice(unsafe.StringData(raw), len(raw))
}

// Control tells whether a token steers the model and is no text.
func (t *Tokenizer) Control(id int32) bool {
	return t.has(id) && (t.types[id] == typeControl || t.types[id] == typeUnknown)
}

func (t *Tokenizer) has(id int32) bool { return uint(id) < uint(len(t.texts)) }

// BOS returns the token that begins a text, -1 if the file names none.
func (t *Tokenizer) BOS() int32 { return t.bos }

// EOS returns the token that ends a text, -1 if the file names none.
func (t *Tokenizer) EOS() int32 { return t.eos }

// BOSText returns the text of the token that begins a text, "" if the file names none.
func (t *Tokenizer) BOSText() string { return t.Text(t.bos) }

// EOSText returns the text of the token that ends a text, "" if the file names none.
func (t *Tokenizer) EOSText() string { return t.Text(t.eos) }

// Template returns one of the file's chat templates by its name; "" is the one without.
func (t *Tokenizer) Template(name string) (template string, found bool) {
	template, found = t.templates[name]
	return template, found
}

// Templates returns the names of the file's chat templates, ascending.
func (t *Tokenizer) Templates() []string { return slices.Sorted(maps.Keys(t.templates)) }

// Warnings returns what is odd in the file and could be put right: a sentence each, with the key.
func (t *Tokenizer) Warnings() []string { return slices.Clone(t.warnings) }

func (t *Tokenizer) warn(format string, a ...any) {
	t.warnings = append(t.warnings, fmt.Sprintf(format, a...))
}

// AddBOS tells whether the model wants BOS before every prompt; Encode leaves that to the caller.
func (t *Tokenizer) AddBOS() bool { return t.addBOS }

// AddEOS tells whether the model wants EOS after every text.
func (t *Tokenizer) AddEOS() bool { return t.addEOS }

// End tells whether a token ends the generation.
func (t *Tokenizer) End(id int32) bool {
	_, found := slices.BinarySearch(t.ends, id)
	return found
}

// EndTokens returns the tokens that end the generation, ascending: EOS, end of turn, and those that
// llama.cpp knows by their text.
func (t *Tokenizer) EndTokens() []int32 { return slices.Clone(t.ends) }
