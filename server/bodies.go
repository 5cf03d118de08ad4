package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"cllm/server/api"
	"cllm/server/fields"
	"cllm/server/openai"
	"cllm/tokenizer"
)

const (
	// maxBody is the most bytes a request's body may have.
	maxBody = 2 << 20
	// freeBody is the size up to which bodies are read without asking for room.
	freeBody = 4 << 10
	// smallBody is the size up to which bodies do not wait for large ones.
	smallBody = 64 << 10
	// bodyCost is the memory that a byte of a body takes: while it is read its
	// text beside it, then tokens of one byte each.
	bodyCost = 4
	// The memory of all bodies that are being read.
	smallRoom = 4 << 20
	largeRoom = 16 << 20
	// tokenizeCost is the memory that a byte of a text takes while it becomes
	// tokens, when all of it is one word; tokens counted.
	tokenizeCost = 32
	// tokenizers is how many texts of up to smallBody become tokens at a time;
	// beside them one that is larger does.
	tokenizers = 2
)

// Memory is the bytes that a server may need beside its engine: bodies, texts
// that become tokens, the times of a benchmark, stored responses.
const Memory = smallRoom + largeRoom + (smallBody+maxBody)*bodyCost + // see room.ahead
	(maxBody+tokenizers*smallBody)*tokenizeCost + 5<<20 + openai.StoredBytes

// bodies bounds the memory of the request bodies that are being read, and of
// turning them into tokens.
type bodies struct {
	small, large                     *room
	tokenizingSmall, tokenizingLarge chan struct{} // hold one for each text
}

func newBodies() *bodies {
	return &bodies{small: newRoom(smallRoom), large: newRoom(largeRoom),
		tokenizingSmall: make(chan struct{}, tokenizers), tokenizingLarge: make(chan struct{}, 1)}
}

// bodyRead is a body that is being read, and the room it has: large for what
// is beyond smallBody.
type bodyRead struct{ small, large share }

func (b *bodies) newRead() *bodyRead {
	return &bodyRead{small: share{room: b.small}, large: share{room: b.large}}
}

// reserve waits until there is room for a body to grow.
func (b *bodyRead) reserve(ctx context.Context, from, to int64) error {
	if more := min(to, smallBody) - max(from, freeBody); more > 0 {
		if err := b.small.reserve(ctx, more*bodyCost); err != nil {
			return err
		}
	}
	if more := to - max(from, smallBody); more > 0 {
		return b.large.reserve(ctx, more*bodyCost)
	}
	return nil
}

func (b *bodyRead) release() {
	b.small.release()
	b.large.release()
}

