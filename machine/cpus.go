package machine

import (
	"io/fs"
	"math"
	"os"
	"strings"
)

// CPUs is the number of processors that this process can keep busy: those of
// its affinity mask, and at most the quota of its control groups (v1 and v2,
// parents included), which may be a fraction.
func CPUs() float64 {
	return min(float64(allowedCPUs()), cpuQuota(os.DirFS("/")))
}

// cpuQuota is what the control groups of this process allow; +Inf without a
// limit.
func cpuQuota(root fs.FS) float64 {
	quota := math.Inf(1)
	for _, g := range groups(root, "cpu") {
		quota = min(quota, g.cpuQuota())
	}
	return quota
}

func (g group) cpuQuota() float64 {
	quota, period := g.number("cpu.cfs_quota_us"), g.number("cpu.cfs_period_us")
	if g.v2 {
		a, b, _ := strings.Cut(g.text("cpu.max"), " ") // "max 100000" without a limit
		quota, period = count(a), count(b)
	}
	if quota == 0 || period == 0 {
		return math.Inf(1)
	}
	return float64(quota) / float64(period)
}
