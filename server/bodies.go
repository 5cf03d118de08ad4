package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync"
	"time"

	"cllm/server/api"
	"cllm/server/fields"
	"cllm/tokenizer"
)

const (
	// maxBody is the most bytes a request's body may have.
	maxBody = 2 << 20
	// smallBody is the size up to which bodies are read without asking for
	// room, and texts are tokenized without taking turns.
	smallBody = 64 << 10
	// bodyRoom is the most bytes of larger bodies that are held at a time, so
	// that many clients together cannot fill the memory.
	bodyRoom = 16 << 20
)

// bodies bounds the memory of the request bodies that are being read, and of
// turning them into tokens.
type bodies struct {
	tokenizing chan struct{} // holds one while a large text is tokenized

	mu    sync.Mutex
	free  int64
	ahead bool          // one body goes on without room, so that not all wait for each other
	freed chan struct{} // closed when there is more room
}

func newBodies() *bodies {
	return &bodies{tokenizing: make(chan struct{}, 1), free: bodyRoom, freed: make(chan struct{})}
}

// bodyRead is a body that is being read, and the room it has.
type bodyRead struct {
	bodies *bodies
	held   int64
	ahead  bool
}

// reserve waits until there is room for n bytes more, or the client has left.
func (b *bodyRead) reserve(ctx context.Context, n int64) error {
	look := time.NewTicker(50 * time.Millisecond)
	defer look.Stop()
	for {
		freed := b.tryReserve(n)
		if freed == nil {
			return nil
		}
		select {
		case <-freed:
		case <-look.C:
			if clientGone(ctx) {
				return context.Canceled
			}
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// tryReserve returns nil when it has reserved n bytes, or else what is closed
// when it may be tried again.
func (b *bodyRead) tryReserve(n int64) <-chan struct{} {
	all := b.bodies
	all.mu.Lock()
	defer all.mu.Unlock()
	switch {
	case b.ahead:
	case all.free >= n:
		all.free -= n
		b.held += n
	case !all.ahead:
		all.ahead, b.ahead = true, true
	default:
		return all.freed
	}
	return nil
}

// release gives the room back.
func (b *bodyRead) release() {
	all := b.bodies
	all.mu.Lock()
	defer all.mu.Unlock()
	all.free += b.held
	if b.ahead {
		all.ahead = false
	}
	if b.held > 0 || b.ahead {
		close(all.freed)
		all.freed = make(chan struct{})
	}
	b.held, b.ahead = 0, false
}

// read reads a body whole. It takes room as the bytes arrive, not for what a
// client says that it will send.
func (b *bodyRead) read(ctx context.Context, from io.Reader, length int64) ([]byte, error) {
	size := int64(smallBody)
	if length >= 0 && length < size {
		size = length + 1 // one more finds the end
	}
	body := make([]byte, 0, min(size, 4<<10))
	for {
		if len(body) == cap(body) {
			size = min(2*int64(cap(body)), maxBody+1)
			if length >= 0 {
				size = min(size, max(length+1, int64(cap(body))+1))
			}
			if more := size - max(int64(cap(body)), smallBody); more > 0 {
				if err := b.reserve(ctx, more); err != nil {
					return nil, err
				}
			}
			body = append(make([]byte, 0, size), body...)
		}
		n, err := from.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		switch {
		case err == io.EOF:
			return body, nil
		case err != nil:
			return nil, err
		}
	}
}

// ReadBody reads the body of a request, a JSON object, whole within the time
// that bodies have.
func (s *Server) ReadBody(w http.ResponseWriter, r *http.Request) (*api.Body, error) {
	within := s.times.body
	ctx, cancel := context.WithTimeout(r.Context(), within)
	defer cancel()
	c := http.NewResponseController(w)
	_ = c.SetReadDeadline(time.Now().Add(within)) // recorders of tests have none
	b := &bodyRead{bodies: s.bodies}
	body, err := b.read(ctx, http.MaxBytesReader(w, r.Body, maxBody), r.ContentLength)
	if err != nil {
		b.release()
		w.Header().Set("Connection", "close") // the rest of the body is not waited for
		return nil, bodyError(err, within)
	}
	_ = c.SetReadDeadline(time.Time{})
	return &api.Body{Object: fields.Parse(body), Release: b.release, OnUnknown: func(field string) {
		if len(field) <= 100 && s.unknown.first(r.URL.Path+" "+field) {
			s.log.Warn("unknown field in a request, ignored", "path", r.URL.Path, "field", field)
		}
	}}, nil
}

func bodyError(err error, within time.Duration) error {
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return &api.Error{Kind: api.BodyTooLarge, Text: fmt.Sprintf("the body has more than %d bytes", large.Limit)}
	case errors.Is(err, os.ErrDeadlineExceeded):
		return &api.Error{Kind: api.BodyTimeout, Text: fmt.Sprintf("the body did not arrive within %v", within)}
	case errors.Is(err, context.DeadlineExceeded):
		return api.Busy("Too many large requests", "other large bodies are being read; try again later")
	case errors.Is(err, context.Canceled):
		return err
	}
	return api.Refuse("the body could not be read: %v", err)
}

// Tokenize turns a text into tokens. Large texts take their turn: one that is
// a single word needs some thirty times its size meanwhile.
func (s *Server) Tokenize(ctx context.Context, text string, special, prompt bool) ([]int32, error) {
	if len(text) > smallBody {
		select {
		case s.bodies.tokenizing <- struct{}{}:
			defer func() { <-s.bodies.tokenizing }()
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
	if prompt {
		return s.options.Tokenizer.EncodePrompt(text, special), nil
	}
	return s.options.Tokenizer.Encode([]int32{}, text, special), nil
}

// NewDecoder turns tokens into a text.
func (s *Server) NewDecoder(special bool) *tokenizer.Decoder {
	return s.options.Tokenizer.NewDecoder(special)
}

// TokenBytes is what one token stands for.
func (s *Server) TokenBytes(id int32) []byte { return s.options.Tokenizer.TextBytes(id) }

// VocabSize is the number of tokens.
func (s *Server) VocabSize() int { return s.options.Tokenizer.Size() }
