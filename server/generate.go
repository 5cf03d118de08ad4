package server

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"path/filepath"
	"strings"
	"time"

	"cllm/chat"
	"cllm/config"
	"cllm/runtime"
	"cllm/server/api"
)

// Generate admits a request to the engine.
func (s *Server) Generate(ctx context.Context, r *api.Request) (api.Stream, error) {
	if err := s.TokenizePrompt(ctx, r); err != nil {
		return nil, err
	}
	if limit := s.options.Config.MaxInput; limit > 0 && len(r.Prompt) > limit {
		return nil, &runtime.ContextError{Prompt: len(r.Prompt), Limit: limit, Reason: "http.max_input_tokens"}
	}
	if most := s.timeout(r.Request); r.Timeout == 0 || most > 0 && most < r.Timeout {
		r.Timeout = most
	}
	events, err := s.options.Engine.Submit(ctx, r.Request)
	if err != nil {
		return nil, err
	}
	// The engine has its own, and counts it; r may live as long as the answer.
	r.Prompt, r.Stop, r.StopTokens, r.Sampling.LogitBias = nil, nil, nil, nil
	return patient{events, ctx, s.times.write}, nil
}

// patient is a stream whose reader waits for room for what it keeps. Meanwhile
// it does not read, so that its request pauses, and no other.
type patient struct {
	api.Stream
	ctx  context.Context
	most time.Duration
}

// roomPoll is the time between two looks for room.
const roomPoll = 20 * time.Millisecond

func (p patient) Hold(bytes int64) error {
	end := time.Now().Add(p.most)
	for {
		err := p.Stream.Hold(bytes)
		if !errors.Is(err, runtime.ErrQueueFull) || time.Now().After(end) {
			return err
		}
		select {
		case <-time.After(roomPoll):
		case <-p.ctx.Done():
			return context.Cause(p.ctx)
		}
	}
}

// Chat is the model's chat form.
func (s *Server) Chat() (*chat.Template, error) {
	if s.options.Chat == nil {
		return nil, &api.Error{Kind: api.BadRequest, Text: s.options.ChatError.Error(), Field: "messages"}
	}
	return s.options.Chat, nil
}

// Embed is the embedding of a text.
func (s *Server) Embed(ctx context.Context, tokens []int32, pooling runtime.Pooling) ([]float32, error) {
	return s.options.Engine.Embed(ctx, tokens, pooling)
}

// timeout is the time that a request may take; 0 is any.
func (s *Server) timeout(r runtime.Request) time.Duration {
	tokens := s.options.Engine.Context() // more than these no answer has
	switch {
	case r.PromptOnly:
		tokens = 0
	case r.MaxTokens > 0:
		tokens = min(tokens, r.MaxTokens)
	}
	return s.options.Config.RequestTimeout(tokens)
}

// newID returns 32 random hex digits.
func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// NewID returns 32 random hex digits.
func (s *Server) NewID() string { return newID() }

// Config is what the server was told.
func (s *Server) Config() *config.Config { return s.options.Config }

// Facts are what the server is, as the engine has it.
func (s *Server) Facts() api.Facts {
	o := s.options
	return api.Facts{Version: o.Version, Started: s.start, Model: o.Model, ModelPath: o.ModelPath, ModelName: s.modelName(),
		Context: o.Engine.Context(), Limits: o.Engine.Options()}
}

// modelName is the alias of the model, or what its file calls it.
func (s *Server) modelName() string {
	name := s.options.Config.Alias
	if name == "" {
		name = strings.TrimSuffix(filepath.Base(s.options.ModelPath), ".gguf")
	}
	return name
}
