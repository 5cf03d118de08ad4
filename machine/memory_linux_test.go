package machine

import (
	"fmt"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

const (
	mountV2     = "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"
	mountMemory = "36 31 0:32 / /sys/fs/cgroup/memory rw,relatime shared:9 - cgroup cgroup rw,memory\n"
	unlimited   = "9223372036854771712\n"
)

func TestReadMemory(t *testing.T) {
	page := int64(os.Getpagesize())
	for name, c := range map[string]struct {
		groups, mounts string
		files          map[string]string
		limit, others  int64
	}{
		"no groups": {},
		"v2, the parent is lower": {"0::/a/b\n", mountV2, map[string]string{
			"sys/fs/cgroup/a/b/memory.max": "max\n",
			"sys/fs/cgroup/a/memory.max":   "5000\n",
			"sys/fs/cgroup/memory.max":     "9000\n",
		}, 5000, 0},
		"v2, root of a namespace":      {"0::/\n", mountV2, map[string]string{"sys/fs/cgroup/memory.max": "7000\n"}, 7000, 0},
		"v2, outside of its namespace": {"0::/../x\n", mountV2, map[string]string{"sys/fs/cgroup/memory.max": "7000\n"}, 7000, 0},
		"v2, mounted elsewhere": {"0::/a\n", "30 23 0:26 / /run/c\\040g rw - cgroup2 none rw\n",
			map[string]string{"run/c g/a/memory.max": "5000\n", "sys/fs/cgroup/a/memory.max": "1\n"}, 5000, 0},
		"v2, a container with the host's path": {"0::/docker/abc/inner\n", "30 23 0:26 /docker/abc /sys/fs/cgroup ro - cgroup2 cgroup rw\n",
			map[string]string{"sys/fs/cgroup/inner/memory.max": "6000\n", "sys/fs/cgroup/memory.max": "5000\n"}, 5000, 0},
		"v2, another container's mount": {"0::/docker/abcd\n", "30 23 0:26 /docker/abc /sys/fs/cgroup ro - cgroup2 cgroup rw\n",
			map[string]string{"sys/fs/cgroup/d/memory.max": "1\n", "sys/fs/cgroup/memory.max": "5000\n"}, 5000, 0},
		"v2, memory.high": {"0::/a\n", mountV2, map[string]string{
			"sys/fs/cgroup/a/memory.max": "5000\n", "sys/fs/cgroup/a/memory.high": "4000\n"}, 4000, 0},
		"v2, memory.high alone": {"0::/a\n", mountV2, map[string]string{
			"sys/fs/cgroup/a/memory.max": "max\n", "sys/fs/cgroup/a/memory.high": "4000\n"}, 4000, 0},
		"v2, neighbours in the group": {"0::/a\n", mountV2, map[string]string{
			"sys/fs/cgroup/a/memory.max":     "100000000\n",
			"sys/fs/cgroup/a/memory.current": "60000000\n",
			"sys/fs/cgroup/a/memory.stat":    "anon 1\ninactive_file 20000000\nactive_file 10000000\nslab_reclaimable 1000000\n",
		}, 100000000, 29000000 - 3*page},
		"v2, neighbours in the parent": {"0::/a/b\n", mountV2, map[string]string{
			"sys/fs/cgroup/a/b/memory.max":   "80000000\n",
			"sys/fs/cgroup/a/memory.max":     "100000000\n",
			"sys/fs/cgroup/a/memory.current": "60000000\n",
		}, 100000000, 60000000 - 3*page},
		"v2, this process alone": {"0::/a\n", mountV2, map[string]string{
			"sys/fs/cgroup/a/memory.max": "100000000\n", "sys/fs/cgroup/a/memory.current": fmt.Sprintln(2 * page)}, 100000000, 0},
		"v2, over its limit": {"0::/a\n", mountV2, map[string]string{
			"sys/fs/cgroup/a/memory.high": "1000000\n", "sys/fs/cgroup/a/memory.current": "90000000"}, 1000000, 1000000},
		"v1": {"3:cpu,cpuacct:/c\n2:memory:/a\n1:name=systemd:/\n", mountMemory, map[string]string{
			"sys/fs/cgroup/memory/a/memory.limit_in_bytes": "4000\n",
			"sys/fs/cgroup/memory/memory.limit_in_bytes":   unlimited,
		}, 4000, 0},
		"v1, neighbours": {"2:memory:/a\n", mountMemory, map[string]string{
			"sys/fs/cgroup/memory/a/memory.limit_in_bytes": "100000000\n",
			"sys/fs/cgroup/memory/a/memory.usage_in_bytes": "50000000\n",
			"sys/fs/cgroup/memory/a/memory.stat":           "inactive_file 1\ntotal_inactive_file 10000000\ntotal_active_file 5000000\n",
		}, 100000000, 35000000 - 3*page},
		"v1, a parent outside of the container": {"2:memory:/docker/abc\n", "36 31 0:32 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n", map[string]string{
			"sys/fs/cgroup/memory/memory.limit_in_bytes": unlimited,
			"sys/fs/cgroup/memory/memory.stat":           "cache 5\nhierarchical_memory_limit 3000\n",
		}, 3000, 0},
		"both, the limit in v1": {"4:memory:/a\n0::/\n", mountMemory + "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n", map[string]string{
			"sys/fs/cgroup/memory/a/memory.limit_in_bytes": "4000\n"}, 4000, 0},
		"nonsense": {"x\n::\n0::/a\n", mountV2 + "junk\n1 2 3 - cgroup2\n", map[string]string{
			"sys/fs/cgroup/a/memory.max": "-5", "sys/fs/cgroup/a/memory.stat": "x y z\n"}, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			root := machineOf(c.groups, c.mounts, c.files)
			root["proc/meminfo"] = textFile("MemTotal:        1000 kB\nMemFree: 1 kB\nMemAvailable:     600 kB\n")
			root["proc/self/statm"] = textFile("900 10 7 1 0 9 0\n")
			require.Equal(t, Memory{Total: 1000 << 10, Available: 600 << 10, GroupLimit: c.limit, GroupOthers: c.others}, readMemory(root))
		})
	}
	require.Zero(t, readMemory(machineOf("", "", nil)), "nothing is known of a machine that shows nothing")
}

func TestThisMachinesMemory(t *testing.T) {
	m := ReadMemory()
	require.Positive(t, m.Total)
	require.LessOrEqual(t, m.Available, m.Total)
	require.LessOrEqual(t, m.GroupOthers, m.GroupLimit)
}
