package server

import (
	"context"
	"net/http"
	"time"

	"golang.org/x/sync/semaphore"
)

const (
	// smallBody is the size up to which bodies are read without asking.
	smallBody = 64 << 10
	// bodyBudget is the most bytes of larger bodies that are held at a time,
	// so that many clients together cannot fill the memory.
	bodyBudget = 128 << 20
)

// bodies bounds the memory of the request bodies that are being read.
type bodies struct{ *semaphore.Weighted }

func newBodies() bodies { return bodies{semaphore.NewWeighted(bodyBudget)} }

// admit waits until there is room for the request's body.
func (b bodies) admit(r *http.Request, within time.Duration) (release func(), err error) {
	n := r.ContentLength
	if n >= 0 && n <= smallBody {
		return func() {}, nil
	}
	if n < 0 || n > maxBody {
		n = maxBody // which it will not be allowed to exceed
	}
	ctx, cancel := context.WithTimeout(r.Context(), within)
	defer cancel()
	if b.Acquire(ctx, n) != nil {
		return nil, &failure{http.StatusServiceUnavailable, "Too many large requests", "other large bodies are being read; try again later", retryAfter}
	}
	return func() { b.Release(n) }, nil
}
