// Package runtime generates text with a model for many callers at once:
// continuous batching over a paged KV cache.
//
//	engine, err := runtime.New(model, tokenizer, runtime.Options{})
//	stream, err := engine.Submit(ctx, runtime.Request{Prompt: ids, MaxTokens: 100})
//	for event, err := range stream.Events() { ... event.Text ... }
//
// An [Engine] computes in steps. Each takes a token of every running sequence
// and chunks of the prompts that wait; sequences come and go at any step. A
// request's answer depends on its prompt, its parameters and its seed alone:
// the logits are the same bits whatever else runs.
package runtime

import (
	"errors"
	"fmt"
	"math"
	"time"
)

// Request asks for one or more continuations of a prompt. The zero value of
// every field but Prompt is its default.
type Request struct {
	Prompt []int32 // token ids; at least one
	// MaxTokens bounds the tokens generated per choice; 0: as many as the
	// context holds.
	MaxTokens int
	// PromptOnly evaluates the prompt and generates nothing.
	PromptOnly bool
	// MinTokens is the number of tokens before which neither an end token,
	// a stop token nor a stop string ends the text.
	MinTokens  int
	Sampling   Sampling // greedy
	Stop       []string // the text ends before the first of these
	StopTokens []int32  // the text ends at these, like at the model's end tokens
	IgnoreEOS  bool     // the model's end tokens are never drawn
	N          int      // choices; 0 means 1
	// Echo puts the prompt before the text: an event of its own, with the
	// prompt's log-probabilities when LogProbs asks for them.
	Echo bool
	// LogProbs asks for the log-probability of each token, which costs a sum
	// over the vocabulary, and TopLogProbs for so many of the likeliest tokens
	// beside it, up to [MaxTopLogProbs].
	LogProbs    bool
	TopLogProbs int
	Special     bool          // the text shows control tokens
	Timeout     time.Duration // from Submit on; 0: none
}

// MaxTopLogProbs is the greatest Request.TopLogProbs.
const MaxTopLogProbs = 20

// generates is the most tokens that a choice may have, math.MaxInt when only
// the context bounds them.
func (r *Request) generates() int {
	switch {
	case r.PromptOnly:
		return 0
	case r.MaxTokens == 0:
		return math.MaxInt
	}
	return r.MaxTokens
}

// Sampling says how a token is drawn from the logits. The zero value is greedy,
// without penalties. The steps and their order are llama.cpp's:
//
//  1. LogitBias is added; suppressed tokens (end tokens under IgnoreEOS or
//     before MinTokens) get -Inf.
//  2. Penalties, for the tokens among the last PenaltyWindow: a logit above 0
//     is divided by RepetitionPenalty, another multiplied by it; then count ×
//     FrequencyPenalty and PresencePenalty are subtracted.
//  3. Temperature 0: the greatest logit, of equals the smallest id. Nothing
//     below applies and no random number is drawn.
//  4. TopK keeps the k greatest logits.
//  5. TopP keeps the fewest tokens whose probabilities (softmax over what TopK
//     left, at temperature 1) sum to p or more; always one.
//  6. MinP keeps those with a probability of at least MinP × the greatest.
//  7. Logits are divided by the temperature, and one random number chooses
//     from the softmax. Exactly one is drawn per token, so that a sequence's
//     tokens depend on its seed and its logits alone.
type Sampling struct {
	Temperature float32 // 0: the likeliest token
	TopK        int     // the k likeliest; 0: all
	TopP        float32 // the likeliest that hold this probability, however small; 0 or 1: all
	MinP        float32 // those at least this likely relative to the first; 0: all

	RepetitionPenalty float32 // divides positive logits, multiplies negative; 0 or 1: none
	PresencePenalty   float32 // subtracted once from tokens in the window
	FrequencyPenalty  float32 // subtracted once per occurrence in the window
	// PenaltyWindow is how many of the last tokens, prompt included, the
	// penalties look at; 0: 64; negative: all.
	PenaltyWindow int

	LogitBias map[int32]float32 // added to the logits before all else
	// Seed fixes the draws; its zero value leaves them random. The choices of
	// one request draw differently.
	Seed Seed
}

// Seed is where random numbers begin: anew for each request, or where
// [FixedSeed] says.
type Seed struct {
	number uint64
	fixed  bool
}

// FixedSeed makes the draws the same whenever the number is; 0 is as good as
// any.
func FixedSeed(number uint64) Seed { return Seed{number, true} }

// Errors of [Engine.Submit], beside [*ContextError] and [*FieldError].
var (
	ErrQueueFull = errors.New("the queue is full")
	ErrDraining  = errors.New("the engine is shutting down")
	ErrClosed    = errors.New("the engine is closed")
)

// ContextError says that a prompt is longer than a sequence can be.
type ContextError struct {
	Prompt, Limit int    // tokens
	Reason        string // what sets the limit
}

