//go:build (amd64 || arm64) && !noasm

package kernels

// Pause spins for n of the processor's spin-wait hints (PAUSE on amd64, ISB on
// arm64, some 10 to 50 ns each), which leave the core's resources to its
// sibling while a worker waits for another.
//
//go:noescape
func Pause(n uint32)
