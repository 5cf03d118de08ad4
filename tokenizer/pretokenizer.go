package tokenizer

import "slices"

// preTokenizer splits text into the words within which merges happen.
type preTokenizer interface {
	// next returns the end of the word that starts at i, which must be within s; s is a whole stretch
	// between special tokens, as repair leaves it.
	next(s string, i int) int
}

// preKind is a pre-tokenizer that files may name. A file pre_*.go defines each.
type preKind struct {
	names []string // the values of tokenizer.ggml.pre
	// expressions are what llama.cpp splits by, one after the other, matches and what is between them;
	// the scanner is written by hand, and tests hold it to them.
	expressions []string
	scanner     func(*classTable) preTokenizer
	// ignoreMerges: a word that is a token is not merged from its bytes.
	ignoreMerges bool
	addBOS       bool // where the file does not say
}

// preKinds are the supported pre-tokenizers.
var preKinds = []*preKind{&preQwen2, &preQwen35, &preLlama3, &preLlama3Merges, &preGPT2, &preSmolLM, &preDefault}

// findPre returns the pre-tokenizer of a name, nil if there is none.
func findPre(name string) *preKind {
	for _, p := range preKinds {
		if slices.Contains(p.names, name) {
			return p
		}
	}
	return nil
}

// preNames are all values of tokenizer.ggml.pre that are supported.
func preNames() (names []string) {
	for _, p := range preKinds {
		names = append(names, p.names...)
	}
	return names
}
