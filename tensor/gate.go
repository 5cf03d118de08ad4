package tensor

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"cllm/kernels"
)

// spinTime is how long a worker spins at most before it parks. It covers the
// uneven ends of stages; parking and waking cost some 10 µs.
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

// wait returns once the phase is no longer the given one. It looks patience
// times before it first hands its processor on: someone it waits for may be
// ready to run on it.
func (g *gate) wait(phase uint32, patience int) {
	if g.spin(phase, patience) {
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

func (g *gate) spin(phase uint32, patience int) bool {
	var start time.Time
	for round := range 32 {
		for range patience {
			if g.phase.Load() != phase {
				return true
			}
			kernels.Pause(1)
		}
		switch now := time.Now(); {
		case round == 0: // most waits end before the clock is needed
			start = now
		case now.Sub(start) > spinTime:
			return false
		}
		runtime.Gosched()
	}
	return false
}
