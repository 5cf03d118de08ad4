package tokenizer

// preSmolLM is SmolLM's and StarCoder's: GPT-2's between the numbers, each of which is a word.
var preSmolLM = preKind{
	names:       []string{"smollm", "starcoder", "refact", "command-r", "codeshell", "exaone", "minerva-7b", "mellum2"},
	expressions: []string{`\p{N}`, gpt2Expression},
	scanner:     func(t *classTable) preTokenizer { return &smolLMWords{scanner{t}} },
}

type smolLMWords struct{ scanner }

func (w *smolLMWords) next(s string, i int) int {
	if c, n := w.class(s, i); c == number {
		return i + n
	}
	return w.gpt2(s, i, number)
}
