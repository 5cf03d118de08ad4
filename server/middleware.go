package server

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"runtime/debug"
	"strings"
	"time"
)

// wrap puts around all handlers, those for 404 and 405 too, what every request
// needs: write deadlines, recovery of panics, the check of Host, a line in the
// log.
func (s *Server) wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(hw http.ResponseWriter, r *http.Request) {
		w := &writer{ResponseWriter: hw, timeout: s.times.write}
		start := time.Now()
		defer func() {
			if p := recover(); p != nil {
				if err, ok := p.(error); ok && errors.Is(err, http.ErrAbortHandler) {
					panic(p)
				}
				s.log.Error("panic in a handler", "path", r.URL.Path, "panic", p, "stack", string(debug.Stack()))
				if w.status != 0 {
					panic(http.ErrAbortHandler) // too late for a status: end the connection
				}
				s.fail(w, r, fmt.Errorf("panic: %v", p))
			}
			s.log.Debug("request", "method", r.Method, "path", r.URL.Path, "status", w.status,
				"bytes", w.bytes, "took", time.Since(start).Round(time.Microsecond), "from", r.RemoteAddr)
		}()
		if err := s.checkHost(r); err != nil {
			s.fail(w, r, err)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// writer gives each write its own deadline, so that a client that stops
// reading holds nothing for longer, however long the whole answer takes.
type writer struct {
	http.ResponseWriter
	timeout time.Duration
	status  int
	bytes   int64
}

func (w *writer) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *writer) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.extend()
	w.ResponseWriter.WriteHeader(status)
}

func (w *writer) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	w.extend()
	n, err := w.ResponseWriter.Write(p)
	w.bytes += int64(n)
	return n, err
}

// FlushError sends what is buffered.
func (w *writer) FlushError() error {
	w.extend()
	return http.NewResponseController(w.ResponseWriter).Flush()
}

func (w *writer) extend() {
	// Writers without deadlines (recorders) have no slow clients either.
	_ = http.NewResponseController(w.ResponseWriter).SetWriteDeadline(time.Now().Add(w.timeout))
}

// checkHost refuses requests that a web page smuggled in by DNS rebinding or
// from another origin, while the server is one for this machine alone.
func (s *Server) checkHost(r *http.Request) error {
	if !s.loopback {
		return nil
	}
	if !isLoopback(r.Host) {
		return &failure{status: http.StatusForbidden, text: fmt.Sprintf("Host %q is not this machine", r.Host),
			message: "the server listens on loopback only; use localhost, or --host to listen elsewhere"}
	}
	if origin := r.Header.Get("Origin"); origin != "" {
		u, err := url.Parse(origin)
		if err != nil || !isLoopback(u.Host) {
			return &failure{status: http.StatusForbidden, text: fmt.Sprintf("Origin %q is not this machine", origin)}
		}
	}
	return nil
}

// isLoopback says whether a host, with or without a port, is this machine.
func isLoopback(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.TrimSuffix(strings.TrimPrefix(strings.TrimSuffix(host, "]"), "["), ".")
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}
