//go:build !linux

package machine

import "runtime"

func allowedCPUs() int { return runtime.NumCPU() }
