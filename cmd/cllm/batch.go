package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"cllm/batch"
	"cllm/runtime"
	"cllm/server"
)

func newBatch() *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:   "batch FILE.jsonl",
		Short: "Answer a file of requests in OpenAI's batch format",
		Long: "Answer a file of requests in OpenAI's batch format, as many at once as --parallel, as a server would answer them:\n" +
			"each line has custom_id, method, url (/v1/chat/completions, /v1/completions or /v1/embeddings) and body.\n" +
			"It takes every setting of serve, from the same YAML file (-f), environment and flags.\n\n" +
			"Answers are appended to the output as they come. Lines whose custom_id stands there are skipped, so the same\n" +
			"command goes on with what was interrupted. It fails when a request did.",
		Args: cobra.ExactArgs(1),
	}
	s := addAllSettings(cmd)
	cmd.Flags().StringVarP(&out, "output-file", "o", "", "file of answers; without it FILE.out.jsonl")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, warnings, err := s.load()
		if err != nil {
			return err
		}
		log := slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), &slog.HandlerOptions{Level: slog.LevelWarn}))
		for _, w := range warnings {
			log.Warn(w)
		}
		if out == "" {
			out = strings.TrimSuffix(args[0], ".jsonl") + ".out.jsonl"
		}
		return withServer(c, nil, log, func(s *server.Server, e *runtime.Engine) error {
			report := batchReport{to: cmd.ErrOrStderr(), start: time.Now()}
			b := batch.Batch{Handler: s.Handler(), Parallel: e.Options().Parallel, Healthy: e.Health, Progress: report.progress}
			p, err := b.Run(cmd.Context(), args[0], out)
			if p.Total > 0 {
				report.end(p)
			}
			switch {
			case errors.Is(err, batch.ErrInterrupted):
				return errInterrupted
			case err != nil:
				return err
			case p.Failed > 0:
				return fmt.Errorf("%d of %d requests failed, %s says why", p.Failed, p.Total, out)
			}
			return nil
		})
	}
	return cmd
}

// batchReport shows how far a batch has come, in a line that is written over.
type batchReport struct {
	to          io.Writer
	start, last time.Time
}

// reportPeriod is the time between two reports.
const reportPeriod = 200 * time.Millisecond

func (r *batchReport) progress(p batch.Progress) {
	if now := time.Now(); now.Sub(r.last) >= reportPeriod {
		r.last = now
		r.write(p)
	}
}

func (r *batchReport) end(p batch.Progress) {
	r.write(p)
	fmt.Fprintln(r.to)
}

func (r *batchReport) write(p batch.Progress) {
	earlier := ""
	if p.Earlier > 0 {
		earlier = fmt.Sprintf(" (%d before)", p.Earlier)
	}
	took := time.Since(r.start).Seconds()
	fmt.Fprintf(r.to, "\r%d of %d answered%s, %d failed | %d tokens of prompts, %d generated, %.1f tokens/s | %.0f s ",
		p.Earlier+p.Ended, p.Total, earlier, p.Failed, p.PromptTokens, p.Completion, float64(p.Completion)/max(took, 1e-3), took)
}
