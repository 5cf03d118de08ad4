package model

// qwen2 is Qwen2 and Qwen2.5 with their Coder and Math variants, and the
// models distilled into them (DeepSeek-R1-Distill-Qwen): biases on q, k and v.
func qwen2(l *loader) {
	l.embedding()
	rope := l.rotation(neox, nil)
	for layer := range l.layers() {
		layer.block("attn_norm", layer.attention(rope))
		layer.block("ffn_norm", layer.feedForward(silu))
	}
	l.head()
}
