package model

import (
	"maps"
	"slices"
	"strings"
)

// architecture says how one family of dense transformers differs from the
// others: what its layers have beside the weights that all of them have.
type architecture struct {
	qkvBias bool // biases on q, k and v
	qkNorm  bool // RMSNorm of each q and k head
}

// architectures are the supported values of general.architecture.
var architectures = map[string]architecture{
	"qwen2": qwen2,
	"qwen3": qwen3,
}

func supported() string {
	return strings.Join(slices.Sorted(maps.Keys(architectures)), ", ")
}
