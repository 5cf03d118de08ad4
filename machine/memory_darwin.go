package machine

import "golang.org/x/sys/unix"

// ReadMemory reads the memory of the machine; what of it is available is not
// known.
func ReadMemory() Memory {
	total, err := unix.SysctlUint64("hw.memsize")
	if err != nil {
		return Memory{}
	}
	return Memory{Total: int64(total)}
}
