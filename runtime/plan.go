package runtime

import (
	"fmt"
	"strings"

	"cllm/kernels"
	"cllm/machine"
	"cllm/model"
)

// MemoryPlan is where the memory of an engine goes, in bytes. All of it is
// taken at the start, or mapped, and nothing grows after.
type MemoryPlan struct {
	Weights int64 // mapped from the file; the page cache, shared by processes
	KV      int64 // Blocks × BlockBytes
	Scratch int64 // of the forward pass and the sampler
	// Requests is what all requests together may hold, beyond which one is
	// refused ([ErrQueueFull]; [*MemoryError] when it could never fit).
	Requests int64
	Margin   int64 // tokenizer, running sequences, Go itself, and the caller's
	Total    int64
	Others   int64 // Total of the other engines that draw from the same ledger
	Limit    int64 // what Total must stay under; 0: not known
	Source   string

	Blocks      int // of the KV cache
	BlockBytes  int64
	BlockTokens int
	Context     int // most tokens of a sequence
	Parallel    int
	KVFormat    kernels.KVFormat
}

const (
	mib = 1 << 20

	// automaticKV is the KV cache taken when nobody says how much, unless the
	// sequences cannot fill it or one context needs more.
	automaticKV = 1024 * mib
	// leastContext is the shortest context that is worth starting with.
	leastContext = 256

	marginBase     = 48 * mib // Go's runtime, code, garbage between collections
	marginPerToken = 320      // of the vocabulary: texts, tables, merges
	// bytesPerDrawn is for a token that was drawn: its id and its place in the
	// index of drafts, in slices that grow, of sequences that wait for blocks too.
	bytesPerDrawn = 32
	// bytesPerBlock is what a block of the KV cache needs beside its own bytes:
	// its entry in the pool and in the prefix cache, the tokens in it.
	bytesPerBlock = 512 + blockTokens*bytesPerDrawn
	// unreadShare is the bytes of text, ids and log-probabilities that a choice
	// may have unread.
	unreadShare = 16 << 10
)

// placeBytes is the memory of a sequence that has begun, its tokens aside: what
// is unread, in buffers that grow and in the reader's hand; its block table; the
// heads of its index; its own state.
func placeBytes(context int) int64 {
	return 4*unreadShare + 4*int64(model.BlocksFor(context)) + 4*ownHeads + 8<<10
}

// Plan computes where the memory goes for a model and options, before anything
// is loaded. It fits what is left automatic, and returns an error with the
// numbers, and with advice, when the rest does not fit.
func Plan(c model.Config, o Options, m machine.Memory) (*MemoryPlan, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	return makePlan(c, o, m, 0)
}

// makePlan is Plan for options in force, beside engines of the same process that
// hold others bytes.
func makePlan(c model.Config, o Options, m machine.Memory, others int64) (*MemoryPlan, error) {
	if o.Context > c.Context {
		return nil, fmt.Errorf("context %d: the model was made for 1 to %d tokens", o.Context, c.Context)
	}
	p := &MemoryPlan{
		Weights:     c.WeightBytes,
		Scratch:     model.ScratchBytes(c, o.Threads, o.StepTokens, o.outputs()) + int64(o.Threads)*workspaceBytes(c.Vocab),
		Requests:    o.RequestMemory,
		Others:      others,
		BlockBytes:  model.BlockBytes(c, o.KVFormat),
		BlockTokens: blockTokens,
		Parallel:    o.Parallel,
		KVFormat:    o.KVFormat,
	}
	p.setLimit(o.MemoryLimit, m)
	p.Margin = marginBase + o.CallerMemory + int64(c.Vocab)*marginPerToken

	context := o.Context
	if context == 0 {
		context = c.Context
	}
	p.Margin += int64(o.Parallel) * placeBytes(context)
	fixed := p.Weights + p.Scratch + p.Requests + p.Margin
	tokens := func(bytes int64) int64 { return bytes / p.BlockBytes * blockTokens }
	var most int64 // tokens that fit
	if p.Limit > 0 {
		most = max((p.Limit-p.Others-fixed)/(p.BlockBytes+bytesPerBlock)*blockTokens, 0)
	} else {
		most = 1 << 40
	}
	want := tokens(o.KVMemory)
	if o.KVMemory == 0 {
		enough := max(tokens(automaticKV), 4096)
		if o.Context > 0 {
			enough = max(enough, roundUp(o.Context))
		}
		want = min(roundUp(context)*int64(o.Parallel), enough)
		if o.Context == 0 || most >= roundUp(o.Context) {
			want = min(want, most)
		}
	}
	least := int64(min(context, leastContext))
	if o.Context > 0 {
		least = int64(o.Context)
	}
	if want < least {
		if o.KVMemory > 0 {
			return nil, fmt.Errorf("a KV cache of %s holds %d tokens, a context of %d needs %s: "+
				"raise the KV cache's memory or lower the context", size(o.KVMemory), want, least, size(p.bytesFor(least)))
		}
		want = roundUp(int(least))
	}
	p.Blocks = int(want / blockTokens)
	p.KV = int64(p.Blocks) * p.BlockBytes
	p.Margin += int64(p.Blocks) * bytesPerBlock
	p.Context = int(min(int64(context), want))
	p.Total = p.Weights + p.KV + p.Scratch + p.Requests + p.Margin
	if p.Limit > 0 && p.Total+p.Others > p.Limit {
		beside := ""
		if p.Others > 0 {
			beside = fmt.Sprintf(", of which other engines hold %s", size(p.Others))
		}
		return nil, fmt.Errorf("the model needs %s (weights %s, KV cache %s for %d tokens, scratch %s, requests %s, margin %s), "+
			"the %s allows %s%s: lower the context, the KV cache's memory, the requests' or the number of parallel sequences, "+
			"store keys and values in Q8_0, or take a smaller model",
			size(p.Total), size(p.Weights), size(p.KV), want, size(p.Scratch), size(p.Requests), size(p.Margin), p.Source, size(p.Limit), beside)
	}
	return p, nil
}

