package machine

import (
	"runtime"

	"golang.org/x/sys/unix"
)

// allowedCPUs counts the processors of the process's affinity mask now, where
// runtime.NumCPU has them as of the start.
func allowedCPUs() int {
	var set unix.CPUSet // 1024 processors; more give an error
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		return runtime.NumCPU()
	}
	return set.Count()
}