// read reads a body whole. It takes room as the bytes arrive, not for what a
// client says that it will send.
func (b *bodyRead) read(ctx context.Context, from io.Reader, length int64) ([]byte, error) {
	most := int64(maxBody + 1) // one more finds the end
	if length >= 0 {
		most = min(most, length+1)
	}
	body := make([]byte, 0, min(most, freeBody))
	for {
		n, err := from.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		switch {
		case err == io.EOF:
			return body, nil
		case err != nil:
			return nil, err
		}
		if was := int64(cap(body)); int64(len(body)) == was {
			size := max(min(2*was, most), was+1)
			if err := b.reserve(ctx, was, size); err != nil {
				return nil, err
			}
			body = append(make([]byte, 0, size), body...)
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
	b := s.bodies.newRead()
	body, err := b.read(ctx, http.MaxBytesReader(w, r.Body, maxBody), r.ContentLength)
	if err != nil {
		b.release()
		w.Header().Set("Connection", "close") // the rest of the body is not waited for
		refused := bodyError(err, within)
		if k := refused.Kind; k == api.BodyTooLarge || k == api.Unavailable {
			// A client that still sends hears the answer only if that is read.
			_ = c.SetReadDeadline(time.Now().Add(discardTime))
			_, _ = io.CopyN(io.Discard, r.Body, discardBytes)
		}
		return nil, refused
	}
	_ = c.SetReadDeadline(time.Time{})
	return &api.Body{Object: fields.Parse(body), Release: b.release, OnUnknown: func(field string) {
		if len(field) <= 100 && s.unknown.first(r.URL.Path+" "+field) {
			s.log.Warn("unknown field in a request, ignored", "path", r.URL.Path, "field", field)
		}
	}}, nil
}

// What is read and thrown away of a body that was refused.
const (
	discardTime  = time.Second
	discardBytes = 16 << 20
)

func bodyError(err error, within time.Duration) *api.Error {
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return &api.Error{Kind: api.BodyTooLarge, Text: fmt.Sprintf("the body has more than %d bytes", large.Limit)}
	case errors.Is(err, os.ErrDeadlineExceeded):
		return &api.Error{Kind: api.BodyTimeout, Text: fmt.Sprintf("the body did not arrive within %v", within)}
	case errors.Is(err, context.DeadlineExceeded):
		return api.Busy("Too many large requests", "other large bodies are being read; try again later")
	case errors.Is(err, context.Canceled):
		return api.ErrorOf(err)
	}
	return api.Refuse("the body could not be read: %v", err)
}

// Tokenize turns a text into tokens.
func (s *Server) Tokenize(ctx context.Context, text string, special bool) (tokens []int32, err error) {
	err = s.bodies.inTurn(ctx, len(text), func() { tokens = s.options.Tokenizer.Encode([]int32{}, text, special) })
	return tokens, err
}

// TokenizePrompt sets the Prompt of a request.
func (s *Server) TokenizePrompt(ctx context.Context, r *api.Request) error {
	if r.Prompt != nil {
		return nil
	}
	bytes := len(r.Text)
	for _, segment := range r.Segments {
		bytes += len(segment.Text)
	}
	return s.bodies.inTurn(ctx, bytes, func() {
		if r.Segments != nil {
			r.Prompt = s.options.Tokenizer.EncodePromptSegments(r.Segments...)
		} else {
			r.Prompt = s.options.Tokenizer.EncodePrompt(r.Text, r.ParseSpecial)
		}
		r.Text, r.Segments = "", nil
	})
}

// infillTokens are the texts of the tokens by which families of models know a
// gap: before the text before it, before the text after it, at its place.
var infillTokens = [][3]string{
	{"<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>"}, // Qwen2.5-Coder
	{"<fim_prefix>", "<fim_suffix>", "<fim_middle>"},       // StarCoder, SmolLM
	{"<PRE>", "<SUF>", "<MID>"},                            // Code Llama
}

// TokenizeInfill turns what stands before and after a gap into a prompt.
func (s *Server) TokenizeInfill(ctx context.Context, before, after string) (tokens []int32, err error) {
	t := s.options.Tokenizer
	for _, marks := range infillTokens {
		var ids [3]int32
		all := true
		for i, mark := range marks {
			var ok bool
			ids[i], ok = t.ID(mark)
			all = all && ok
		}
		if !all {
			continue
		}
		err = s.bodies.inTurn(ctx, len(before)+len(after), func() {
			tokens = t.EncodePrompt("", false)
			tokens = t.Encode(append(tokens, ids[0]), before, false)
			tokens = t.Encode(append(tokens, ids[1]), after, false)
			tokens = append(tokens, ids[2])
		})
		return tokens, err
	}
	return nil, &api.Error{Kind: api.BadRequest, Text: "suffix: the model has no tokens for filling in between two texts", Field: "suffix"}
}

// inTurn tokenizes a text of so many bytes. Texts take turns: one that is a
// single word needs many times its size meanwhile.
func (b *bodies) inTurn(ctx context.Context, bytes int, tokenize func()) error {
	turn := b.tokenizingSmall
	if bytes > smallBody {
		turn = b.tokenizingLarge
	}
	select {
	case turn <- struct{}{}:
		defer func() { <-turn }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	tokenize()
	return nil
}

// NewDecoder turns tokens into a text.
func (s *Server) NewDecoder(special bool) *tokenizer.Decoder {
	return s.options.Tokenizer.NewDecoder(special)
}

// TokenBytes is what one token stands for.
func (s *Server) TokenBytes(id int32) []byte { return s.options.Tokenizer.TextBytes(id) }

// VocabSize is the number of tokens.
func (s *Server) VocabSize() int { return s.options.Tokenizer.Size() }
