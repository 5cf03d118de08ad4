package api

import "context"

// Caller says whose request it is: the hash of its API key; zero on a server
// without keys, whose callers are all one.
type Caller [32]byte

// CallerKey is the key of the [Caller] in the context of a request.
type CallerKey struct{}

// CallerOf is the caller of the request that has this context.
func CallerOf(ctx context.Context) Caller {
	c, _ := ctx.Value(CallerKey{}).(Caller)
	return c
}
