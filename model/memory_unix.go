//go:build unix

package model

import "golang.org/x/sys/unix"

// mapMemory takes zeroed memory from the system, outside the Go heap, where it
// would count against the collector's limit.
func mapMemory(n int) ([]byte, error) {
	return unix.Mmap(-1, 0, n, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
}

func unmapMemory(b []byte) error {
	if b == nil {
		return nil
	}
	return unix.Munmap(b)
}
