//go:build !unix

package kernels

import "testing"

// guardedMemory returns size bytes; this system has no guard pages.
func guardedMemory(_ testing.TB, size int) []byte { return make([]byte, size) }
