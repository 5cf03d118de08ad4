package model

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"cllm/kernels"
)

func randomTokens(seed uint64, n, vocab int) []int32 {
	rnd := rand.New(rand.NewPCG(seed, 1))
	tokens := make([]int32, n)
	for i := range tokens {
		tokens[i] = rnd.Int32N(int32(vocab))
	}
	return tokens
}

// alone computes the logits' hashes of a sequence's last n positions, chunk
// tokens at a time.
func (r *rig) alone(tokens []int32, chunk, n int) []uint64 {
	blocks := r.blocksFor(len(tokens))
	var hashes []uint64
	for lo := 0; lo < len(tokens); lo += chunk {
		hi := min(lo+chunk, len(tokens))
		wanted := max(0, min(hi-lo, hi-(len(tokens)-n)))
		for _, row := range r.forward(Span{Tokens: tokens[lo:hi], Pos: lo, Blocks: blocks, Logits: wanted}) {
			hashes = append(hashes, Hash(row))
		}
	}
	return hashes
}

// The logits of a token are the same bits however its sequence is cut into
// batches, whatever else is in them, and on any number of workers.
func TestLogitsDependOnTheSequenceAlone(t *testing.T) {
	for _, c := range []struct {
		file   string
		format kernels.KVFormat
	}{
		{"demo-qwen2-q4_k_m.gguf", kernels.KVF16},
		{"demo-qwen2-q4_k_m.gguf", kernels.KVQ8},
		{"demo-qwen2-q4_k_m.gguf", kernels.KVF32},
		{"demo-qwen3-f16.gguf", kernels.KVF16},
	} {
		t.Run(fmt.Sprint(c.file, c.format), func(t *testing.T) {
			m := open(t, c.file)
			tokens := randomTokens(7, 75, m.Config().Vocab)
			const wanted = 6
			rig := func(threads int) *rig {
				return newRig(t, m, rigOptions{
					threads: threads, maxTokens: 300, maxOutputs: 16, blocks: 64, format: c.format,
				})
			}
			want := rig(2).alone(tokens, len(tokens), wanted)
			require.Len(t, want, wanted)
			require.NotEqual(t, want[0], want[1])

			for _, threads := range []int{1, 2, 4} {
				require.Equal(t, want, rig(threads).alone(tokens, 7, wanted), "chunks of 7 on %d threads", threads)
			}
			require.Equal(t, want, rig(1).alone(tokens, len(tokens), wanted), "1 thread")
			require.Equal(t, want, rig(2).alone(tokens, 1, wanted), "token by token")
			require.Equal(t, want, rig(2).crowded(tokens, wanted), "among other sequences")
		})
	}
}

// The same where attention has several segments, which one worker walks for a
// prompt and several share out for a decoded token.
func TestSegmentsFoldToTheSameBits(t *testing.T) {
	m := open(t, "demo-qwen2-q4_k_m.gguf")
	tokens := randomTokens(8, 2*segmentTokens+20, m.Config().Vocab)
	rig := func(threads int) *rig {
		return newRig(t, m, rigOptions{threads: threads, maxTokens: len(tokens), maxOutputs: 4, blocks: 64})
	}
	want := rig(1).alone(tokens, len(tokens), 3)
	require.Equal(t, want, rig(3).oneByOne(tokens, 3))
}

// oneByOne prefills up to the wanted positions and then decodes.
func (r *rig) oneByOne(tokens []int32, n int) []uint64 {
	blocks := r.blocksFor(len(tokens))
	split := len(tokens) - n
	r.forward(Span{Tokens: tokens[:split], Blocks: blocks})
	var hashes []uint64
	for pos := split; pos < len(tokens); pos++ {
		out := r.forward(Span{Tokens: tokens[pos : pos+1], Pos: pos, Blocks: blocks, Logits: 1})
		hashes = append(hashes, Hash(out[0]))
	}
	return hashes
}

// crowded computes a sequence in uneven pieces beside five others that
// prefill, decode or want hidden states at the same time.
func (r *rig) crowded(tokens []int32, n int) []uint64 {
	rnd := rand.New(rand.NewPCG(3, 4))
	type other struct {
		tokens []int32
		blocks []int32
		pos    int
	}
	var others []other
	for i := range 5 {
		length := 10 + 9*i
		others = append(others, other{tokens: randomTokens(uint64(i), length, r.m.config.Vocab), blocks: r.blocksFor(length)})
	}
	blocks := r.blocksFor(len(tokens))
	var hashes []uint64
	for pos := 0; pos < len(tokens); {
		size := min(1+rnd.IntN(30), len(tokens)-pos)
		wanted := max(0, min(size, pos+size-(len(tokens)-n)))
		spans := []Span{{Tokens: tokens[pos : pos+size], Pos: pos, Blocks: blocks, Logits: wanted}}
		for i := range others {
			o := &others[i]
			k := min(1+rnd.IntN(2)*rnd.IntN(9), len(o.tokens)-o.pos)
			if k > 0 {
				spans = append(spans, Span{Tokens: o.tokens[o.pos : o.pos+k], Pos: o.pos, Blocks: o.blocks,
					Logits: rnd.IntN(2), Hidden: i%2 == 0})
				o.pos += k
			}
		}
		// The sequence takes a random place in the batch.
		at := rnd.IntN(len(spans))
		spans[0], spans[at] = spans[at], spans[0]
		skip := 0
		for _, s := range spans[:at] {
			skip += s.Logits
		}
		for _, row := range r.forward(spans...)[skip:][:wanted] {
			hashes = append(hashes, Hash(row))
		}
		pos += size
	}
	return hashes
}

