// Package bench measures: servers under load, as their clients see them, and
// the forward pass of a model by itself.
package bench

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"gonum.org/v1/gonum/stat"
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

// Load makes the requests, at most concurrency of them at a time, and reports.
// A cancelled ctx ends it early; requests not made by then count as failed.
func Load(ctx context.Context, requests, concurrency int, do func(ctx context.Context, i int) Sample) *Block {
	var t tally
	var mu sync.Mutex
	var next atomic.Int64
	var clients sync.WaitGroup
	for range min(concurrency, requests) {
		clients.Go(func() {
			for i := int(next.Add(1)) - 1; i < requests; i = int(next.Add(1)) - 1 {
				s := Sample{Err: ctx.Err()}
				if s.Err == nil {
					s = do(ctx, i)
				}
				mu.Lock()
				t.add(s)
				mu.Unlock()
			}
		})
	}
	clients.Wait()
	return t.report()
}

// maxErrors is the number of different errors that a report shows.
const maxErrors = 5

// tally puts samples together as they come: of each request only its times are
// kept.
type tally struct {
	block              Block // its counts
	begin, end         time.Time
	times, first, gaps []float64 // s
	rates              []float64 // tokens/s of each request
}

func (t *tally) add(s Sample) {
	b := &t.block
	b.Requests++
	if !s.Start.IsZero() && (t.begin.IsZero() || s.Start.Before(t.begin)) {
		t.begin = s.Start
	}
	if s.End.After(t.end) {
		t.end = s.End
	}
	if s.Err != nil {
		b.Failed++
		if text := s.Err.Error(); len(b.Errors) < maxErrors && !slices.Contains(b.Errors, text) {
			b.Errors = append(b.Errors, text)
		}
		return
	}
	b.Successful++
	took := s.End.Sub(s.Start).Seconds()
	t.times = append(t.times, took)
	if !s.First.IsZero() {
		t.first = append(t.first, s.First.Sub(s.Start).Seconds())
	}
	for _, g := range s.Gaps {
		t.gaps = append(t.gaps, g.Seconds())
	}
	b.TokensGenerated += s.Tokens
	b.TokensProcessed += s.Tokens + s.PromptTokens
	rate := 0.0
	if took > 0 {
		rate = float64(s.Tokens) / took
	}
	t.rates = append(t.rates, rate)
}

func (t *tally) report() *Block {
	b := t.block
	b.ResponseTime, b.FirstToken, b.BetweenTokens = spread(t.times), spread(t.first), spread(t.gaps)
	if b.Successful > 0 {
		b.AvgTime, b.MinTime, b.MaxTime = b.ResponseTime.Mean, slices.Min(t.times), b.ResponseTime.Max
		b.TokensPerSecond = stat.Mean(t.rates, nil)
		b.AvgGenerated = float64(b.TokensGenerated) / float64(b.Successful)
	}
	if b.TotalTime = t.end.Sub(t.begin).Seconds(); b.TotalTime > 0 {
		b.Throughput = float64(b.TokensGenerated) / b.TotalTime
	}
	return &b
}
