package model

import (
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"cllm/kernels"
)

// The KV pool is not on Go's heap: the collector's limit is without it.
func TestKVCacheIsOffTheHeap(t *testing.T) {
	const size = 256 << 20
	c := Config{Layers: 4, KVHeads: 2, HeadDim: 64}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	kv, err := NewKVCache(c, kernels.KVF16, int(size/BlockBytes(c, kernels.KVF16)))
	require.NoError(t, err)
	require.Len(t, kv.data, size)
	runtime.ReadMemStats(&after)
	require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(size/16))
	require.Less(t, after.Sys-before.Sys, uint64(size/2))

	require.Zero(t, kv.data[0])
	kv.data[size-1] = 1 // it is there, to the end
	require.NoError(t, kv.Close())
	require.NoError(t, kv.Close(), "a second time is nothing")
}
