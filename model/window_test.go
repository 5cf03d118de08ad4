package model

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// A layer with a window sees that many positions and no more: what is older than
// all layers together reach back to changes nothing, the next tokens do. The bits
// are the same however the work is cut.
func TestWindows(t *testing.T) {
	m := open(t, "demo-qwen2-q4_k_m.gguf")
	tokens := randomTokens(9, segmentTokens+100, m.Config().Vocab)
	rig := func(threads int) *rig {
		return newRig(t, m, rigOptions{threads: threads, maxTokens: len(tokens), maxOutputs: 4, blocks: 64})
	}
	full := rig(2).alone(tokens, len(tokens), 3)
	windows := func(n int) {
		for i := range m.blocks {
			if a, ok := m.blocks[i].op.(*attention); ok {
				a.window = n
			}
		}
	}
	defer windows(everything)
	windows(len(tokens))
	require.Equal(t, full, rig(2).alone(tokens, len(tokens), 3), "a window over all positions")

	for _, window := range []int{1, 33, 70} {
		windows(window)
		want := rig(2).alone(tokens, len(tokens), 3)
		require.NotEqual(t, full, want)
		require.Equal(t, want, rig(1).alone(tokens, 37, 3), "window %d, chunks of 37", window)
		require.Equal(t, want, rig(3).oneByOne(tokens, 3), "window %d, decoded by 3 threads", window)

		last := func(from, to int) uint64 {
			other := slices.Clone(tokens)
			for i := from; i < to; i++ {
				other[i] = (other[i] + 1) % int32(m.Config().Vocab)
			}
			return rig(2).alone(other, len(other), 1)[0]
		}
		oldest := len(tokens) - 1 - m.Config().Layers*(window-1)
		require.Equal(t, want[2], last(0, oldest), "window %d", window)
		require.NotEqual(t, want[2], last(0, oldest+window/4+1), "window %d", window)
	}
}
