package tokenizer

const gpt2Expression = `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)`

// preGPT2 is GPT-2's. Names whose models want more (jina-v2-*: tokens that swallow blanks; roberta-bpe:
// separators) are not supported.
var preGPT2 = preKind{
	names: []string{"gpt-2", "phi-2", "jina-es", "jina-de", "gigachat", "a.x-4.0", "mellum", "modern-bert",
		"exaone4", "mpt", "olmo", "jais", "trillion", "granite-docling"},
	expressions: []string{gpt2Expression},
	scanner:     func(t *classTable) preTokenizer { return &gpt2Words{scanner{t}} },
}

type gpt2Words struct{ scanner }

func (w *gpt2Words) next(s string, i int) int { return w.gpt2(s, i, 0) }
