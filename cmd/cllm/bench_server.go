package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"cllm/bench"
)

// benchReport is the JSON that bench-server writes.
type benchReport struct {
	Time        string       `json:"test_time"`
	ServerType  string       `json:"server_type"`
	ServerURL   string       `json:"server_url"`
	Model       string       `json:"model"`
	Requests    int          `json:"requests"`
	Concurrency int          `json:"concurrency"`
	MaxTokens   int          `json:"max_tokens"`
	Sequential  *bench.Block `json:"sequential"`
	Concurrent  *bench.Block `json:"concurrent"`
}

func newBenchServer() *cobra.Command {
	var c bench.Client
	var test, output, promptsFile string
	var requests, concurrency int
	cmd := &cobra.Command{
		Use:   "bench-server",
		Short: "Measure a running server as its clients see it",
		Long:  "Measure a running server as its clients see it: cllm's own dialect, ollama's, or openai's (llama-server).\nThe report goes to --output-file as JSON, a summary to standard output.",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if requests < 1 || concurrency < 1 || c.MaxTokens < 1 {
				return usage("--requests, --concurrency and --max-tokens must be at least 1")
			}
			client, err := bench.NewClient(c, concurrency)
			if err != nil {
				return usageError{err}
			}
			prompts, err := readPrompts(cmd.Context(), promptsFile)
			if err != nil {
				return err
			}
			do := func(ctx context.Context, i int) bench.Sample { return client.Do(ctx, prompts[i%len(prompts)]) }
			r := benchReport{Time: time.Now().UTC().Format(time.RFC3339), ServerType: c.Dialect, ServerURL: client.URL,
				Model: c.Model, Requests: requests, Concurrency: concurrency, MaxTokens: c.MaxTokens}
			if test != "api-sequential" && test != "api-concurrent" && test != "all" {
				return usage("--test-type %q is none of api-sequential, api-concurrent, all", test)
			}
			out := cmd.OutOrStdout()
			report, err := openReport(out, output)
			if err != nil {
				return err
			}
			defer report.Close()
			if output == "-" {
				out = cmd.ErrOrStderr() // so that standard output is JSON alone
			}
			if test != "api-concurrent" {
				r.Sequential = bench.Load(cmd.Context(), requests, 1, do)
				summary(out, "sequential", 1, r.Sequential)
			}
			if test != "api-sequential" {
				r.Concurrent = bench.Load(cmd.Context(), requests, concurrency, do)
				summary(out, "concurrent", concurrency, r.Concurrent)
			}
			text, err := json.MarshalIndent(r, "", "  ")
			if err != nil {
				return err
			}
			if _, err := report.Write(append(text, '\n')); err != nil {
				return err
			}
			if cmd.Context().Err() != nil {
				return errInterrupted
			}
			return nothingFailed(r.Sequential, r.Concurrent)
		},
	}
	f := cmd.Flags()
	f.StringVar(&c.Dialect, "server-type", "cllm", strings.Join(bench.Dialects(), ", "))
	f.StringVar(&c.URL, "server-url", "http://127.0.0.1:8080", "address of the server")
	f.StringVar(&c.Model, "model", "", "model to name in requests, for servers that want one")
	f.StringVar(&c.Key, "api-key", "", "API key of the server")
	f.StringVar(&test, "test-type", "all", "api-sequential, api-concurrent or all")
	f.IntVar(&requests, "requests", 72, "requests of each test")
	f.IntVar(&concurrency, "concurrency", 8, "clients of the concurrent test")
	f.IntVar(&c.MaxTokens, "max-tokens", 50, "tokens of an answer")
	f.Float64Var(&c.Temperature, "temperature", 0.7, "temperature of the requests")
	f.BoolVar(&c.IgnoreEOS, "ignore-eos", false, "answers of full length, from servers that know how (not ollama)")
	f.StringVar(&output, "output-file", "", "file for the JSON report; - is standard output, and the summary goes to standard error")
	f.StringVar(&promptsFile, "prompts-file", "", "prompts: a JSON list of strings, or one a line")
	return cmd
}

func summary(out io.Writer, name string, concurrency int, b *bench.Block) {
	fmt.Fprintf(out, "%s, concurrency %d: %d of %d requests, %d tokens in %.2f s\n",
		name, concurrency, b.Successful, b.Requests, b.TokensGenerated, b.TotalTime)
	fmt.Fprintf(out, "  throughput      %10.2f tokens/s\n", b.Throughput)
	for _, line := range []struct {
		name string
		s    bench.Spread
	}{{"response", b.ResponseTime}, {"first token", b.FirstToken}, {"between tokens", b.BetweenTokens}} {
		fmt.Fprintf(out, "  %-15s %10.1f ± %.1f ms mean, %.1f p50, %.1f p95, %.1f p99\n",
			line.name, line.s.Mean*1e3, line.s.CI95*1e3, line.s.P50*1e3, line.s.P95*1e3, line.s.P99*1e3)
	}
	for _, e := range b.Errors {
		fmt.Fprintf(out, "  failed: %s\n", e)
	}
}

func nothingFailed(blocks ...*bench.Block) error {
	for _, b := range blocks {
		if b != nil && b.Failed > 0 {
			return fmt.Errorf("%d of %d requests failed: %s", b.Failed, b.Requests, b.Errors[0])
		}
	}
	return nil
}

// openReport opens the file for the report before the load, so that a path
// that cannot be written costs no run.
func openReport(out io.Writer, path string) (io.WriteCloser, error) {
	switch path {
	case "":
		return unclosed{io.Discard}, nil
	case "-":
		return unclosed{out}, nil
	}
	return os.Create(path)
}

// unclosed is a writer that is not ours to close.
type unclosed struct{ io.Writer }

func (unclosed) Close() error { return nil }

// defaultPrompts start differently, so that no server answers from the
// beginning of another.
var defaultPrompts = []string{
	"Once upon a time there was a king who",
	"Explain to a child how rain is made.",
	"Write a short story about a fox and a crow.",
	"The three most important inventions of the nineteenth century are",
	"What is the difference between a lake and a sea?",
	"def quicksort(a):",
	"In the deep forest lived an old woman with",
	"List five things to take on a long walk:",
	"How does a steam engine work?",
	"Dear Anna, thank you for your letter. Yesterday",
	"A good cup of tea begins with",
	"Translate into French: the house by the river is old.",
}

func readPrompts(ctx context.Context, path string) ([]string, error) {
	if path == "" {
		return defaultPrompts, nil
	}
	text, err := readText(ctx, func() ([]byte, error) { return os.ReadFile(path) })
	if err != nil {
		return nil, err
	}
	text = strings.TrimPrefix(text, "\ufeff")
	var prompts []string
	if strings.HasPrefix(strings.TrimSpace(text), "[") {
		if err := json.Unmarshal([]byte(text), &prompts); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
	} else {
		for line := range strings.Lines(text) {
			if line = strings.TrimSpace(line); line != "" {
				prompts = append(prompts, line)
			}
		}
	}
	if len(prompts) == 0 {
		return nil, fmt.Errorf("%s: no prompts", path)
	}
	return prompts, nil
}
