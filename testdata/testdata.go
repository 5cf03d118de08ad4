// Package testdata holds the demo model that is built into the program, next
// to the files that only tests read.
package testdata

import _ "embed"

// Demo is a small Qwen2 of fairy tales in Q4_K_M, a whole GGUF file; how it
// was made stands in scripts/demo-model/README.md. It is read-only.
//
//go:embed demo-qwen2-q4_k_m.gguf
var Demo []byte
