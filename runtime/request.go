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
//
// Engines of one process share [Workers], which compute for them in turns, and
// a [Ledger] of memory, as [Options] says. What requests hold is bounded too:
// [MemoryPlan].Requests, [Stream.Hold].
//
// The package has the name of Go's own. A file that needs both imports that one
// as goruntime:
//
//	import (
//		goruntime "runtime"
//
//		"cllm/runtime"
//	)
package runtime

import (
	"errors"
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
	Constraint  Constraint    // what each choice may say; nil: anything
	// Hold is the bytes that the caller is certain to keep of the answer. They
	// are charged with the request, as [Stream.Hold] charges more, and given
	// back when the stream is closed.
	Hold int64
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
//     before MinTokens, and what a constraint rules out) get -Inf.
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

// Errors of [Engine.Submit], beside [*ContextError], [*FieldError] and
// [*MemoryError].
var (
	ErrQueueFull = errors.New("the queue is full") // or the memory of requests
	ErrDraining  = errors.New("the engine is shutting down")
	ErrClosed    = errors.New("the engine is closed")
)

// LeastTopP is the TopP for a caller to whom 0 does not mean all tokens but the
// fewest, the likeliest alone, as it does to llama.cpp.
func LeastTopP(p float32) float32 { return max(p, math.SmallestNonzeroFloat32) }
