package gguf

import (
	"unsafe"

	"golang.org/x/sys/windows"
)

// lock raises the working set by as much as it locks: its minimum is the limit
// of locked memory.
func lock(b []byte) error {
	var least, most uintptr
	var flags uint32
	process := windows.CurrentProcess()
	windows.GetProcessWorkingSetSizeEx(process, &least, &most, &flags)
	more := uintptr(len(b)) + 1<<20
	if err := windows.SetProcessWorkingSetSizeEx(process, least+more, most+more, flags); err != nil {
		return err
	}
	return windows.VirtualLock(uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)))
}
