package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"cllm/fidelity"
	"cllm/kernels"
	"cllm/machine"
	"cllm/runtime"
)

// perplexityFlags are the flags of the command.
type perplexityFlags struct {
	settings        *settings
	file, base      string
	window, windows int
	diverge, json   bool
}

func newPerplexity() *cobra.Command {
	var o perplexityFlags
	cmd := &cobra.Command{
		Use:   "perplexity",
		Short: "Measure how well a model predicts a text",
		Long: "Measure how well a model predicts a text, from a file or standard input, in the manner of llama-perplexity:\n" +
			"in windows of --context tokens, of which the second half counts.\n\n" +
			"With --kl-divergence-base FILE the predictions are saved. With --kl-divergence too, the model's are compared\n" +
			"with those saved there, over the same text; llama-perplexity reads and writes such files as well.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return o.run(cmd) },
	}
	f := cmd.Flags()
	o.settings = addSettings(f, append(modelSettings, "kv-type", "threads")...)
	f.StringVarP(&o.file, "file", "f", "", "file with the text")
	f.IntVarP(&o.window, "context", "c", 512, "tokens of a window; with --kl-divergence it is the base's")
	f.IntVar(&o.windows, "chunks", 0, "the most windows; 0 is all that the text fills")
	f.StringVar(&o.base, "kl-divergence-base", "", "file of predictions, to write or to compare with")
	f.BoolVar(&o.diverge, "kl-divergence", false, "compare with --kl-divergence-base")
	f.BoolVar(&o.json, "json", false, "print one JSON object")
	return cmd
}

func (o *perplexityFlags) run(cmd *cobra.Command) (err error) {
	switch {
	case o.diverge && o.base == "":
		return usage("--kl-divergence needs --kl-divergence-base")
	case o.diverge && (o.file != "" || o.windows != 0):
		return usage("--kl-divergence takes text and windows from its base: --file and --chunks say nothing")
	case o.windows < 0:
		return usage("--chunks is %d, must be 0 or more", o.windows)
	case o.window < 4:
		return usage("--context is %d, must be 4 or more", o.window)
	}
	c, _, err := o.settings.load()
	if err != nil {
		return err
	}
	options := engineOptions(c, commandLog(cmd))
	l, err := load(c, options.Logger)
	if err != nil {
		return err
	}
	defer l.Close()
	if !o.diverge {
		return o.perplexity(cmd, l, options)
	}
	return o.divergence(cmd, l, options)
}

// evaluator takes the memory for windows, if it is there.
func (o *perplexityFlags) evaluator(l *loaded, options runtime.Options, window int) (*fidelity.Evaluator, error) {
	k, err := kernels.Select("")
	if err != nil {
		return nil, err
	}
	c := l.model.Config()
	options.Context, options.StepTokens = min(window, c.Context), fidelity.PassTokens
	options.Parallel, options.Speculate = fidelity.PassRows, -1
	options.KVMemory = fidelity.KVBytes(c, options.KVFormat, window)
	if _, err := runtime.Plan(c, options, machine.ReadMemory()); err != nil {
		return nil, err
	}
	return fidelity.NewEvaluator(l.model, k, options.KVFormat, options.Threads, window)
}

// windowBOS is what begins a window.
func windowBOS(l *loaded) int32 {
	if l.tokenizer.AddBOS() {
		return l.tokenizer.BOS()
	}
	return -1
}

func (o *perplexityFlags) perplexity(cmd *cobra.Command, l *loaded, options runtime.Options) (err error) {
	text, err := inputText(cmd, nil, o.file)
	if err != nil {
		return err
	}
	e, err := o.evaluator(l, options, o.window)
	if err != nil {
		return err
	}
	defer e.Close()
	var base io.Writer
	if o.base != "" {
		f, err := os.Create(o.base)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, f.Close()) }()
		base = f
	}
	t := fidelity.Text{Tokens: l.tokenizer.EncodePrompt(text, false), BOS: windowBOS(l), Windows: o.windows}
	ppl, err := e.Perplexity(cmd.Context(), t, base, func(i, n int, ppl fidelity.Estimate) {
		fmt.Fprintf(cmd.ErrOrStderr(), "\r%d of %d windows: %.4f", i, n, ppl.Value)
		if i == n {
			fmt.Fprintln(cmd.ErrOrStderr())
		}
	})
	if err != nil {
		return interrupted(cmd, err)
	}
	if o.json {
		return writeJSON(cmd.OutOrStdout(), map[string]any{"ppl": ppl})
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "Final estimate: PPL = %.4f +/- %.5f\n", ppl.Value, ppl.Error)
	return err
}

func (o *perplexityFlags) divergence(cmd *cobra.Command, l *loaded, options runtime.Options) error {
	f, err := os.Open(o.base)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	base, err := fidelity.OpenBase(f, info.Size())
	if err != nil {
		return fmt.Errorf("%s: %w", o.base, err)
	}
	if cmd.Flags().Changed("context") && o.window != base.Window {
		return usage("--context is %d, the windows of %s have %d tokens", o.window, o.base, base.Window)
	}
	e, err := o.evaluator(l, options, base.Window)
	if err != nil {
		return err
	}
	defer e.Close()
	d, err := e.Diverge(cmd.Context(), base, windowBOS(l), func(i, n int, kl fidelity.Estimate) {
		fmt.Fprintf(cmd.ErrOrStderr(), "\r%d of %d windows: %.6f", i, n, kl.Value)
		if i == n {
			fmt.Fprintln(cmd.ErrOrStderr())
		}
	})
	if err != nil {
		return interrupted(cmd, err)
	}
	if o.json {
		return writeJSON(cmd.OutOrStdout(), d)
	}
	return writeDivergence(cmd.OutOrStdout(), d)
}

func interrupted(cmd *cobra.Command, err error) error {
	if errors.Is(err, context.Canceled) && cmd.Context().Err() != nil {
		return errInterrupted
	}
	return err
}

// writeDivergence writes the report in llama-perplexity's words.
func writeDivergence(w io.Writer, d *fidelity.Divergence) error {
	estimate := func(e fidelity.Estimate) string { return fmt.Sprintf("%10.6f ± %10.6f", e.Value, e.Error) }
	percent := func(e fidelity.Estimate) string { return fmt.Sprintf("%6.3f ± %5.3f %%", 100*e.Value, 100*e.Error) }
	out := fmt.Sprintf("Mean PPL(Q)                   : %s\nMean PPL(base)                : %s\nCor(ln(PPL(Q)), ln(PPL(base))): %6.2f%%\nMean ln(PPL(Q)/PPL(base))     : %s\n\n",
		estimate(d.Perplexity), estimate(d.Base), 100*d.Correlation, estimate(d.LogRatio))
	out += fmt.Sprintf("Mean    KLD: %s\n", estimate(d.KL.Mean))
	for _, q := range fidelity.QuantileNames() {
		out += fmt.Sprintf("%-7s KLD: %10.6f\n", q, d.KL.Quantiles[q])
	}
	out += fmt.Sprintf("\nMean    Δp: %s\n", percent(d.DeltaP.Mean))
	for _, q := range fidelity.QuantileNames() {
		out += fmt.Sprintf("%-7s Δp: %6.3f%%\n", q, 100*d.DeltaP.Quantiles[q])
	}
	out += fmt.Sprintf("RMS Δp    : %s\nSame top p: %s\n", percent(d.RMSDeltaP), percent(d.SameFirst))
	_, err := io.WriteString(w, out)
	return err
}
