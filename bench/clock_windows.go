package bench

import (
	"math"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"
)

var (
	kernel32             = windows.NewLazySystemDLL("kernel32.dll")
	performanceCounter   = kernel32.NewProc("QueryPerformanceCounter")
	performanceFrequency = kernel32.NewProc("QueryPerformanceFrequency")
)

// clock is the time since some moment, as finely as the system has it: Go's
// own clock goes in steps of up to 16 ms here. Both calls cannot fail.
func clock() time.Duration {
	var ticks, perSecond int64
	_, _, _ = performanceCounter.Call(uintptr(unsafe.Pointer(&ticks)))
	_, _, _ = performanceFrequency.Call(uintptr(unsafe.Pointer(&perSecond)))
	whole, rest := ticks/perSecond, ticks%perSecond
	return time.Duration(whole)*time.Second + time.Duration(math.Round(float64(rest)/float64(perSecond)*1e9))
}
