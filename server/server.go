// Package server answers HTTP requests with an engine. routes.go lists the
// routes; generate.go turns a body into a request of the engine and its events
// into an answer.
package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"cllm/config"
	"cllm/model"
	"cllm/runtime"
	"cllm/tokenizer"
)

// Options is what a server works with. All fields but Log are needed.
type Options struct {
	Engine    *runtime.Engine
	Tokenizer *tokenizer.Tokenizer
	Model     model.Config
	ModelPath string // as /model/info shows it
	Config    *config.Config
	Version   string
	Log       *slog.Logger // nil: slog.Default
}

// Server holds the handlers. It has no state of its own beside the engine's.
type Server struct {
	Options
	log      *slog.Logger
	times    times
	loopback bool // listens on this machine alone
	start    time.Time
	unknown  unknownFields
	draining atomic.Bool
	bodies   bodies
}

// times bounds what slow clients can hold.
type times struct {
	header, body time.Duration // for the whole of each to arrive
	write        time.Duration // for one write to be taken
	idle         time.Duration // between requests of a connection
	drain        time.Duration // for running requests to end after a stop
	ping         time.Duration // between signs of life in a stream
}

var defaultTimes = times{
	header: 10 * time.Second, body: 30 * time.Second, write: 30 * time.Second,
	idle: 2 * time.Minute, drain: time.Minute, ping: 15 * time.Second,
}

// New makes a server; [Server.Serve] runs it.
func New(o Options) *Server {
	s := &Server{Options: o, log: o.Log, times: defaultTimes, start: time.Now(), loopback: isLoopback(o.Config.Host), bodies: newBodies()}
	if s.log == nil {
		s.log = slog.Default()
	}
	return s
}

// Listen opens the address of the configuration.
func (s *Server) Listen() (net.Listener, error) {
	l, err := net.Listen("tcp", net.JoinHostPort(s.Config.Host, fmt.Sprint(s.Config.Port)))
	if err != nil {
		return nil, fmt.Errorf("cannot listen: %w", err)
	}
	return l, nil
}

// Serve answers until ctx ends; then new requests are refused, those that run
// or wait may finish, and it returns. It closes the listener.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	srv := &http.Server{
		Handler:           s.Handler(),
		ReadHeaderTimeout: s.times.header,
		IdleTimeout:       s.times.idle,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	failed := make(chan error, 1)
	go func() { failed <- srv.Serve(l) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	s.draining.Store(true)
	s.log.Info("stopping: running requests may finish", "within", s.times.drain)
	drain, cancel := context.WithTimeout(context.Background(), s.times.drain)
	defer cancel()
	// The engine first: while it drains, health checks still find the server
	// and hear 503.
	err := s.Engine.Drain(drain)
	if e := srv.Shutdown(drain); e != nil {
		err = errors.Join(err, e, srv.Close())
	}
	if err != nil {
		return fmt.Errorf("requests were still running after %v: %w", s.times.drain, err)
	}
	return nil
}

// unknownFields remembers the unknown fields that the log has named.
type unknownFields struct {
	mu   sync.Mutex
	seen map[string]bool
}

// maxUnknown bounds the memory of [unknownFields].
const maxUnknown = 1000

// first says whether the name is new.
func (u *unknownFields) first(name string) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.seen[name] || len(u.seen) >= maxUnknown {
		return false
	}
	if u.seen == nil {
		u.seen = map[string]bool{}
	}
	u.seen[name] = true
	return true
}

// finish ends the reading of a body: it returns what was wrong with it, and
// logs each field that this server does not know once.
func (s *Server) finish(f *fields, r *http.Request) error {
	return f.done(func(name string) {
		if len(name) <= 100 && s.unknown.first(r.URL.Path+" "+name) {
			s.log.Warn("unknown field in a request, ignored", "path", r.URL.Path, "field", name)
		}
	})
}
