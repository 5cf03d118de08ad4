package tensor

import "cllm/machine"

// DefaultThreads is the number of workers that this process can really run at
// once: the processors it may use, a quota of them rounded down, since a
// worker that is throttled lets all the others wait at the next barrier. At
// least 1.
func DefaultThreads() int { return max(int(machine.CPUs()), 1) }
