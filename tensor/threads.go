package tensor

import (
	"bufio"
	"bytes"
	"io/fs"
	"math"
	"os"
	"path"
	"strconv"
	"strings"
)

// DefaultThreads is the number of workers that this process can really run at
// once: the processors of its affinity mask, and at most the CPU quota of its
// control groups (v1 and v2, parents included) rounded down, since a worker
// that is throttled lets all the others wait at the next barrier. At least 1.
func DefaultThreads() int {
	n := allowedCPUs()
	if q := cpuQuota(os.DirFS("/")); q < float64(n) {
		n = int(q)
	}
	return max(n, 1)
}

// cpuQuota returns the CPUs that the control groups of this process allow, as
// seen in the file system root; +Inf without a limit.
func cpuQuota(root fs.FS) float64 {
	groups, err := fs.ReadFile(root, "proc/self/cgroup")
	if err != nil {
		return math.Inf(1)
	}
	mounts, err := fs.ReadFile(root, "proc/self/mountinfo")
	if err != nil {
		return math.Inf(1)
	}
	quota := math.Inf(1)
	for line := range bytes.Lines(groups) {
		// hierarchy:controllers:path, "0::path" in v2
		f := strings.SplitN(strings.TrimSpace(string(line)), ":", 3)
		if len(f) != 3 {
			continue
		}
		v2 := f[0] == "0" && f[1] == ""
		if !v2 && !hasField(f[1], "cpu") {
			continue
		}
		mount, below, ok := cgroupMount(mounts, v2)
		if !ok {
			continue
		}
		// In a container the path may be the host's, cut at the mount's root.
		dir := strings.TrimPrefix(path.Join("/", f[2]), strings.TrimSuffix(below, "/"))
		for ; ; dir = path.Dir(dir) {
			at := strings.TrimPrefix(path.Join(mount, dir), "/")
			quota = min(quota, groupQuota(root, at, v2))
			if dir == "/" || dir == "." || dir == "" {
				break
			}
		}
	}
	return quota
}

// cgroupMount finds where the hierarchy with the cpu controller is mounted,
// and which group is at the root of that mount.
func cgroupMount(mountinfo []byte, v2 bool) (mount, root string, ok bool) {
	s := bufio.NewScanner(bytes.NewReader(mountinfo))
	for s.Scan() {
		// id parent major:minor root mountpoint options... - type source options
		left, right, found := strings.Cut(s.Text(), " - ")
		l, r := strings.Fields(left), strings.Fields(right)
		if !found || len(l) < 5 || len(r) < 1 {
			continue
		}
		if v2 && r[0] == "cgroup2" || !v2 && r[0] == "cgroup" && hasField(r[len(r)-1], "cpu") {
			return l[4], l[3], true
		}
	}
	return "", "", false
}

// groupQuota reads the quota of one group, +Inf when it has none.
func groupQuota(root fs.FS, dir string, v2 bool) float64 {
	number := func(s string) float64 {
		v, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
		if err != nil || v <= 0 { // "max", or -1 in v1
			return math.Inf(1)
		}
		return v
	}
	read := func(name string) string {
		b, _ := fs.ReadFile(root, path.Join(dir, name))
		return string(b)
	}
	quota, period := read("cpu.cfs_quota_us"), read("cpu.cfs_period_us")
	if v2 {
		quota, period, _ = strings.Cut(read("cpu.max"), " ")
	}
	if q, p := number(quota), number(period); !math.IsInf(q, 1) && !math.IsInf(p, 1) {
		return q / p
	}
	return math.Inf(1)
}

func hasField(list, name string) bool {
	for f := range strings.SplitSeq(list, ",") {
		if f == name {
			return true
		}
	}
	return false
}
