// Package model computes the forward pass of transformers on the weights of a
// model file, for batches of tokens of many sequences at once.
//
// The logits of a token depend on its sequence alone: not on the other
// sequences of the batch, how the prompt was cut into batches, or the number
// of workers. They are the same bits in every case.
package model

import "cllm/tensor"

// Model is a model's shape with its weights, which are views of its file. It
// is valid until the file is closed, and may be shared.
type Model struct {
	config   Config
	warnings []string

	embd      tensor.Matrix // [Vocab][Hidden]
	rotations []*rotation
	blocks    []block
	lastMixer int // the last block that mixes positions

	outputNorm norm
	output     linear // [Vocab][Hidden], the matrix is embd when tied
}

// Config returns the model's shape.
func (m *Model) Config() Config { return m.config }

// Warnings are what was odd about the file and made no difference, a line each.
func (m *Model) Warnings() []string { return m.warnings }
