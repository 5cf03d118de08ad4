package runtime

import "cllm/kernels"

// workspace is the memory of one worker that samples. The vocabulary is never
// sorted: the maxima of short runs of logits, which a vector instruction finds
// at the speed of memory, say which runs can hold a token worth looking at.
type workspace struct {
	max     func([]float32) float32
	add     func(dst, x []float32)
	maxima  []float32 // of each run of logits
	order   []float32 // the same, for selection
	kept    []candidate
	bins    []logitBin
	patches []candidate // logits that were overwritten
	row     []float32   // a copy of the logits
	counts  []int32     // of each token in a penalty's window; zero between uses
	seen    []int32     // tokens with a count
	allowed []uint64    // by a constraint
}

const (
	// runLength is the number of logits that are skipped or read together.
	runLength = 128
	// Logits are weighed in bins, binsPerUnit to a unit below the greatest. The
	// last is for all that is further below, less likely than the first token
	// by a factor of e^32: together they weigh nothing.
	binsPerUnit = 32
	logitBins   = 32*binsPerUnit + 1
)

func newWorkspace(vocab int, k *kernels.Impl) *workspace {
	runs := (vocab + runLength - 1) / runLength
	return &workspace{
		max:     k.Max,
		add:     k.Add,
		maxima:  make([]float32, 0, runs),
		order:   make([]float32, 0, runs),
		kept:    make([]candidate, 0, vocab),
		bins:    make([]logitBin, logitBins),
		patches: make([]candidate, 0, mostPatches),
		row:     make([]float32, vocab),
		counts:  make([]int32, vocab),
		seen:    make([]int32, 0, vocab),
		allowed: make([]uint64, (vocab+63)/64),
	}
}

// mostPatches is the number of logits up to which they are overwritten in
// place, and put back, instead of copying all.
const mostPatches = 1024

// workspaceBytes is the memory of a workspace.
func workspaceBytes(vocab int) int64 { return int64(vocab)*21 + 64<<10 }

// set overwrites a logit.
func (w *workspace) set(logits []float32, id int32, x float32) {
	if len(w.patches) < cap(w.patches) {
		w.patches = append(w.patches, candidate{id, logits[id]})
	}
	logits[id] = x
}

// restore puts back what was overwritten.
func (w *workspace) restore(logits []float32) {
	for i := len(w.patches) - 1; i >= 0; i-- {
		logits[w.patches[i].id] = w.patches[i].logit
	}
	w.patches = w.patches[:0]
}

// countTokens counts the tokens of h, in counts and seen, and returns how many
// different ones there are.
func (w *workspace) countTokens(h history) int {
	for _, ids := range [...][]int32{h.prompt, h.drawn} {
		for _, id := range ids {
			if w.counts[id] == 0 {
				w.seen = append(w.seen, id)
			}
			w.counts[id]++
		}
	}
	return len(w.seen)
}

// clearCounts makes the counts zero again.
func (w *workspace) clearCounts() {
	for _, id := range w.seen {
		w.counts[id] = 0
	}
	w.seen = w.seen[:0]
}
