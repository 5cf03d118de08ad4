package model

// qwen3 is Qwen3 with dense layers: the head size is the file's own, and heads
// are normalised before they are rotated.
func qwen3(l *loader) {
	l.embedding()
	rope := l.rotation(neox, nil)
	for n := range l.layers() {
		a := n.attention(rope)
		a.qNorm = n.norm("attn_q_norm", l.config.HeadDim)
		a.kNorm = n.norm("attn_k_norm", l.config.HeadDim)
		n.block("attn_norm", a)
		n.block("ffn_norm", n.feedForward(silu))
	}
	l.head()
}
