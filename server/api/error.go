package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"cllm/runtime"
	"cllm/server/fields"
)

// Kind says what sort of thing went wrong. Dialects choose their words and
// their status by it.
type Kind string

// The kinds of errors.
const (
	BadRequest       Kind = "bad request"        // a field, or the whole body, is wrong
	Unauthorized     Kind = "unauthorized"       // no API key, or an unknown one
	Forbidden        Kind = "forbidden"          // Host or Origin
	NotFound         Kind = "not found"          // no such route
	MethodNotAllowed Kind = "method not allowed" // the route has others
	BodyTooLarge     Kind = "body too large"
	BodyTimeout      Kind = "body timeout" // the body did not arrive in time
	Timeout          Kind = "timeout"      // the generation took longer than it may
	Overloaded       Kind = "overloaded"   // no room now; later there is
	Unavailable      Kind = "unavailable"  // the server stops, or its engine cannot compute
	ClientGone       Kind = "client gone"  // nobody hears this
	Internal         Kind = "internal"     // the log has it, by its id
)

// statusClientGone is what the log shows for a client that left (nginx's
// number).
const statusClientGone = 499

var statuses = map[Kind]int{
	BadRequest: http.StatusBadRequest, Unauthorized: http.StatusUnauthorized, Forbidden: http.StatusForbidden, NotFound: http.StatusNotFound,
	MethodNotAllowed: http.StatusMethodNotAllowed, BodyTooLarge: http.StatusRequestEntityTooLarge,
	BodyTimeout: http.StatusRequestTimeout, Timeout: http.StatusGatewayTimeout, Overloaded: http.StatusTooManyRequests,
	Unavailable: http.StatusServiceUnavailable, ClientGone: statusClientGone, Internal: http.StatusInternalServerError,
}

// Status is the HTTP status that fits the kind. cLLM's dialect has its own for
// [Timeout].
func (k Kind) Status() int { return statuses[k] }

// Error is an answer that is an error, before a dialect gives it its form.
type Error struct {
	Kind       Kind
	Text       string // what is wrong
	Advice     string // what to do about it; may be empty
	Field      string // of the body, when one is to blame
	RetryAfter int    // seconds; 0: none
	Allow      string // the methods of a MethodNotAllowed
	ID         string // of an Internal in the log
	Code       string // what went wrong, in a word of the dialect's own
	cause      error
}

// SetHeaders sets the headers that go with the error in every dialect. The
// clients of OpenAI and Anthropic would repeat by themselves what took too
// long, and for that know x-should-retry.
func (e *Error) SetHeaders(h http.Header) {
	if e.RetryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(e.RetryAfter))
	}
	if e.Allow != "" {
		h.Set("Allow", e.Allow)
	}
	if e.Kind == Unauthorized {
		h.Set("WWW-Authenticate", "Bearer")
	}
	if e.Kind == Timeout {
		h.Set("x-should-retry", "false")
	}
}

func (e *Error) Error() string { return e.Text }

func (e *Error) Unwrap() error { return e.cause }

// retryAfter is the number of seconds after which a refused client may return.
const retryAfter = 5

// Refuse makes the error of a request that is wrong.
func Refuse(format string, a ...any) *Error {
	return &Error{Kind: BadRequest, Text: fmt.Sprintf(format, a...)}
}

// NoRoom makes the error of a request for which there is no room now.
func NoRoom(text, advice string) *Error {
	return &Error{Kind: Overloaded, Text: text, Advice: advice, RetryAfter: retryAfter}
}

// Busy makes the error of a request that waited for room in vain.
func Busy(text, advice string) *Error {
	return &Error{Kind: Unavailable, Text: text, Advice: advice, RetryAfter: retryAfter}
}

// Closing makes the error of a request to a server that stops.
func Closing(cause error) *Error {
	return &Error{Kind: Unavailable, Text: "Server is shutting down", Advice: "no new requests are taken", RetryAfter: retryAfter, cause: cause}
}

// ErrorOf gives any error its kind. Those that nobody foresaw are [Internal],
// and their text is for the log alone.
func ErrorOf(err error) *Error {
	var e *Error
	var member *fields.Error
	var field *runtime.FieldError
	var long *runtime.ContextError
	var large *runtime.MemoryError
	switch {
	case errors.As(err, &e):
		return e
	case errors.As(err, &member):
		return &Error{Kind: BadRequest, Text: member.Text, Field: member.Field, cause: err}
	case errors.As(err, &field):
		return &Error{Kind: BadRequest, Text: err.Error(), Field: field.Field, cause: err}
	case errors.As(err, &long):
		return &Error{Kind: BadRequest, Text: err.Error(), Field: "prompt", cause: err}
	case errors.As(err, &large):
		return &Error{Kind: BadRequest, Text: err.Error(), cause: err}
	case errors.Is(err, runtime.ErrQueueFull):
		e = NoRoom("Request queue is full", err.Error()+"; try again later")
		e.cause = err
		return e
	case errors.Is(err, runtime.ErrDraining), errors.Is(err, runtime.ErrClosed):
		return Closing(err)
	case errors.Is(err, context.DeadlineExceeded):
		return &Error{Kind: Timeout, Text: "Request timeout", cause: err,
			Advice: "the request took longer than it may; ask for fewer tokens or raise the timeout"}
	case errors.Is(err, context.Canceled):
		return &Error{Kind: ClientGone, Text: "the client left", cause: err}
	}
	return &Error{Kind: Internal, Text: "internal error", cause: err}
}
