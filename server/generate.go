package server

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io"
	"math"
	"net/http"
	"time"

	"cllm/runtime"
)

// generation is one request to /generate.
type generation struct {
	runtime.Request
	id     string
	start  time.Time
	stream bool
}

// readGeneration reads the fields of /generate.
func (s *Server) readGeneration(w http.ResponseWriter, r *http.Request) (*generation, error) {
	d := s.Config.Defaults
	g := &generation{id: newID(), start: time.Now()}
	g.MaxTokens, g.N = d.MaxTokens, 1
	p := &g.Sampling
	p.Temperature, p.TopP, p.TopK, p.RepetitionPenalty = float32(d.Temperature), float32(d.TopP), d.TopK, float32(d.RepetitionPenalty)
	prompt, parseSpecial, timeout := d.Prompt, true, float32(0)

	f := s.readFields(w, r)
	defer f.release()
	hasPrompt := f.str("prompt", &prompt) || d.Prompt != ""
	f.integer("max_tokens", &g.MaxTokens, 1, math.MaxInt32)
	f.number("temperature", &p.Temperature, 0, maxTemperature)
	f.number("top_p", &p.TopP, 0, 1)
	f.integer("top_k", &p.TopK, 0, math.MaxInt32)
	f.positive("repetition_penalty", &p.RepetitionPenalty, maxPenalty)
	f.boolean("stream", &g.stream)

	f.number("min_p", &p.MinP, 0, 1)
	f.number("presence_penalty", &p.PresencePenalty, -maxPenalty, maxPenalty)
	f.number("frequency_penalty", &p.FrequencyPenalty, -maxPenalty, maxPenalty)
	f.biases("logit_bias", &p.LogitBias)
	f.seed("seed", &p.Seed)
	f.strs("stop", &g.Stop)
	f.ids("stop_tokens", &g.StopTokens)
	f.boolean("ignore_eos", &g.IgnoreEOS)
	f.integer("min_tokens", &g.MinTokens, 0, math.MaxInt32)
	f.integer("n", &g.N, 1, max(1, s.Config.Parallel))
	f.integer("logprobs", &g.TopLogProbs, 0, runtime.MaxTopLogProbs)
	f.boolean("echo", &g.Echo)
	f.boolean("special", &g.Special)
	f.boolean("parse_special", &parseSpecial)
	f.number("timeout", &timeout, 0, 1e9)
	if f.err == nil && !hasPrompt {
		f.err = badRequest("prompt is missing")
	}
	if err := s.finish(f, r); err != nil {
		return nil, err
	}
	g.LogProbs = g.TopLogProbs > 0
	p.TopP = runtime.LeastTopP(p.TopP)
	g.Timeout = s.Config.RequestTimeout(g.MaxTokens)
	if own := time.Duration(float64(timeout) * float64(time.Second)); own > 0 && (g.Timeout == 0 || own < g.Timeout) {
		g.Timeout = own
	}
	g.Prompt = s.bodies.tokens(prompt, parseSpecial, s.Tokenizer.EncodePrompt)
	if limit := s.Config.MaxInput; limit > 0 && len(g.Prompt) > limit {
		return nil, &runtime.ContextError{Prompt: len(g.Prompt), Limit: limit, Reason: "http.max_input_tokens"}
	}
	return g, nil
}

const (
	maxTemperature = 2 // above it everything is noise
	maxPenalty     = 100
)

// newID returns 32 random hex digits.
func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

func (s *Server) generate(w http.ResponseWriter, r *http.Request) { s.answer(w, r, false) }

func (s *Server) generateStream(w http.ResponseWriter, r *http.Request) { s.answer(w, r, true) }

