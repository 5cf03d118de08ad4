package model

// llama is Llama 2 and 3, SmolLM2, Mistral and others of their form with dense
// layers. Neighbouring elements of a head rotate, and files of Llama 3.1 and
// later divide each frequency by a factor of its own.
func llama(l *loader) {
	l.refuse("expert_count", "experts")
	l.embedding()
	rope := l.rotation(pairs, l.optional("rope_freqs.weight", l.config.RopeDims/2))
	for layer := range l.layers() {
		layer.block("attn_norm", layer.attention(rope))
		layer.block("ffn_norm", layer.feedForward(silu))
	}
	l.head()
}
