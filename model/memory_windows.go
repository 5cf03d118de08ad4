package model

import (
	"unsafe"

	"golang.org/x/sys/windows"
)

// mapMemory takes zeroed memory from the system, outside the Go heap, where it
// would count against the collector's limit.
func mapMemory(n int) ([]byte, error) {
	p, err := windows.VirtualAlloc(0, uintptr(n), windows.MEM_RESERVE|windows.MEM_COMMIT, windows.PAGE_READWRITE)
	if err != nil {
		return nil, err
	}
	// The address is no pointer of Go's, and never was: that is how vet wants
	// to see it turned into one.
	return unsafe.Slice(*(**byte)(unsafe.Pointer(&p)), n), nil
}

func unmapMemory(b []byte) error {
	if b == nil {
		return nil
	}
	return windows.VirtualFree(uintptr(unsafe.Pointer(unsafe.SliceData(b))), 0, windows.MEM_RELEASE)
}
