package machine

import (
	"math"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
)

func textFile(s string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(s)} }

// machineOf is the file system of a machine with control groups.
func machineOf(groups, mounts string, files map[string]string) fstest.MapFS {
	root := fstest.MapFS{"proc/self/cgroup": textFile(groups), "proc/self/mountinfo": textFile(mounts)}
	for name, text := range files {
		root[name] = textFile(text)
	}
	return root
}

func TestCPUQuota(t *testing.T) {
	const v2 = "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"
	const v1 = "33 32 0:30 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
	const docker = "33 32 0:30 /docker/abc /sys/fs/cgroup/cpu ro - cgroup cgroup rw,cpu\n"
	for _, c := range []struct {
		name, groups, mounts string
		files                map[string]string
		want                 float64
	}{
		{"none", "0::/\n", v2, nil, math.Inf(1)},
		{"no limit", "0::/a\n", v2, map[string]string{"sys/fs/cgroup/a/cpu.max": "max 100000\n"}, math.Inf(1)},
		{"v2", "0::/a\n", v2, map[string]string{"sys/fs/cgroup/a/cpu.max": "150000 100000\n"}, 1.5},
		{"parent is tighter", "0::/a/b\n", v2, map[string]string{
			"sys/fs/cgroup/a/cpu.max":   "200000 100000\n",
			"sys/fs/cgroup/a/b/cpu.max": "400000 100000\n"}, 2},
		{"root of a namespace", "0::/\n", v2, map[string]string{"sys/fs/cgroup/cpu.max": "50000 100000\n"}, 0.5},
		{"v1", "4:cpu,cpuacct:/a\n0::/\n", v1, map[string]string{
			"sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_quota_us":  "250000\n",
			"sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_period_us": "100000\n"}, 2.5},
		{"v1 no limit", "4:cpu,cpuacct:/a\n", v1, map[string]string{
			"sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_quota_us":  "-1\n",
			"sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_period_us": "100000\n"}, math.Inf(1)},
		{"v1 in a container", "4:cpu:/docker/abc\n", docker, map[string]string{
			"sys/fs/cgroup/cpu/cpu.cfs_quota_us":  "300000\n",
			"sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n"}, 3},
		{"v1 in a neighbour's mount", "4:cpu:/docker/abcd\n", docker, map[string]string{
			"sys/fs/cgroup/cpu/d/cpu.cfs_quota_us":  "1\n",
			"sys/fs/cgroup/cpu/d/cpu.cfs_period_us": "100000\n",
			"sys/fs/cgroup/cpu/cpu.cfs_quota_us":    "300000\n",
			"sys/fs/cgroup/cpu/cpu.cfs_period_us":   "100000\n"}, 3},
		{"the limit in v1, v2 beside it", "4:cpu:/a\n0::/\n", "40 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n" + v1, map[string]string{
			"sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_quota_us":  "250000\n",
			"sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_period_us": "100000\n"}, 2.5},
		{"nonsense", "x\n::\n0::/a\n", v2 + "junk\n", map[string]string{"sys/fs/cgroup/a/cpu.max": "1.2.3 x"}, math.Inf(1)},
	} {
		t.Run(c.name, func(t *testing.T) {
			require.Equal(t, c.want, cpuQuota(machineOf(c.groups, c.mounts, c.files)))
		})
	}
	require.Positive(t, CPUs())
}
