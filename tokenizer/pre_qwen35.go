package tokenizer

// preQwen35 is Qwen3.5's: Qwen2's, in which combining marks go with the letters.
var preQwen35 = preKind{
	names: []string{"qwen35"},
	expressions: []string{`(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}|` +
		` ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`},
	scanner: func(t *classTable) preTokenizer { return &gpt4Words{scanner{t}, letter | mark, signs &^ mark, 1} },
}
