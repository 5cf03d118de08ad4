package runtime

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"cllm/model"

	"github.com/stretchr/testify/require"
)

// openReal is the real 0.5B coder model.
func openReal(b testing.TB) demo {
	b.Helper()
	const name = "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf"
	path := filepath.Join(os.Getenv("CLLM_TEST_MODELS"), name)
	if _, err := os.Stat(path); err != nil {
		b.Skipf("%s is not in the folder that CLLM_TEST_MODELS names", name)
	}
	return openDemo(b, path)
}

// prose is a text of n tokens that does not repeat.
func (d demo) prose(n int) []int32 {
	var text strings.Builder
	for i := range n {
		text.WriteString([]string{"the ", "sea ", "rose, ", "and ", "seven ", "men ", "sang ", "of ", "iron; "}[(i*i+i/7)%9])
		if i%11 == 0 {
			text.WriteString(string(rune('A'+i%26)) + ". ")
		}
	}
	return d.tok.Encode(nil, text.String(), false)[:n]
}

func quantile(d []time.Duration, q float64) float64 {
	slices.Sort(d)
	return d[int(q*float64(len(d)-1))].Seconds() * 1e3
}

// The time between tokens of eight running sequences, alone and while a prompt
// of 4,000 tokens is read: p99 should stay under three times the undisturbed.
func BenchmarkGapsBesideLongPrompt(b *testing.B) {
	d := openReal(b)
	e := d.start(b, Options{Context: 8192, Parallel: 16})
	for b.Loop() {
		var streams []*Stream
		gaps := make(chan time.Duration, 1<<16)
		var readers sync.WaitGroup
		for i := range 8 {
			s, err := e.Submit(b.Context(), Request{Prompt: d.prose(40 + i), IgnoreEOS: true})
			require.NoError(b, err)
			streams = append(streams, s)
			readers.Go(func() {
				last := time.Time{}
				for ev := range s.Events() {
					if now := time.Now(); len(ev.Tokens) > 0 {
						if !last.IsZero() {
							gaps <- now.Sub(last)
						}
						last = now
					}
				}
			})
		}
		drain := func() (all []time.Duration) {
			for len(gaps) > 0 {
				all = append(all, <-gaps)
			}
			return all
		}
		time.Sleep(time.Second)
		drain()
		time.Sleep(3 * time.Second)
		quiet := drain()
		start := time.Now()
		s, err := e.Submit(b.Context(), Request{Prompt: d.prose(4000), MaxTokens: 1})
		require.NoError(b, err)
		_, err = s.Wait()
		require.NoError(b, err)
		took := time.Since(start)
		busy := drain()
		for _, s := range streams {
			s.Close()
		}
		readers.Wait()
		b.ReportMetric(quantile(quiet, 0.5), "p50-ms")
		b.ReportMetric(quantile(quiet, 0.99), "p99-ms")
		b.ReportMetric(quantile(busy, 0.5), "beside-p50-ms")
		b.ReportMetric(quantile(busy, 0.99), "beside-p99-ms")
		b.ReportMetric(took.Seconds(), "prompt-s")
	}
}

// The time to the first token of 2,000 shared tokens, first and second.
func BenchmarkSharedPrefix(b *testing.B) {
	d := openReal(b)
	e := d.start(b, Options{Context: 4096, Parallel: 4})
	for n := 0; b.Loop(); n++ {
		prefix := append(d.tok.Encode(nil, strings.Repeat("x", n), false), d.prose(2000)...)
		var took [2]time.Duration
		for i := range took {
			p := append(prefix[:len(prefix):len(prefix)], d.prose(20 + i)[10:]...)
			start := time.Now()
			s, err := e.Submit(b.Context(), Request{Prompt: p, MaxTokens: 1})
			require.NoError(b, err)
			_, err = s.Wait()
			require.NoError(b, err)
			took[i] = time.Since(start)
		}
		b.ReportMetric(took[0].Seconds()*1e3, "first-ms")
		b.ReportMetric(took[1].Seconds()*1e3, "second-ms")
	}
}

