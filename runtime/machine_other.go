//go:build !linux

package runtime

// ThisMachine knows nothing about the memory of this system: a limit must be
// given.
func ThisMachine() Machine { return Machine{} }
