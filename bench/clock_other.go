//go:build !windows

package bench

import "time"

var epoch = time.Now()

// clock is the time since some moment, as finely as the system has it.
func clock() time.Duration { return time.Since(epoch) }