const source = `package geometry

import "math"

// Circle is a circle with a center and a radius.
type Circle struct {
	CenterX float64
	CenterY float64
	Radius  float64
}

// Area returns the area of the circle.
func (c *Circle) Area() float64 {
	return math.Pi * c.Radius * c.Radius
}

// Perimeter returns the perimeter of the circle.
func (c *Circle) Perimeter() float64 {
	return 2 * math.Pi * c.Radius
}

// Contains reports whether the point lies in the circle.
func (c *Circle) Contains(x, y float64) bool {
	dx := x - c.CenterX
	dy := y - c.CenterY
	return dx*dx+dy*dy <= c.Radius*c.Radius
}
`

// Prompt lookup where the answer repeats the prompt, and where it does not:
// the ratio of the speeds with and without, and the same tokens.
func BenchmarkPromptLookup(b *testing.B) {
	d := openReal(b)
	chat := func(s string) []int32 {
		return d.tok.Encode(nil, "<|im_start|>user\n"+s+"<|im_end|>\n<|im_start|>assistant\n", true)
	}
	story := chat("Tell a long story about a lighthouse keeper and the sea.")
	for _, c := range []struct {
		name     string
		prompt   []int32
		sampling Sampling
	}{
		{"edit", chat("Rename the type Circle to Disk in this file, and answer with the whole file only.\n```go\n" + source + "```"), Sampling{}},
		{"story", story, Sampling{}}, // greedy, it soon repeats itself
		{"sampled", story, Sampling{Temperature: 1, TopP: 0.95, RepetitionPenalty: 1.1, Seed: FixedSeed(1)}},
	} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				var rate [2]float64
				var tokens [2][]int32
				for i, drafts := range []int{-1, 16} {
					e := d.start(b, Options{Context: 4096, Parallel: 1, Speculate: drafts})
					s, err := e.Submit(b.Context(), Request{Prompt: c.prompt, MaxTokens: 200, IgnoreEOS: true, Sampling: c.sampling})
					require.NoError(b, err)
					r, err := s.Wait()
					require.NoError(b, err)
					got := r.Choices[0]
					rate[i] = float64(len(got.Tokens)-1) / got.Timings.Generate.Seconds()
					tokens[i] = got.Tokens
					if drafts > 0 {
						b.ReportMetric(float64(got.Timings.Drafted), "drafted")
						b.ReportMetric(float64(got.Timings.Accepted), "accepted")
					}
					require.NoError(b, e.Close())
				}
				require.Equal(b, tokens[0], tokens[1])
				b.ReportMetric(rate[0], "plain-tokens/s")
				b.ReportMetric(rate[1]/rate[0], "ratio")
			}
		})
	}
}

// Tokens per second of 1, 8 and 32 sequences together, and the share of the
// steps' time that is not the model's.
func BenchmarkTogether(b *testing.B) {
	d := openReal(b)
	for _, n := range []int{1, 8, 32} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			e := d.start(b, Options{Context: 1024, Parallel: 32})
			timed := &timedModel{forwarder: e.model}
			e.model = timed
			for b.Loop() {
				timed.spent = 0
				var streams []*Stream
				start := time.Now()
				for i := range n {
					s, err := e.Submit(b.Context(), Request{Prompt: d.prose(20 + i), MaxTokens: 50, IgnoreEOS: true,
						Sampling: Sampling{Temperature: 0.7, TopP: 0.9, TopK: 40, RepetitionPenalty: 1.1}})
					require.NoError(b, err)
					streams = append(streams, s)
				}
				for _, s := range streams {
					_, err := s.Wait()
					require.NoError(b, err)
				}
				took := time.Since(start)
				b.ReportMetric(float64(n*50)/took.Seconds(), "tokens/s")
				b.ReportMetric(100*(1-timed.spent.Seconds()/took.Seconds()), "%-not-model")
			}
		})
	}
}

type timedModel struct {
	forwarder
	spent time.Duration
}

func (m *timedModel) Forward(batch *model.Batch) ([][]float32, error) {
	start := time.Now()
	out, err := m.forwarder.Forward(batch)
	m.spent += time.Since(start)
	return out, err
}
