package tensor

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"cllm/kernels"
)

// spinTime is how long a worker spins before it parks. It covers the serial
// gaps within a step (sampling excepted); parking and waking cost some 10 µs.
const spinTime = 50 * time.Microsecond

// gate lets goroutines wait until a phase has passed: first spinning, then
// parked. The zero value is not ready; call init.
type gate struct {
	phase  atomic.Uint32
	_      [60]byte // the waiters' cache line is their own
	parked atomic.Int32
	mu     sync.Mutex
	cond   sync.Cond
}

func (g *gate) init() { g.cond.L = &g.mu }

// open ends the current phase and wakes everyone who waits for that.
func (g *gate) open() {
	g.phase.Add(1)
	if g.parked.Load() > 0 {
		g.mu.Lock()
		g.cond.Broadcast()
		g.mu.Unlock()
	}
}

// wait returns once the phase is no longer the given one. With crowded set
// there are more workers than processors: then it hands the processor on
// instead of spinning on it.
func (g *gate) wait(phase uint32, crowded bool) {
	if g.spin(phase, crowded) {
		return
	}
	// Either open sees parked > 0 and broadcasts, or the loop sees its phase.
	g.parked.Add(1)
	g.mu.Lock()
	for g.phase.Load() == phase {
		g.cond.Wait()
	}
	g.mu.Unlock()
	g.parked.Add(-1)
}

func (g *gate) spin(phase uint32, crowded bool) bool {
	if crowded {
		for range 32 {
			if g.phase.Load() != phase {
				return true
			}
			runtime.Gosched()
		}
		return false
	}
	for range 16 { // most waits are short: no clock yet
		if g.phase.Load() != phase {
			return true
		}
		kernels.Pause(1)
	}
	for start := time.Now(); time.Since(start) < spinTime; {
		for range 8 {
			if g.phase.Load() != phase {
				return true
			}
			kernels.Pause(2)
		}
	}
	return false
}
