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
	bodyBudget = 16 << 20
)

// bodies bounds the memory of the request bodies that are being read, and of
// turning them into tokens.
type bodies struct {
	*semaphore.Weighted
	tokenizing chan struct{} // holds one while a large text is tokenized
}

func newBodies() bodies { return bodies{semaphore.NewWeighted(bodyBudget), make(chan struct{}, 1)} }

// tokens has encode turn a text into tokens. Large texts take their turn: one
// that is a single word needs some thirty times its size meanwhile.
func (b bodies) tokens(text string, special bool, encode func(text string, special bool) []int32) []int32 {
	if len(text) > smallBody {
		b.tokenizing <- struct{}{}
		defer func() { <-b.tokenizing }()
	}
	return encode(text, special)
}

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
