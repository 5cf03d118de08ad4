package server

import (
	"context"
	"net/http"
	"time"

	"cllm/bench"
	"cllm/runtime"
)

// benchmark puts the engine under load from within. It counts what a client
// would have received; requests that the queue refuses count as failed.
func (s *Server) benchmark(w http.ResponseWriter, r *http.Request) {
	requests, concurrency, maxTokens := 40, 8, 50
	prompt, temperature := "Once upon a time", float32(0.7)
	f := s.readFields(w, r)
	f.integer("requests", &requests, 1, 10_000)
	f.integer("concurrency", &concurrency, 1, 1024)
	f.integer("max_tokens", &maxTokens, 1, 1<<20)
	f.str("prompt", &prompt)
	f.number("temperature", &temperature, 0, maxTemperature)
	tokens := s.bodies.tokens(prompt, true, s.Tokenizer.EncodePrompt)
	f.release()
	if err := s.finish(f, r); err != nil {
		s.fail(w, r, err)
		return
	}
	req := runtime.Request{Prompt: tokens, MaxTokens: maxTokens,
		Sampling: runtime.Sampling{Temperature: temperature}, Timeout: s.Config.RequestTimeout(maxTokens)}
	ctx, cancel := context.WithCancelCause(r.Context())
	defer cancel(nil)
	b := bench.Load(ctx, requests, concurrency, func(ctx context.Context, _ int) bench.Sample {
		m := s.sample(ctx, req)
		if m.Err != nil && failureOf(m.Err).status == http.StatusBadRequest {
			cancel(m.Err) // as all the others would be
		}
		return m
	})
	if err := context.Cause(ctx); err != nil {
		s.fail(w, r, err)
		return
	}
	succeed(w, map[string]any{
		"total_requests": b.Requests, "successful_requests": b.Successful, "failed_requests": b.Failed,
		"avg_response_time": b.AvgTime, "min_response_time": b.MinTime, "max_response_time": b.MaxTime,
		"avg_throughput": b.Throughput, "avg_tokens_per_second": b.TokensPerSecond,
		"total_tokens_processed": b.TokensProcessed, "avg_generated_tokens": b.AvgGenerated, "total_time": b.TotalTime,
		"time_to_first_token": b.FirstToken, "time_between_tokens": b.BetweenTokens, "errors": append([]string{}, b.Errors...),
	})
}

// sample makes one request of the engine and notes its times.
func (s *Server) sample(ctx context.Context, req runtime.Request) (m bench.Sample) {
	m.Start = time.Now()
	defer func() { m.End = time.Now() }()
	events, err := s.Engine.Submit(ctx, req)
	if err != nil {
		m.Err = err
		return m
	}
	var last time.Time
	for ev, err := range events.Events() {
		now := time.Now()
		switch {
		case err != nil:
			m.Err = err
			return m
		case m.First.IsZero() && ev.Text != "":
			m.First = now
		case ev.Text != "":
			m.Gaps = append(m.Gaps, now.Sub(last))
		}
		last = now
		if ev.Done {
			m.Tokens, m.PromptTokens = ev.Usage.CompletionTokens, ev.Usage.PromptTokens
			m.Err = interruptedBy(ev.FinishReason)
		}
	}
	return m
}
