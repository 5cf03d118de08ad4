//go:build !linux

package server

import "net"

// canSeeHangUp says whether [hungUp] works here.
const canSeeHangUp = false

// hungUp cannot be asked here: what waits for its client ends after its time.
func hungUp(net.Conn) bool { return false }
