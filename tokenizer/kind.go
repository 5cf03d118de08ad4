package tokenizer

import "cllm/gguf"

// kind is a kind of vocabulary: how its tokens are spelled, and which of them a text becomes.
type kind interface {
	// appendRaw appends the bytes that the text of a normal token stands for.
	appendRaw(dst []byte, text string) []byte
	newEncoder() encoder
}

// encoder is the working memory of one Encode call.
type encoder interface {
	// encode appends the tokens of a stretch between special tokens or the ends of the text: at least
	// one byte, not always of whole characters.
	encode(dst []int32, text string) []int32
	// trim lets go of what an unusually large text took.
	trim()
}

// kindFile is what a file says of a vocabulary of one kind.
type kindFile interface {
	// read reads the kind's own keys, and sets in v what the kind defaults to; v's other keys follow.
	read(f *gguf.File, v *vocabulary) error
	// build makes the kind for a tokenizer that has its texts, types and ids.
	build(t *Tokenizer) (kind, error)
}

// kinds are the supported values of tokenizer.ggml.model.
var kinds = map[string]func() kindFile{
	"gpt2": func() kindFile { return new(byteBPEFile) },
}
