package cllm

import (
	"context"
	"math"
	"net/http"
	"time"

	"cllm/bench"
	"cllm/runtime"
	"cllm/server/api"
)

// maxBenchmarkTokens bounds what one benchmark asks of the engine, and the
// times of tokens that are kept until it reports.
const maxBenchmarkTokens = 1 << 18

// leastConcurrency is what a benchmark may ask for on the smallest server too.
const leastConcurrency = 8

// benchmark puts the engine under load from within. It counts what a client
// would have received; requests that the queue refuses count as failed. Its
// requests are admitted as all others are, it takes at most half of the
// queue's places, no longer than a request may take, and one runs at a time.
func (d *dialect) benchmark(w http.ResponseWriter, r *http.Request) error {
	requests, concurrency, maxTokens := 40, 8, 50
	prompt, temperature := "Once upon a time", float32(0.7)
	limits := d.Facts().Limits
	body, err := d.ReadBody(w, r)
	if err != nil {
		return err
	}
	defer body.Close()
	body.Integer("requests", &requests, 1, 10_000)
	body.Integer("concurrency", &concurrency, 1, max(leastConcurrency, (limits.Parallel+limits.MaxWaiting)/2))
	body.Integer("max_tokens", &maxTokens, 1, math.MaxInt32)
	body.Text("prompt", &prompt)
	body.Number("temperature", &temperature, 0, maxTemperature)
	if most := min(maxTokens, d.Facts().Context); most > maxBenchmarkTokens/requests {
		body.Fail("requests", "%d requests of up to %d tokens are more than the %d tokens that a benchmark may have", requests, most, maxBenchmarkTokens)
	}
	if err := body.Done(); err != nil {
		return err
	}
	req := api.Request{Request: runtime.Request{MaxTokens: maxTokens, Sampling: runtime.Sampling{Temperature: temperature}},
		Text: prompt, ParseSpecial: true}
	if err := d.TokenizePrompt(r.Context(), &req); err != nil {
		return err
	}
	body.Close()
	if !d.benchmarking.CompareAndSwap(false, true) {
		return api.NoRoom("A benchmark is running", "one runs at a time; try again later")
	}
	defer d.benchmarking.Store(false)

	ctx, cancel := context.WithCancelCause(r.Context())
	defer cancel(nil)
	if most := d.Config().Timeout; most > 0 {
		defer time.AfterFunc(most, func() { cancel(context.DeadlineExceeded) }).Stop()
	}
	b := bench.Load(ctx, requests, concurrency, func(ctx context.Context, _ int) bench.Sample {
		m := d.sample(ctx, req)
		if m.Err != nil && api.ErrorOf(m.Err).Kind == api.BadRequest {
			cancel(m.Err) // as all the others would be
		}
		return m
	})
	if err := context.Cause(ctx); err != nil {
		return err
	}
	return succeed(w, map[string]any{
		"total_requests": b.Requests, "successful_requests": b.Successful, "failed_requests": b.Failed,
		"avg_response_time": b.AvgTime, "min_response_time": b.MinTime, "max_response_time": b.MaxTime,
		"avg_throughput": b.Throughput, "avg_tokens_per_second": b.TokensPerSecond,
		"total_tokens_processed": b.TokensProcessed, "avg_generated_tokens": b.AvgGenerated, "total_time": b.TotalTime,
		"time_to_first_token": b.FirstToken, "time_between_tokens": b.BetweenTokens, "errors": append([]string{}, b.Errors...),
	})
}

// sample makes one request of the engine and notes its times.
func (d *dialect) sample(ctx context.Context, req api.Request) (m bench.Sample) {
	m.Start = time.Now()
	defer func() { m.End = time.Now() }()
	events, err := d.Generate(ctx, &req)
	if err != nil {
		m.Err = err
		return m
	}
	defer events.Close()
	for ev, err := range api.Events(ctx, events) {
		if err != nil {
			m.Err = err
			return m
		}
		if ev.Text != "" {
			m.Text(time.Now())
		}
		if ev.Done {
			m.Tokens, m.PromptTokens = ev.Usage.CompletionTokens, ev.Usage.PromptTokens
		}
	}
	return m
}
