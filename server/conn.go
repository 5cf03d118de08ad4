package server

import (
	"context"
	"net"
)

// connKey finds the connection of a request in its context.
type connKey struct{}

func withConn(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, c)
}

// clientGone says whether the client of a request has closed its side. The
// server of net/http looks for that only once a body is read; while one waits
// for room, the system can be asked.
func clientGone(ctx context.Context) bool {
	c, ok := ctx.Value(connKey{}).(net.Conn)
	return ok && hungUp(c)
}
