// Package server answers HTTP requests with an engine, in several dialects.
// It holds what they share: connections, limits, bodies, admission, health.
// dialects.go lists them; package api is what they and the server say to each
// other.
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

	"cllm/chat"
	"cllm/config"
	"cllm/model"
	"cllm/server/api"
	"cllm/tokenizer"
)

// Options is what a server works with. All fields but Keys and Log are
// needed.
type Options struct {
	Engine    Engine
	Tokenizer *tokenizer.Tokenizer
	Model     model.Config
	ModelPath string // as it is shown
	// Chat is the model's chat form, ChatError why it has none.
	Chat      *chat.Template
	ChatError error
	Config    *config.Config
	Keys      *Keys // nil: requests need none
	Version   string
	Log       *slog.Logger // nil: slog.Default
}

// Server answers with one engine. The requests' state is the engine's, its own
// are the bodies that are being read.
type Server struct {
	options  Options
	log      *slog.Logger
	times    times
	hosts    hosts
	start    time.Time
	dialects []*api.Dialect
	bodies   *bodies
	unknown  unknownFields
	draining atomic.Bool
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
	s := &Server{options: o, log: o.Log, times: defaultTimes, start: time.Now(), bodies: newBodies(),
		hosts: newHosts(o.Config)}
	if s.log == nil {
		s.log = slog.Default()
	}
	if w := o.Config.WriteTimeout; w > 0 {
		s.times.write = w
	}
	for _, dialect := range dialects {
		s.dialects = append(s.dialects, dialect(s))
	}
	return s
}

// Listen opens the address of the configuration.
func (s *Server) Listen() (net.Listener, error) {
	l, err := net.Listen("tcp", net.JoinHostPort(s.options.Config.Host, fmt.Sprint(s.options.Config.Port)))
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
		ConnContext:       withConn,
	}
	if s.options.Keys == nil && !isLoopback(l.Addr().String()) {
		s.log.Warn("other machines can use this server, and it asks for no API key (--api-key-file)", "address", l.Addr())
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
	err := s.options.Engine.Drain(drain)
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
