package model

import (
	"maps"
	"slices"
	"strings"
)

// architecture describes the models of one value of general.architecture. It
// takes what it needs from their file and leaves blocks, in the words of
// block.go, that the forward pass runs one after another.
type architecture func(*loader)

// architectures are the supported values of general.architecture.
var architectures = map[string]architecture{
	"llama": llama,
	"qwen2": qwen2,
	"qwen3": qwen3,
}

func supported() string {
	return strings.Join(slices.Sorted(maps.Keys(architectures)), ", ")
}
