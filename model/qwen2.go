package model

// qwen2 is Qwen2 and Qwen2.5 with their Coder and Math variants, and the
// models distilled into them (DeepSeek-R1-Distill-Qwen): biases on q, k and v.
func qwen2(l *loader) {
	l.embedding()
	rope := l.rotation(neox, nil)
	for n := range l.layers() {
		n.block("attn_norm", n.attention(rope))
		n.block("ffn_norm", n.feedForward(silu))
	}
	l.head()
}
