package tokenizer

// preQwen2 is Qwen2's to Qwen3's: GPT-4's with each number by itself.
var preQwen2 = preKind{
	names: []string{"qwen2", "deepseek-r1-qwen", "kormo", "f2llmv2", "megrez", "stablelm2", "hunyuan", "solar-open", "grok-2"},
	expressions: []string{`(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}|` +
		` ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`},
	scanner: func(t *classTable) preTokenizer { return &gpt4Words{scanner{t}, letter, signs, 1} },
}
