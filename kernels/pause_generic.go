//go:build !(amd64 || arm64) || noasm

package kernels

import "sync/atomic"

var pauseWord atomic.Uint32

// Pause spins for n short waits, while a worker waits for another.
func Pause(n uint32) {
	for range n * 8 {
		pauseWord.Load() // an atomic load, so that the loop stays
	}
}
