// Package tokenizer turns text into the token ids of a model and back: byte-level BPE as the GGUF
// file describes it, equal to llama.cpp's.
package tokenizer

import (
	"slices"
	"sync"
	"unsafe"
)

// Tokenizer is safe for concurrent use, and does not need the file once it is made.
type Tokenizer struct {
	texts  []string // of the tokens, as the file writes them
	types  []uint8
	ids    *textTable
	bytes  [256]int32 // the token of each single byte, -1 if there is none
	merges *mergeTable
	scan   scanner

	raw    []byte   // the bytes that the tokens stand for, one after the other
	rawEnd []uint32 // where each token's end

	bos, eos       int32
	addBOS, addEOS bool
	ends           []int32 // ascending

	special     []int32 // control, unknown and user-defined tokens, longest text first
	userDefined []int32 // the latter alone

	chat     chatForm
	encoders sync.Pool
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

// Control tells whether a token steers the model and is no text.
func (t *Tokenizer) Control(id int32) bool {
	return t.has(id) && (t.types[id] == typeControl || t.types[id] == typeUnknown)
}

func (t *Tokenizer) has(id int32) bool { return uint(id) < uint(len(t.texts)) }

// BOS returns the token that begins a text, -1 if the file names none.
func (t *Tokenizer) BOS() int32 { return t.bos }

// EOS returns the token that ends a text, -1 if the file names none.
func (t *Tokenizer) EOS() int32 { return t.eos }

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
