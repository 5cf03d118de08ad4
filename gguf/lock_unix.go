//go:build unix

package gguf

import (
	"fmt"

	"golang.org/x/sys/unix"
)

func lock(b []byte) error {
	err := unix.Mlock(b)
	var limit unix.Rlimit
	if err != nil && unix.Getrlimit(unix.RLIMIT_MEMLOCK, &limit) == nil && uint64(limit.Cur) < uint64(len(b)) {
		return fmt.Errorf("%w: the limit of locked memory (ulimit -l, LimitMEMLOCK of systemd) is %d bytes", err, limit.Cur)
	}
	return err
}
