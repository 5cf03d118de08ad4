package server

import (
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"time"

	"cllm/server/api"
)

// wrap puts around all handlers, those for 404 and 405 too, what every request
// needs: write deadlines, recovery of panics, the checks of Host, Origin and API key, a line in the
// log.
func (s *Server) wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(hw http.ResponseWriter, r *http.Request) {
		w := &writer{ResponseWriter: hw, timeout: s.times.write}
		r.URL.Path, r.URL.RawPath = collapseSlashes(r.URL.Path), ""
		start := time.Now()
		defer func() {
			s.log.Debug("request", "method", r.Method, "path", r.URL.Path, "status", w.status,
				"bytes", w.bytes, "took", time.Since(start).Round(time.Microsecond), "from", r.RemoteAddr)
		}()
		defer func() {
			cause := recover()
			if cause == nil {
				return
			}
			if err, ok := cause.(error); ok && errors.Is(err, http.ErrAbortHandler) {
				panic(cause)
			}
			s.writeError(w, r, s.dialectOf(r.URL.Path), &panicError{cause, debug.Stack()})
		}()
		if err := s.hosts.check(r); err != nil {
			s.writeError(w, r, s.dialectOf(r.URL.Path), err)
			return
		}
		s.hosts.share(w, r, func(w http.ResponseWriter, r *http.Request) {
			known, err := s.options.Keys.check(r)
			if err != nil {
				s.writeError(w, r, s.dialectOf(r.URL.Path), err)
				return
			}
			next.ServeHTTP(w, known)
		})
	})
}

// panicError is a panic of a handler.
type panicError struct {
	cause any
	stack []byte
}

func (e *panicError) Error() string {
	return fmt.Sprintf("panic in a handler: %v\n%s", e.cause, e.stack)
}

// writeError answers with an error in a dialect. When the answer has begun it
// is too late for that: the connection ends, so that nobody takes what has
// arrived for whole.
func (s *Server) writeError(w http.ResponseWriter, r *http.Request, d *api.Dialect, err error) {
	if own, ok := w.(*writer); ok && own.failed {
		panic(http.ErrAbortHandler) // the client does not take what is written
	}
	e := s.report(r, err)
	if begun(w) {
		panic(http.ErrAbortHandler)
	}
	d.WriteError(w, e)
}

// report gives an error its kind, and puts those that are the server's own
// fault into the log, with an id that the client hears instead of them.
func (s *Server) report(r *http.Request, err error) *api.Error {
	e := api.ErrorOf(err)
	if e.Kind != api.Internal {
		return e
	}
	known := *e
	known.ID = newID()
	s.log.Error("request failed", "id", known.ID, "dialect", s.dialectOf(r.URL.Path).Name, "path", r.URL.Path, "error", err)
	return &known
}

// writer gives each write its own deadline, so that a client that stops
// reading holds nothing for longer, however long the whole answer takes.
type writer struct {
	http.ResponseWriter
	timeout time.Duration
	status  int
	bytes   int64
	failed  bool // a write did
}

// begun says whether an answer is under way.
func begun(w http.ResponseWriter) bool {
	own, ok := w.(*writer)
	return ok && own.status != 0
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
	w.failed = w.failed || err != nil
	return n, err
}

// FlushError sends what is buffered.
func (w *writer) FlushError() error {
	w.extend()
	err := http.NewResponseController(w.ResponseWriter).Flush()
	w.failed = w.failed || err != nil
	return err
}

func (w *writer) extend() {
	// Writers without deadlines (recorders) have no slow clients either.
	_ = http.NewResponseController(w.ResponseWriter).SetWriteDeadline(time.Now().Add(w.timeout))
}