// setLimit takes the smallest limit. One that the user gives replaces what
// others leave just now, but not what the machine and the group have at all.
func (p *MemoryPlan) setLimit(user int64, m machine.Memory) {
	lower := func(bytes int64, source string) {
		if bytes > 0 && (p.Limit == 0 || bytes < p.Limit) {
			p.Limit, p.Source = bytes, source
		}
	}
	if user > 0 {
		lower(user, "memory limit")
	} else {
		lower(m.Available, "memory available")
		if m.GroupOthers > 0 {
			// One byte when they have all: still a limit, that nothing fits.
			lower(max(m.GroupLimit-m.GroupOthers, 1), fmt.Sprintf("control group (%s, others hold %s)", size(m.GroupLimit), size(m.GroupOthers)))
		}
	}
	lower(m.GroupLimit, "control group")
	lower(m.Total, "machine's memory")
}

// goBytes is what of the plan is on Go's heap.
func (p *MemoryPlan) goBytes() int64 { return p.Scratch + p.Requests + p.Margin }

// bytesFor is the KV memory of so many tokens.
func (p *MemoryPlan) bytesFor(tokens int64) int64 {
	return roundUp(int(tokens)) / blockTokens * p.BlockBytes
}

func roundUp(tokens int) int64 { return int64(model.BlocksFor(tokens)) * blockTokens }

// String is the plan as a table.
func (p *MemoryPlan) String() string {
	var b strings.Builder
	line := func(name string, bytes int64, format string, a ...any) {
		fmt.Fprintf(&b, "%-10s %11s  %s\n", name, size(bytes), fmt.Sprintf(format, a...))
	}
	tokens := p.Blocks * p.BlockTokens
	line("weights", p.Weights, "mapped from the file")
	line("KV cache", p.KV, "%d blocks of %d tokens in %s: %d tokens, %.1f sequences of %d",
		p.Blocks, p.BlockTokens, p.KVFormat, tokens, float64(tokens)/float64(p.Context), p.Context)
	line("scratch", p.Scratch, "for up to %d sequences at once", p.Parallel)
	line("requests", p.Requests, "prompts, log-probabilities and whole answers of all requests; beyond it 429")
	line("margin", p.Margin, "tokenizer, running sequences, runtime")
	if p.Others > 0 {
		line("others", p.Others, "other engines of this process")
	}
	if p.Limit > 0 {
		line("total", p.Total+p.Others, "of %s (%s)", size(p.Limit), p.Source)
	} else {
		line("total", p.Total, "no limit known")
	}
	return b.String()
}

// size formats bytes for people.
func size(n int64) string {
	if n >= 10*1024*mib {
		return fmt.Sprintf("%.1f GiB", float64(n)/(1024*mib))
	}
	return fmt.Sprintf("%.1f MiB", float64(n)/mib)
}
