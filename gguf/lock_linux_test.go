package gguf

import (
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"cllm/testdata"
)

// locked is the memory of this process that is locked, in bytes.
func locked(t *testing.T) int {
	status, err := os.ReadFile("/proc/self/status")
	require.NoError(t, err)
	kb, err := strconv.Atoi(string(regexp.MustCompile(`VmLck:\s*(\d+) kB`).FindSubmatch(status)[1]))
	require.NoError(t, err)
	return kb << 10
}

func TestLock(t *testing.T) {
	path := filepath.Join(t.TempDir(), "m.gguf")
	require.NoError(t, os.WriteFile(path, testdata.Demo, 0o600))
	f, err := Open(path)
	require.NoError(t, err)
	var limit unix.Rlimit
	require.NoError(t, unix.Getrlimit(unix.RLIMIT_MEMLOCK, &limit))
	if os.Geteuid() == 0 || limit.Cur > uint64(len(testdata.Demo)+1<<16) {
		require.NoError(t, f.Lock())
		require.GreaterOrEqual(t, locked(t), len(testdata.Demo))
	}
	require.NoError(t, f.Close())
	require.Zero(t, locked(t), "closing the file lets go of it")
}

// Without the right and with a low limit the error says which limit it is.
func TestLockOverTheLimit(t *testing.T) {
	path := filepath.Join(t.TempDir(), "m.gguf")
	require.NoError(t, os.WriteFile(path, testdata.Demo, 0o600))
	f, err := Open(path)
	require.NoError(t, err)
	defer f.Close()

	runtime.LockOSThread() // never unlocked: the thread, without its rights, ends with the test
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var rights [2]unix.CapUserData
	require.NoError(t, unix.Capget(&header, &rights[0]))
	rights[0].Effective &^= 1 << unix.CAP_IPC_LOCK
	require.NoError(t, unix.Capset(&header, &rights[0]))
	var limit unix.Rlimit
	require.NoError(t, unix.Getrlimit(unix.RLIMIT_MEMLOCK, &limit))
	require.NoError(t, unix.Setrlimit(unix.RLIMIT_MEMLOCK, &unix.Rlimit{Cur: 65536, Max: limit.Max}))
	defer func() { _ = unix.Setrlimit(unix.RLIMIT_MEMLOCK, &limit) }()

	err = f.Lock()
	require.ErrorContains(t, err, path+": locking ")
	require.ErrorContains(t, err, "(ulimit -l, LimitMEMLOCK of systemd) is 65536 bytes")

	demo, err := Parse("demo", testdata.Demo)
	require.NoError(t, err)
	require.NoError(t, demo.Lock(), "nothing is mapped")
}
