package runtime

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"cllm/model"
)

// betweenPasses is a model that notes the longest time between two passes: what
// the engine does beside computing.
type betweenPasses struct {
	forwarder
	mu      sync.Mutex
	last    time.Time
	longest time.Duration
}

func (m *betweenPasses) Forward(b *model.Batch) ([][]float32, error) {
	m.mu.Lock()
	if !m.last.IsZero() {
		m.longest = max(m.longest, time.Since(m.last))
	}
	m.mu.Unlock()
	out, err := m.forwarder.Forward(b)
	m.mu.Lock()
	m.last = time.Now()
	m.mu.Unlock()
	return out, err
}

// worst returns the longest time since it was asked before.
func (m *betweenPasses) worst() time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	d := m.longest
	m.longest, m.last = 0, time.Time{}
	return d
}

// worstNeighbours are requests that are as large as one can be.
func worstNeighbours(d demo, context int) map[string]Request {
	long := d.prose(context * 7 / 10)
	vocab := min(d.tok.Size(), d.m.Config().Vocab)
	biases := make(map[int32]float32, vocab)
	for id := range vocab {
		biases[int32(id)] = float32(id%7) / 100
	}
	stops := make([]string, maxStops)
	for i := range stops {
		stops[i] = strings.Repeat(" a", maxStopBytes/2-1) + string(rune('A'+i%26))
	}
	ids := make([]int32, vocab)
	for i := range ids {
		ids[i] = int32(i)
	}
	sampled := Sampling{Temperature: 0.7, TopP: 0.9, TopK: 40}
	penalties := sampled
	penalties.RepetitionPenalty, penalties.PenaltyWindow = 1.1, -1
	biased := sampled
	biased.LogitBias = biases
	return map[string]Request{
		"echo":      {Prompt: long, Echo: true, LogProbs: true, TopLogProbs: 20, N: 48, MaxTokens: 24, IgnoreEOS: true},
		"choices":   {Prompt: long, N: 48, MaxTokens: 24, IgnoreEOS: true, Sampling: sampled},
		"biases":    {Prompt: long[:20], N: 8, MaxTokens: 64, IgnoreEOS: true, Sampling: biased},
		"penalties": {Prompt: long, N: 8, MaxTokens: 64, IgnoreEOS: true, Sampling: penalties},
		"stops":     {Prompt: long[:20], N: 8, MaxTokens: 64, IgnoreEOS: true, Stop: stops, StopTokens: ids[:vocab/2], MinTokens: 60},
		"drafts":    {Prompt: long, MaxTokens: 200, IgnoreEOS: true},
	}
}

// The largest gap between tokens of a sequence that generates, alone, beside a
// plain neighbour, and beside one that is as large as one can be; and the
// longest time that the engine spent between two passes of the model, sampling
// included.
func BenchmarkGapBesideWorstRequests(b *testing.B) {
	for _, m := range []struct {
		name    string
		open    func(testing.TB) demo
		context int
	}{
		{"demo", func(b testing.TB) demo { return openDemo(b, "demo-qwen2-q4_k_m.gguf") }, 1024},
		{"real", openReal, 2800},
	} {
		b.Run(m.name, func(b *testing.B) {
			d := m.open(b)
			e := d.start(b, Options{Context: m.context, Parallel: 64, NoPrefixCache: true, RequestMemory: 256 << 20})
			between := &betweenPasses{forwarder: e.model}
			e.model = between
			all := worstNeighbours(d, m.context)
			all["none"] = Request{}
			all["plain"] = Request{Prompt: d.prose(20), MaxTokens: 64, IgnoreEOS: true}
			for _, name := range []string{"none", "plain", "echo", "choices", "biases", "penalties", "stops", "drafts"} {
				b.Run(name, func(b *testing.B) {
					var largest, beside time.Duration
					for b.Loop() {
						gap, other := neighboursGap(b, e, between, d, all[name])
						largest, beside = max(largest, gap), max(beside, other)
					}
					b.ReportMetric(largest.Seconds()*1e3, "gap-ms")
					b.ReportMetric(beside.Seconds()*1e3, "between-passes-ms")
				})
			}
		})
	}
}

// neighboursGap measures one sequence from when a neighbour comes until it has
// left, or for some tokens when there is none.
func neighboursGap(b *testing.B, e *Engine, between *betweenPasses, d demo, neighbour Request) (gap, beside time.Duration) {
	s, err := e.Submit(b.Context(), Request{Prompt: d.prose(30), IgnoreEOS: true, Sampling: Sampling{Temperature: 1, Seed: FixedSeed(1)}})
	require.NoError(b, err)
	defer s.Close()
	var left chan struct{}
	last, tokens := time.Time{}, 0
	for ev, err := range s.Events() {
		require.NoError(b, err)
		now := time.Now()
		if tokens += len(ev.Tokens); left != nil {
			gap = max(gap, now.Sub(last))
		}
		last = now
		switch {
		case tokens > 4 && left == nil:
			left = make(chan struct{})
			between.worst()
			go func() {
				defer close(left)
				if neighbour.Prompt == nil {
					time.Sleep(300 * time.Millisecond)
					return
				}
				n, err := e.Submit(b.Context(), neighbour)
				if err != nil {
					b.Error(err)
					return
				}
				for range n.Events() { // read, and dropped
				}
			}()
		case left != nil:
			select {
			case <-left:
				return gap, between.worst()
			default:
			}
		}
	}
	return gap, between.worst()
}
