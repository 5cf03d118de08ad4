package runtime

import "fmt"

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
	if r.Hold < 0 {
		return bad("hold", "is %d, must not be negative", r.Hold)
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
