//go:build !linux

package tensor

import "runtime"

func allowedCPUs() int { return runtime.NumCPU() }
