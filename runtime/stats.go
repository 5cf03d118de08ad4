package runtime

import "maps"

// Stats are the engine's gauges and counters, as of its last step.
type Stats struct {
	Running int // sequences
	Waiting int // sequences that have not begun, or were preempted

	// Blocks of the KV cache: Blocks = Used + Cached + Free. Cached ones hold
	// a known prefix and are given up when room is needed.
	Blocks, Used, Cached, Free int

	RequestBytes int64 // that requests hold of [MemoryPlan].Requests

	// Counters since the start.
	Steps           uint64
	Preemptions     uint64
	PromptTokens    uint64 // computed
	CachedTokens    uint64 // found in the prefix cache instead
	GeneratedTokens uint64
	DraftedTokens   uint64 // proposed by prompt lookup
	AcceptedTokens  uint64 // of these, drawn
	Failed          uint64 // choices that ended with an error
	// Finished counts the choices that ended, by finish reason.
	Finished map[string]uint64
}

// Stats returns the engine's state. It never waits for a step.
func (e *Engine) Stats() Stats {
	e.mu.Lock()
	defer e.mu.Unlock()
	s := e.stats
	s.Waiting += len(e.inbox)
	s.RequestBytes = e.requests.used()
	s.Finished = maps.Clone(s.Finished)
	return s
}

// count changes the counters.
func (e *Engine) count(change func(*Stats)) {
	e.mu.Lock()
	change(&e.stats)
	e.mu.Unlock()
}

// publish sets the gauges.
func (e *Engine) publish() {
	s, p := e.sched, e.sched.pool
	e.count(func(t *Stats) {
		t.Running, t.Waiting = len(s.running), s.waiting.n
		t.Blocks, t.Cached, t.Free = len(p.blocks), p.cached, len(p.free)
		t.Used = t.Blocks - t.Cached - t.Free
		t.Preemptions, t.CachedTokens = uint64(s.preemptions), uint64(s.cachedTokens)
	})
}
