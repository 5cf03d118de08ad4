// Package api is what the server and its dialects say to each other. A dialect
// is one way to speak HTTP with the engine: a folder under server/ that reads
// its bodies into a [Request], gives whole answers, events and errors their
// form, and lists its routes. The server does the rest: connections, limits,
// bodies, admission, health.
package api

import (
	"context"
	"io"
	"iter"
	"net/http"
	"time"

	"cllm/chat"
	"cllm/config"
	"cllm/model"
	"cllm/runtime"
	"cllm/server/fields"
	"cllm/tokenizer"
)

// Dialect is one way to speak HTTP with the engine.
type Dialect struct {
	Name   string
	Routes []Route
	// Prefixes are the beginnings of the paths whose errors are this dialect's
	// (no such route, wrong Host, …), beside its routes'. The longest wins.
	Prefixes []string
	// WriteError answers with an error. Nothing has been written before.
	WriteError func(w http.ResponseWriter, e *Error)
}

// Route is an endpoint of a dialect.
type Route struct {
	Method      string
	Path        string   // as gorilla/mux has it
	Also        []string // other paths of the same
	Description string
	// Handle answers. An error that it returns before it has written anything
	// is answered by the dialect's WriteError; after that it ends the
	// connection, so that no client takes what it got for whole.
	Handle func(w http.ResponseWriter, r *http.Request) error
}

// Request asks for continuations of a prompt, in the form that all dialects
// come to.
type Request struct {
	runtime.Request
	// Text is the prompt when Prompt is nil; with ParseSpecial special tokens
	// in it are parsed.
	Text         string
	ParseSpecial bool
	// Segments are the prompt when Prompt is nil and they are not: a
	// conversation, of which the template's parts alone may become special
	// tokens.
	Segments []tokenizer.Segment
}

// Stream is the events of one request as they come. The engine's
// [runtime.Stream] is one.
type Stream interface {
	// Next returns the next event, and io.EOF after the last of the last
	// choice. It returns early when ctx ends.
	Next(ctx context.Context) (runtime.Event, error)
	// Hold charges bytes of the answer that the caller keeps to the memory that
	// all requests have, and waits a while for room. They are given back by
	// Close.
	Hold(bytes int64) error
	// Close cancels what still runs.
	Close()
}

// Events iterates over the events of a stream until ctx ends. A choice that
// did not end by itself ends the iteration with an error.
func Events(ctx context.Context, s Stream) iter.Seq2[runtime.Event, error] {
	return func(yield func(runtime.Event, error) bool) {
		for {
			ev, err := s.Next(ctx)
			if err == io.EOF {
				return
			}
			if err == nil {
				err = Interrupted(ctx, ev.FinishReason)
			}
			if !yield(ev, err) || err != nil {
				return
			}
		}
	}
}

// Interrupted is the error of a choice that did not end by itself, nil for
// others. A cancellation that is not the client's is the engine's, which
// closes.
func Interrupted(ctx context.Context, finishReason string) error {
	switch {
	case finishReason == runtime.FinishTimeout:
		return context.DeadlineExceeded
	case finishReason == runtime.FinishCancelled && ctx.Err() == nil:
		return runtime.ErrClosed
	case finishReason == runtime.FinishCancelled:
		return context.Canceled
	}
	return nil
}

// Frames gives the events of a stream a dialect's form. Its methods append to
// dst and return it; what they append is written at once.
type Frames interface {
	ContentType() string
	Event(dst []byte, ev *runtime.Event) []byte
	End(dst []byte) []byte             // after the last event
	Error(dst []byte, e *Error) []byte // instead of End
	Ping(dst []byte) []byte            // that the server lives; clients skip it
}

// Server is what a dialect can ask of the server.
type Server interface {
	// ReadBody reads the body of a request. The caller must Close it.
	ReadBody(w http.ResponseWriter, r *http.Request) (*Body, error)
	// Generate admits a request: it sets its timeout within the server's,
	// tokenizes its text and submits it. When ctx ends, so does the request.
	// What is large in r is the engine's then, and gone from r.
	Generate(ctx context.Context, r *Request) (Stream, error)
	// SendStream writes the events as they come. Between them it shows now and
	// then that the server lives, which also finds out clients that do not.
	SendStream(w http.ResponseWriter, r *http.Request, events Stream, f Frames) error

	// Tokenize turns a text into tokens.
	Tokenize(ctx context.Context, text string, special bool) ([]int32, error)
	// TokenizePrompt sets the Prompt of a request that has another form of it,
	// with what the model wants before it. Generate does that too.
	TokenizePrompt(ctx context.Context, r *Request) error
	// TokenizeInfill turns what stands before and after a gap into the prompt
	// that has the model fill it; an error where the model has no tokens for it.
	TokenizeInfill(ctx context.Context, before, after string) ([]int32, error)
	// Chat is the chat form of the model; the error says that it has none.
	Chat() (*chat.Template, error)
	// Embed is the embedding of a text.
	Embed(ctx context.Context, tokens []int32, pooling runtime.Pooling) ([]float32, error)
	// NewDecoder turns tokens into a text; special shows control tokens.
	NewDecoder(special bool) *tokenizer.Decoder
	// TokenBytes is what one token stands for, to be read only; it may be a
	// part of a character.
	TokenBytes(id int32) []byte
	VocabSize() int

	Health() Health
	Facts() Facts
	Config() *config.Config
	// NewID returns 32 random hex digits.
	NewID() string
	// Routes are those of all dialects.
	Routes() []Route
}

// Body is the body of a request: a JSON object, and the room that it takes.
type Body struct {
	*fields.Object
	OnUnknown func(field string) // told of each field that nobody asked for
	Release   func()             // gives the room back
}

// Done returns what was wrong with the fields that were read, and has the
// others logged.
func (b *Body) Done() error {
	if err := b.Err(); err != nil {
		return err
	}
	for _, name := range b.Unknown() {
		b.OnUnknown(name)
	}
	return nil
}

// Forget lets go of the text, and keeps its room for what was made of it.
func (b *Body) Forget() { b.Object = nil }

// Close gives the room that the body takes back, once.
func (b *Body) Close() {
	if b.Release != nil {
		b.Release()
		b.Release, b.Object = nil, nil
	}
}

// Facts are what the server is, as the engine has it.
type Facts struct {
	Version   string
	Started   time.Time
	Model     model.Config
	ModelPath string
	ModelName string // by which clients ask for it
	Context   int    // tokens of a sequence
	Limits    runtime.Options
}

// Health is the server's state.
type Health struct {
	Fault    error // why the engine cannot compute; nil while it can
	Draining bool  // the server stops
	Stats    runtime.Stats
}