func (s *Server) answer(w http.ResponseWriter, r *http.Request, stream bool) {
	g, err := s.readGeneration(w, r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	events, err := s.Engine.Submit(r.Context(), g.Request)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	defer events.Close()
	if stream || g.stream {
		s.sendEvents(w, r, g, events)
		return
	}
	result, err := events.Wait()
	if err == nil {
		err = interrupted(result)
	}
	if err != nil {
		s.fail(w, r, whyCancelled(r, err))
		return
	}
	succeed(w, s.answerOf(g, result))
}

// interrupted returns an error when a choice did not end by itself.
func interrupted(result *runtime.Result) error {
	for _, c := range result.Choices {
		if err := interruptedBy(c.FinishReason); err != nil {
			return err
		}
	}
	return nil
}

func interruptedBy(finishReason string) error {
	switch finishReason {
	case runtime.FinishTimeout:
		return errTimeout
	case runtime.FinishCancelled:
		return context.Canceled
	}
	return nil
}

// whyCancelled turns a cancellation that was not the client's into that of the
// engine, which has closed.
func whyCancelled(r *http.Request, err error) error {
	if errors.Is(err, context.Canceled) && r.Context().Err() == nil {
		return runtime.ErrDraining
	}
	return err
}

// answer is the data of a whole answer.
type answer struct {
	ID              string    `json:"id"`
	Text            string    `json:"text"`
	Generated       int       `json:"generated_tokens"`
	MaxTokens       int       `json:"max_tokens"`
	ResponseTime    float64   `json:"response_time"` // s
	TokensPerSecond float64   `json:"tokens_per_second"`
	PromptTokens    int       `json:"prompt_tokens"`
	CachedTokens    int       `json:"cached_tokens"`
	FinishReason    string    `json:"finish_reason"`
	LogProbs        []logProb `json:"logprobs,omitempty"`
	Choices         []choice  `json:"choices,omitempty"` // with n over 1
}

// choice is one of several continuations.
type choice struct {
	Index        int       `json:"index"`
	Text         string    `json:"text"`
	Generated    int       `json:"generated_tokens"`
	FinishReason string    `json:"finish_reason"`
	LogProbs     []logProb `json:"logprobs,omitempty"`
}

// logProb is a token with its log-probability; null for the first of a prompt.
type logProb struct {
	ID      int32     `json:"id"`
	Token   string    `json:"token"`
	LogProb *float32  `json:"logprob"`
	Top     []logProb `json:"top,omitempty"`
}

func (s *Server) answerOf(g *generation, result *runtime.Result) answer {
	took := time.Since(g.start).Seconds()
	first := result.Choices[0]
	a := answer{ID: g.id, Text: first.Text, Generated: result.Usage.CompletionTokens, MaxTokens: g.MaxTokens,
		ResponseTime: took, TokensPerSecond: float64(result.Usage.CompletionTokens) / took,
		PromptTokens: result.Usage.PromptTokens, CachedTokens: result.Usage.CachedTokens,
		FinishReason: first.FinishReason, LogProbs: s.logProbs(first.LogProbs)}
	if len(result.Choices) > 1 {
		echoed := 0
		if g.Echo {
			echoed = len(g.Prompt)
		}
		for i, c := range result.Choices {
			a.Choices = append(a.Choices, choice{i, c.Text, len(c.Tokens) - echoed, c.FinishReason, s.logProbs(c.LogProbs)})
		}
	}
	return a
}

// logProbs puts the engine's log-probabilities into the answer's form.
func (s *Server) logProbs(from runtime.LogProbs) []logProb {
	var to []logProb
	for i := range from.Len() {
		p := from.At(i)
		l := s.logProb(p.Token, p.LogProb)
		for _, t := range p.Top {
			l.Top = append(l.Top, s.logProb(t.Token, t.LogProb))
		}
		to = append(to, l)
	}
	return to
}

func (s *Server) logProb(id int32, p float32) logProb {
	l := logProb{ID: id, Token: s.Tokenizer.Decode([]int32{id}, true)}
	if x := float64(p); !math.IsNaN(x) && !math.IsInf(x, 0) {
		l.LogProb = &p
	}
	return l
}

// sendEvents streams the events as they come. Between them it shows now and
// then that the server lives, which also finds out clients that do not. What
// goes wrong before the first of them is answered with its status.
func (s *Server) sendEvents(w http.ResponseWriter, r *http.Request, g *generation, events *runtime.Stream) {
	out := newEventWriter(w)
	generated, prompt, cached, reason := 0, 0, 0, ""
	var err error
	for err == nil {
		var ev runtime.Event
		wait, cancel := context.WithTimeout(r.Context(), s.times.ping)
		ev, err = events.Next(wait)
		cancel()
		switch {
		case errors.Is(err, context.DeadlineExceeded) && r.Context().Err() == nil:
			err = out.ping()
			continue
		case err == io.EOF:
			_ = out.send(finalEvent{ID: g.id, Done: true, Generated: generated, PromptTokens: prompt,
				CachedTokens: cached, FinishReason: reason})
			return
		case err != nil:
			if r.Context().Err() != nil {
				return
			}
			if err = whyCancelled(r, err); !out.begun {
				s.fail(w, r, err)
				return
			}
			s.log.Error("request failed", "path", r.URL.Path, "error", err)
			_ = out.send(map[string]any{"id": g.id, "token": "", "done": true, "error": failureOf(err).text})
			return
		}
		if failed := interruptedBy(ev.FinishReason); failed != nil && !out.begun && ev.Text == "" {
			s.fail(w, r, whyCancelled(r, failed))
			return
		}
		e := textEvent{ID: g.id, Token: ev.Text, LogProbs: s.logProbs(ev.LogProbs)}
		if g.N > 1 {
			e.Index = &ev.Choice
		}
		if ev.Text != "" || ev.LogProbs.Len() > 0 {
			err = out.send(e)
		}
		if ev.Done {
			generated += ev.Usage.CompletionTokens
			prompt, cached = ev.Usage.PromptTokens, max(cached, ev.Usage.CachedTokens)
			if reason == "" || ev.Choice == 0 {
				reason = ev.FinishReason
			}
		}
	}
}

// textEvent is a piece of text in a stream.
type textEvent struct {
	ID       string    `json:"id"`
	Index    *int      `json:"index,omitempty"` // of the choice, with n over 1
	Token    string    `json:"token"`
	Done     bool      `json:"done"`
	LogProbs []logProb `json:"logprobs,omitempty"`
}

// finalEvent ends a stream.
type finalEvent struct {
	ID           string `json:"id"`
	Token        string `json:"token"`
	Done         bool   `json:"done"`
	Generated    int    `json:"generated_tokens"`
	PromptTokens int    `json:"prompt_tokens"`
	CachedTokens int    `json:"cached_tokens"`
	FinishReason string `json:"finish_reason"`
}
