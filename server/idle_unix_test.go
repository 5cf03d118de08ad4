//go:build unix

package server

import (
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// processorTime is what this process has used so far, of user and system.
func processorTime(t *testing.T) time.Duration {
	var u syscall.Rusage
	require.NoError(t, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// A server that has answered and has nothing to do uses no processor: no
// compute thread spins, no timer polls.
func TestIdleServerUsesNoProcessor(t *testing.T) {
	i := start(t, setup{})
	status, _ := i.v1("/v1/chat/completions", `{"messages":[{"role":"user","content":"x"}],"max_tokens":8}`)
	require.Equal(t, 200, status)
	i.idle()
	const watched = 3 * time.Second
	// What the tests before left to the collector may still run: the least of a
	// few spells is the server's own.
	used := watched
	for range 3 {
		before := processorTime(t)
		time.Sleep(watched)
		if used = min(used, processorTime(t)-before); used < watched/200 {
			break
		}
	}
	require.Less(t, used, watched/200, "processor time of an idle server in %v", watched)
}
