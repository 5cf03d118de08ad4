package bench

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// What is measured may take microseconds: the clock must see them.
func TestClockIsFine(t *testing.T) {
	steps := 0
	for begin, last := clock(), clock(); last-begin < 10*time.Millisecond; {
		if now := clock(); now != last {
			require.Greater(t, now, last)
			steps++
			last = now
		}
	}
	require.Greater(t, steps, 100)
}
