package server

import (
	"context"
	"sync"
	"time"
)

// room is memory that many share, each taking more as it needs it.
type room struct {
	mu   sync.Mutex
	free int64 // bytes
	// ahead says that one share goes on without room, so that all of them do
	// not wait for each other.
	ahead bool
	freed chan struct{} // closed when there is more room
}

func newRoom(bytes int64) *room { return &room{free: bytes, freed: make(chan struct{})} }

// share is what one has of a room.
type share struct {
	room  *room
	held  int64
	ahead bool
}

// clientPoll is the time between two looks whether the client of what waits is
// still there.
const clientPoll = 50 * time.Millisecond

// reserve waits until there is room for n bytes more, or the client has left.
func (s *share) reserve(ctx context.Context, n int64) error {
	freed := s.tryReserve(n)
	if freed == nil {
		return nil
	}
	look := time.NewTicker(clientPoll)
	defer look.Stop()
	for freed != nil {
		select {
		case <-freed:
			freed = s.tryReserve(n)
		case <-look.C:
			if clientGone(ctx) {
				return context.Canceled
			}
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// tryReserve returns nil when it has reserved n bytes, or else what is closed
// when it may be tried again.
func (s *share) tryReserve(n int64) <-chan struct{} {
	m := s.room
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case s.ahead:
	case m.free >= n:
		m.free -= n
		s.held += n
	case !m.ahead:
		m.ahead, s.ahead = true, true
	default:
		return m.freed
	}
	return nil
}

// release gives the room back.
func (s *share) release() {
	m := s.room
	m.mu.Lock()
	defer m.mu.Unlock()
	if s.held == 0 && !s.ahead {
		return
	}
	m.free += s.held
	if s.ahead {
		m.ahead = false
	}
	close(m.freed)
	m.freed = make(chan struct{})
	s.held, s.ahead = 0, false
}
