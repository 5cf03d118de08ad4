package runtime

import (
	"maps"
	"runtime/debug"
	"slices"
	"sync"

	"cllm/machine"
	"cllm/model"
)

// Ledger is the memory of a process that engines draw from: each is planned
// against what the others hold, and refused with the numbers when it does not
// fit beside them.
//
// What is the process's belongs to the ledger too: it has Go collect garbage
// sooner near what the plans leave to Go (debug.SetMemoryLimit), as long as an
// engine draws from it.
type Ledger struct {
	memory machine.Memory
	limit  int64
	before int64 // Go's limit without this ledger

	mu    sync.Mutex
	plans map[*Engine]*MemoryPlan
}

// NewLedger makes the ledger of the process. limit is the bytes of all engines
// together; 0 is what machine and control groups leave now.
func NewLedger(limit int64) *Ledger {
	return &Ledger{memory: machine.ReadMemory(), limit: limit, plans: map[*Engine]*MemoryPlan{}, before: debug.SetMemoryLimit(-1)}
}

// Plan computes where the memory of one engine more would go, like [Plan].
func (l *Ledger) Plan(c model.Config, o Options) (*MemoryPlan, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.plan(c, o)
}

func (l *Ledger) plan(c model.Config, o Options) (*MemoryPlan, error) {
	o.MemoryLimit = l.limit // of all together
	var others int64
	for _, p := range l.plans {
		others += p.Total - marginBase // which the process has once
	}
	return makePlan(c, o, l.memory, others)
}

// Plans are those of the engines that draw from the ledger now.
func (l *Ledger) Plans() []*MemoryPlan {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Collect(maps.Values(l.plans))
}

// enter plans an engine and notes what it takes.
func (l *Ledger) enter(e *Engine, c model.Config, o Options) (*MemoryPlan, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	p, err := l.plan(c, o)
	if err != nil {
		return nil, err
	}
	l.plans[e] = p
	l.govern()
	return p, nil
}

// leave gives back what an engine took.
func (l *Ledger) leave(e *Engine) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.plans, e)
	l.govern()
}

// collectorSlack is the part of the planned memory that the collector does not
// count on: its limit is overrun by what is allocated while it collects.
const collectorSlack = 8

// govern sets the limit of Go's collector.
func (l *Ledger) govern() {
	limit := int64(marginBase)
	for _, p := range l.plans {
		limit += p.goBytes() - marginBase
	}
	limit -= limit / collectorSlack
	if len(l.plans) == 0 {
		limit = l.before
	}
	debug.SetMemoryLimit(limit)
}
