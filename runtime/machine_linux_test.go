package runtime

import (
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
)

func TestReadMachine(t *testing.T) {
	file := func(s string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(s)} }
	const meminfo = "MemTotal:        1000 kB\nMemFree: 1 kB\nMemAvailable:     600 kB\n"
	for name, c := range map[string]struct {
		files  fstest.MapFS
		cgroup int64
	}{
		"no groups": {fstest.MapFS{}, 0},
		"v2, the parent is lower": {fstest.MapFS{
			"proc/self/cgroup":             file("0::/a/b\n"),
			"sys/fs/cgroup/a/b/memory.max": file("max\n"),
			"sys/fs/cgroup/a/memory.max":   file("5000\n"),
			"sys/fs/cgroup/memory.max":     file("9000\n"),
		}, 5000},
		"v2 in a container": {fstest.MapFS{
			"proc/self/cgroup":         file("0::/../x\n"),
			"sys/fs/cgroup/memory.max": file("7000\n"),
		}, 7000},
		"v1": {fstest.MapFS{
			"proc/self/cgroup": file("3:cpu,cpuacct:/c\n2:memory:/a\n1:name=systemd:/\n"),
			"sys/fs/cgroup/memory/a/memory.limit_in_bytes": file("4000\n"),
			"sys/fs/cgroup/memory/memory.limit_in_bytes":   file("9223372036854771712\n"),
		}, 4000},
	} {
		c.files["proc/meminfo"] = file(meminfo)
		require.Equal(t, Machine{Total: 1000 * 1024, Available: 600 * 1024, Cgroup: c.cgroup}, readMachine(c.files), name)
	}
	m := ThisMachine()
	require.Positive(t, m.Total)
	require.LessOrEqual(t, m.Available, m.Total)
}