// Every implementation of the kernels gives the bits of generic Go.
func TestLogitsAreTheSameOnEveryInstructionSet(t *testing.T) {
	m := open(t, "demo-qwen2-q4_k_m.gguf")
	tokens := randomTokens(9, 40, m.Config().Vocab)
	var want []uint64
	for _, k := range kernels.All() {
		if k.Missing != "" {
			t.Logf("%s: this CPU lacks %s", k.Name, k.Missing)
			continue
		}
		r := newRig(t, m, rigOptions{threads: 2, maxTokens: 64, maxOutputs: 40, blocks: 8, kernels: k.Name})
		got := r.alone(tokens, 23, 40)
		if want == nil {
			want = got
		}
		require.Equal(t, want, got, "%s differs from generic", k.Name)
	}
}

func TestHiddenStatesAreTheInputOfTheHead(t *testing.T) {
	m := open(t, "demo-qwen3-f16.gguf")
	r := newRig(t, m, rigOptions{threads: 2, maxTokens: 64, maxOutputs: 8, blocks: 8})
	tokens := randomTokens(1, 20, m.Config().Vocab)
	blocks := r.blocksFor(20)
	logits := slices.Clone(r.forward(Span{Tokens: tokens, Blocks: blocks, Logits: 1})[0])
	out := r.forward(Span{Tokens: tokens, Blocks: blocks, Logits: 3, Hidden: true})
	require.Len(t, out, 3)
	hidden := out[2]
	require.Len(t, hidden, m.Config().Hidden)
	row := make([]float32, m.Config().Hidden)
	for i := 0; i < len(logits); i += 500 {
		m.output.Row(row, i)
		sum := 0.0
		for j := range row {
			sum += float64(row[j]) * float64(hidden[j])
		}
		require.InDelta(t, sum, logits[i], 1e-3)
	}
}

func TestCopiedBlocksCarryTheSequenceOn(t *testing.T) {
	m := open(t, "demo-qwen2-q4_k_m.gguf")
	r := newRig(t, m, rigOptions{threads: 1, maxTokens: 64, maxOutputs: 2, blocks: 16})
	tokens := randomTokens(5, 41, m.Config().Vocab)
	blocks := r.blocksFor(41)
	r.forward(Span{Tokens: tokens[:40], Blocks: blocks})
	twin := []int32{blocks[0], r.blocksFor(1)[0]}
	r.cache.Copy(twin[1], blocks[1])
	want := Hash(r.forward(Span{Tokens: tokens[40:], Pos: 40, Blocks: blocks, Logits: 1})[0])
	other := Hash(r.forward(Span{Tokens: []int32{1}, Pos: 40, Blocks: blocks, Logits: 1})[0])
	require.NotEqual(t, want, other)
	require.Equal(t, want, Hash(r.forward(Span{Tokens: tokens[40:], Pos: 40, Blocks: twin, Logits: 1})[0]))
}

func TestForwardRefusesWhatDoesNotFit(t *testing.T) {
	m := open(t, "demo-qwen2-q4_k_m.gguf")
	r := newRig(t, m, rigOptions{threads: 1, maxTokens: 8, maxOutputs: 2, blocks: 4})
	b := []int32{0, 1}
	for want, spans := range map[string][]Span{
		"span 1 has no tokens":              {{Tokens: []int32{1}, Blocks: b}, {Blocks: b}},
		"begins at position -1":             {{Tokens: []int32{1}, Pos: -1, Blocks: b}},
		"ends at position 65":               {{Tokens: []int32{1}, Pos: 64, Blocks: b}},
		"wants 2 outputs of 1 tokens":       {{Tokens: []int32{1}, Blocks: b, Logits: 2}},
		"token -1 is outside":               {{Tokens: []int32{-1}, Blocks: b}},
		"token 4096 is outside":             {{Tokens: []int32{4096}, Blocks: b}},
		"block 4 is outside":                {{Tokens: []int32{1}, Blocks: []int32{4}}},
		"the batch has 9 tokens":            {{Tokens: make([]int32, 9), Blocks: b}},
		"wants 3 outputs, the runner gives": {{Tokens: make([]int32, 3), Blocks: b, Logits: 3}},
	} {
		_, err := r.Forward(&Batch{Spans: spans})
		require.ErrorContains(t, err, want)
	}
	out, err := r.Forward(&Batch{})
	require.NoError(t, err)
	require.Empty(t, out)
}
