package tokenizer

var llama3Expressions = []string{`(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|` +
	` ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`}

func llama3Words(t *classTable) preTokenizer { return &gpt4Words{scanner{t}, letter, signs, 3} }

// preLlama3 is Llama 3's: GPT-4's, with words that are tokens taken as they are.
var preLlama3 = preKind{
	names:       []string{"llama-bpe", "llama3", "llama-v3", "falcon3", "falcon-h1", "pixtral", "midm-2.0", "lfm2", "jina-v5-nano"},
	expressions: llama3Expressions, scanner: llama3Words, ignoreMerges: true, addBOS: true,
}

// preLlama3Merges are those that split like Llama 3, but merge every word.
var preLlama3Merges = preKind{
	names:       []string{"dbrx", "smaug-bpe", "glm4", "chatglm-bpe"},
	expressions: llama3Expressions, scanner: llama3Words,
}
