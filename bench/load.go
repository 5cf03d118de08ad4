// Package bench measures: servers under load, as their clients see them, and
// the forward pass of a model by itself.
package bench

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Sample is what one client saw of one request.
type Sample struct {
	Start, First, End time.Time // First: of the first text, zero when none came
	Gaps              []time.Duration
	PromptTokens      int
	Tokens            int // generated, as received
	Err               error
}

// Block is the report on one load. Times are in seconds.
type Block struct {
	Requests        int      `json:"total_requests"`
	Successful      int      `json:"successful_requests"`
	Failed          int      `json:"failed_requests"`
	AvgTime         float64  `json:"avg_response_time"`
	MinTime         float64  `json:"min_response_time"`
	MaxTime         float64  `json:"max_response_time"`
	Throughput      float64  `json:"avg_throughput"`         // tokens received by all clients / (last end - first start)
	TokensPerSecond float64  `json:"avg_tokens_per_second"`  // mean over the requests of tokens / response time
	TokensProcessed int      `json:"total_tokens_processed"` // prompts and answers
	TokensGenerated int      `json:"total_generated_tokens"`
	AvgGenerated    float64  `json:"avg_generated_tokens"`
	TotalTime       float64  `json:"total_test_time"`
	ResponseTime    Spread   `json:"response_time"`
	FirstToken      Spread   `json:"time_to_first_token"`
	BetweenTokens   Spread   `json:"time_between_tokens"`
	Errors          []string `json:"errors,omitempty"` // the first few different ones
}

// Spread is a distribution of times in seconds.
type Spread struct {
	Mean float64 `json:"mean"`
	P50  float64 `json:"p50"`
	P95  float64 `json:"p95"`
	P99  float64 `json:"p99"`
	Max  float64 `json:"max"`
}

// Load makes the requests, at most concurrency of them at a time, and reports.
// A cancelled ctx ends it early; requests not made by then count as failed.
func Load(ctx context.Context, requests, concurrency int, do func(ctx context.Context, i int) Sample) *Block {
	samples := make([]Sample, requests)
	var next atomic.Int64
	var clients sync.WaitGroup
	for range min(concurrency, requests) {
		clients.Go(func() {
			for i := int(next.Add(1)) - 1; i < requests; i = int(next.Add(1)) - 1 {
				if err := ctx.Err(); err != nil {
					samples[i] = Sample{Err: err}
					continue
				}
				samples[i] = do(ctx, i)
			}
		})
	}
	clients.Wait()
	return report(samples)
}

// maxErrors is the number of different errors that a report shows.
const maxErrors = 5

func report(samples []Sample) *Block {
	b := &Block{Requests: len(samples)}
	var begin, end time.Time
	var times, first, gaps []float64
	rates := 0.0
	for _, s := range samples {
		if !s.Start.IsZero() && (begin.IsZero() || s.Start.Before(begin)) {
			begin = s.Start
		}
		if s.End.After(end) {
			end = s.End
		}
		if s.Err != nil {
			b.Failed++
			if text := s.Err.Error(); len(b.Errors) < maxErrors && !slices.Contains(b.Errors, text) {
				b.Errors = append(b.Errors, text)
			}
			continue
		}
		took := s.End.Sub(s.Start).Seconds()
		times = append(times, took)
		if !s.First.IsZero() {
			first = append(first, s.First.Sub(s.Start).Seconds())
		}
		for _, g := range s.Gaps {
			gaps = append(gaps, g.Seconds())
		}
		b.TokensGenerated += s.Tokens
		b.TokensProcessed += s.Tokens + s.PromptTokens
		if took > 0 {
			rates += float64(s.Tokens) / took
		}
	}
	b.Successful = len(times)
	b.ResponseTime, b.FirstToken, b.BetweenTokens = spread(times), spread(first), spread(gaps)
	if b.Successful > 0 {
		b.AvgTime, b.MinTime, b.MaxTime = b.ResponseTime.Mean, slices.Min(times), b.ResponseTime.Max
		b.TokensPerSecond = rates / float64(b.Successful)
		b.AvgGenerated = float64(b.TokensGenerated) / float64(b.Successful)
	}
	if b.TotalTime = end.Sub(begin).Seconds(); b.TotalTime > 0 {
		b.Throughput = float64(b.TokensGenerated) / b.TotalTime
	}
	return b
}

// spread sorts x and describes it; percentiles are the nearest rank.
func spread(x []float64) Spread {
	if len(x) == 0 {
		return Spread{}
	}
	slices.Sort(x)
	sum := 0.0
	for _, v := range x {
		sum += v
	}
	rank := func(p int) float64 { return x[(p*len(x)+99)/100-1] }
	return Spread{sum / float64(len(x)), rank(50), rank(95), rank(99), x[len(x)-1]}
}
