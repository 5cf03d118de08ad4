package model

// qwen3 is Qwen3 with dense layers: the head size is the file's own, and heads
// are normalised before they are rotated.
func qwen3(l *loader) {
	l.embedding()
	rope := l.rotation(neox, nil)
	for layer := range l.layers() {
		a := layer.attention(rope)
		a.qNorm = layer.norm("attn_q_norm", l.config.HeadDim)
		a.kNorm = layer.norm("attn_k_norm", l.config.HeadDim)
		layer.block("attn_norm", a)
		layer.block("ffn_norm", layer.feedForward(silu))
	}
	l.head()
}
