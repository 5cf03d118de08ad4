package model

// qwen3 is Qwen3 with dense layers: the head size is the file's own, heads
// are normalised before they are rotated, and there are no biases.
var qwen3 = architecture{qkNorm: true}
