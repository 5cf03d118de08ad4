package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"cllm/runtime"
)

// failure is an answer that is an error. The body of every one of them has
// the same form: {"success":false,"error":…}.
type failure struct {
	status  int
	text    string // "error" of the body
	message string // "message", what to do about it; may be empty
	retry   int    // seconds: "retry_after" and the header; 0 is none
}

func (f *failure) Error() string { return f.text }

func badRequest(format string, a ...any) *failure {
	return &failure{status: http.StatusBadRequest, text: fmt.Sprintf(format, a...)}
}

// retryAfter is the number of seconds after which a refused client may return.
const retryAfter = 5

// statusClientGone is what the log shows for a client that left (nginx's
// number); nobody receives it.
const statusClientGone = 499

// failureOf finds the answer for an error.
func failureOf(err error) *failure {
	var f *failure
	var field *runtime.FieldError
	var long *runtime.ContextError
	switch {
	case errors.As(err, &f):
		return f
	case errors.As(err, &field), errors.As(err, &long):
		return badRequest("%v", err)
	case errors.Is(err, runtime.ErrQueueFull):
		return &failure{http.StatusTooManyRequests, "Request queue is full", "all places in the queue are taken; try again later", retryAfter}
	case errors.Is(err, runtime.ErrDraining):
		return &failure{http.StatusServiceUnavailable, "Server is shutting down", "no new requests are taken", retryAfter}
	case errors.Is(err, context.DeadlineExceeded):
		return errTimeout
	case errors.Is(err, context.Canceled):
		return &failure{status: statusClientGone, text: "the client left"}
	}
	return &failure{status: http.StatusInternalServerError, text: "internal error: " + err.Error()}
}

var errTimeout = &failure{status: http.StatusRequestTimeout, text: "Request timeout",
	message: "the request took longer than it may; ask for fewer tokens or raise the timeout"}

// fail answers with an error.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	f := failureOf(err)
	if f.status == http.StatusInternalServerError {
		s.log.Error("request failed", "path", r.URL.Path, "error", err)
	}
	if f.retry > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(f.retry))
	}
	writeJSON(w, f.status, errorBody{Error: f.text, Message: f.message, RetryAfter: f.retry})
}

// errorBody is the body of a failure.
type errorBody struct {
	Success    bool   `json:"success"`
	Error      string `json:"error"`
	Message    string `json:"message,omitempty"`
	RetryAfter int    `json:"retry_after,omitempty"`
}

// succeed answers with {"success":true,"data":…}.
func succeed(w http.ResponseWriter, data any) {
	writeJSON(w, http.StatusOK, struct {
		Success bool `json:"success"`
		Data    any  `json:"data"`
	}{true, data})
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	text, err := marshal(body)
	if err != nil { // no type that is answered with can fail
		status, text = http.StatusInternalServerError, []byte(`{"success":false,"error":"internal error"}`)
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(append(text, '\n')) // an error means that the client left
}

// marshal is json.Marshal that leaves <, > and & as they are.
func marshal(v any) ([]byte, error) {
	var b jsonBuffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return b[:len(b)-1], nil
}

type jsonBuffer []byte

func (b *jsonBuffer) Write(p []byte) (int, error) {
	*b = append(*b, p...)
	return len(p), nil
}
