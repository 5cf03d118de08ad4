package model

// qwen2 is Qwen2 and Qwen2.5 with their Coder and Math variants, and the
// models distilled into them (DeepSeek-R1-Distill-Qwen).
var qwen2 = architecture{qkvBias: true}
