package server

import (
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// canSeeHangUp says whether [hungUp] works here.
const canSeeHangUp = true

// hungUp says whether the other side has closed the connection, without
// reading from it.
func hungUp(c net.Conn) bool {
	raw, ok := c.(syscall.Conn)
	if !ok {
		return false
	}
	conn, err := raw.SyscallConn()
	if err != nil {
		return false
	}
	gone := false
	err = conn.Control(func(fd uintptr) {
		poll := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLRDHUP}}
		n, err := unix.Poll(poll, 0)
		gone = err == nil && n > 0 && poll[0].Revents&(unix.POLLRDHUP|unix.POLLHUP|unix.POLLERR) != 0
	})
	return gone || err != nil
}
