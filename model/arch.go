package model

import (
	"maps"
	"slices"
	"strings"
)

// architecture describes the models of one value of general.architecture.
type architecture struct {
	// shape reads the metadata.
	shape func(*metadata) (Config, error)
	// describe binds the tensors as blocks, in the words of block.go, which the
	// forward pass runs one after another.
	describe func(*loader)
}

// architectures are the supported values of general.architecture.
var architectures = map[string]architecture{
	"llama": {dense, llama},
	"qwen2": {dense, qwen2},
	"qwen3": {dense, qwen3},
}

func supported() string {
	return strings.Join(slices.Sorted(maps.Keys(architectures)), ", ")
}