func (e *ContextError) Error() string {
	return fmt.Sprintf("the prompt has %d tokens, the limit is %d (%s): shorten the prompt or raise the limit", e.Prompt, e.Limit, e.Reason)
}

// FieldError says which field of a request is wrong.
type FieldError struct{ Field, Message string }

func (e *FieldError) Error() string { return e.Field + " " + e.Message }

// LeastTopP is the TopP for a caller to whom 0 does not mean all tokens but the
// fewest, the likeliest alone, as it does to llama.cpp.
func LeastTopP(p float32) float32 { return max(p, math.SmallestNonzeroFloat32) }

// validate checks everything that does not depend on the queue. vocab is the
// number of tokens, limit the longest sequence, reason what sets it.
func (r *Request) validate(vocab, parallel, limit int, reason string) error {
	bad := func(field, format string, a ...any) error {
		return &FieldError{field, fmt.Sprintf(format, a...)}
	}
	s := &r.Sampling
	switch {
	case len(r.Prompt) == 0:
		return bad("prompt", "is empty")
	case r.MinTokens < 0:
		return bad("min_tokens", "is %d, must not be negative", r.MinTokens)
	case r.MaxTokens < 0:
		return bad("max_tokens", "is %d, must not be negative", r.MaxTokens)
	case r.PromptOnly && r.MaxTokens > 0:
		return bad("max_tokens", "is %d, but the prompt is only to be evaluated", r.MaxTokens)
	case r.MinTokens > r.generates():
		return bad("min_tokens", "is %d, above max_tokens %d", r.MinTokens, r.generates())
	case r.N < 0 || r.N > parallel:
		return bad("n", "is %d, must be from 1 to %d, the number of parallel sequences", r.N, parallel)
	case r.TopLogProbs < 0 || r.TopLogProbs > MaxTopLogProbs:
		return bad("top_logprobs", "is %d, must be from 0 to %d", r.TopLogProbs, MaxTopLogProbs)
	case r.TopLogProbs > 0 && !r.LogProbs:
		return bad("top_logprobs", "is %d, but no log-probabilities are asked for", r.TopLogProbs)
	case r.Timeout < 0:
		return bad("timeout", "is %v, must not be negative", r.Timeout)
	case !(s.Temperature >= 0 && s.Temperature <= maxTemperature):
		return bad("temperature", "is %v, must be from 0 to %v", s.Temperature, maxTemperature)
	case s.TopK < 0:
		return bad("top_k", "is %d, must not be negative", s.TopK)
	case !(s.TopP >= 0 && s.TopP <= 1):
		return bad("top_p", "is %v, must be from 0 to 1", s.TopP)
	case !(s.MinP >= 0 && s.MinP <= 1):
		return bad("min_p", "is %v, must be from 0 to 1", s.MinP)
	case !(s.RepetitionPenalty >= 0 && s.RepetitionPenalty <= maxPenalty):
		return bad("repetition_penalty", "is %v, must be above 0, to %v", s.RepetitionPenalty, maxPenalty)
	case !(s.PresencePenalty >= -maxPenalty && s.PresencePenalty <= maxPenalty):
		return bad("presence_penalty", "is %v, must be from -%v to %v", s.PresencePenalty, maxPenalty, maxPenalty)
	case !(s.FrequencyPenalty >= -maxPenalty && s.FrequencyPenalty <= maxPenalty):
		return bad("frequency_penalty", "is %v, must be from -%v to %v", s.FrequencyPenalty, maxPenalty, maxPenalty)
	}
	for i, id := range r.Prompt {
		if id < 0 || int(id) >= vocab {
			return bad("prompt", "token %d is %d, the vocabulary ends at %d", i, id, vocab)
		}
	}
	for _, id := range r.StopTokens {
		if id < 0 || int(id) >= vocab {
			return bad("stop_tokens", "holds %d, the vocabulary ends at %d", id, vocab)
		}
	}
	for id, b := range s.LogitBias {
		if id < 0 || int(id) >= vocab {
			return bad("logit_bias", "names token %d, the vocabulary ends at %d", id, vocab)
		}
		if b != b {
			return bad("logit_bias", "of token %d is not a number", id)
		}
	}
	for _, stop := range r.Stop {
		if stop == "" {
			return bad("stop", "holds an empty string")
		}
		if len(stop) > maxStopBytes {
			return bad("stop", "holds a string of %d bytes, at most %d are taken", len(stop), maxStopBytes)
		}
	}
	if len(r.Stop) > maxStops {
		return bad("stop", "holds %d strings, at most %d are taken", len(r.Stop), maxStops)
	}
	if len(r.Prompt) > limit {
		return &ContextError{Prompt: len(r.Prompt), Limit: limit, Reason: reason}
	}
	return nil
}

const (
	maxTemperature = 100
	maxPenalty     = 100
	maxStops       = 64
	maxStopBytes   = 1024
)
