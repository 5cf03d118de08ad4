package model

import (
	"fmt"
	"math"

	"cllm/kernels"
)

// KVCache is the memory of keys and values: blocks of
// [kernels.BlockTokens] positions of one sequence, for all layers and heads.
// It is one mapping, [layer][block][KV head][kernels.KVBlockBytes], taken once;
// the system gives it pages as they are first written.
type KVCache struct {
	format  kernels.KVFormat
	layers  int
	blocks  int
	heads   int
	headDim int
	head    int // bytes of one head of a block
	data    []byte
}

// NewKVCache maps a cache of the given number of blocks.
func NewKVCache(c Config, format kernels.KVFormat, blocks int) (*KVCache, error) {
	if format >= kernels.NumKVFormats {
		return nil, fmt.Errorf("KV format %d is not known", format)
	}
	size := BlockBytes(c, format)
	if blocks < 1 || int64(blocks) > math.MaxInt/size {
		return nil, fmt.Errorf("a KV cache cannot have %d blocks of %d bytes", blocks, size)
	}
	data, err := mapMemory(int(size) * blocks)
	if err != nil {
		return nil, fmt.Errorf("taking %d bytes for the KV cache: %w", size*int64(blocks), err)
	}
	return &KVCache{
		format: format, layers: c.Layers, blocks: blocks, heads: c.KVHeads, headDim: c.HeadDim,
		head: kernels.KVBlockBytes(format, c.HeadDim), data: data,
	}, nil
}

// BlockBytes is the memory of one block: of all layers and heads.
func BlockBytes(c Config, format kernels.KVFormat) int64 {
	return int64(c.Layers) * int64(c.KVHeads) * int64(kernels.KVBlockBytes(format, c.HeadDim))
}

// BlocksFor is the number of blocks that hold so many positions of a sequence.
func BlocksFor(positions int) int {
	return (positions + kernels.BlockTokens - 1) / kernels.BlockTokens
}

// Blocks is the number of blocks.
func (kv *KVCache) Blocks() int { return kv.blocks }

// Close gives the memory back.
func (kv *KVCache) Close() error {
	data := kv.data
	kv.data = nil
	return unmapMemory(data)
}

// Copy sets block dst to block src.
func (kv *KVCache) Copy(dst, src int32) {
	for l := range kv.layers {
		copy(kv.layer(l, dst), kv.layer(l, src))
	}
}

// layer is what one layer keeps in a block.
func (kv *KVCache) layer(layer int, block int32) []byte {
	n := kv.heads * kv.head
	return kv.data[(layer*kv.blocks+int(block))*n:][:n:n]
}

// at is what one head of one layer keeps in a block.
func (kv *KVCache) at(layer int, block int32, head int) []byte {
	return kv.layer(layer, block)[head*kv.head:][:kv.head:kv.head]
}
