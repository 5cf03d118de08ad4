// Command cllm runs GGUF language models on CPUs: it generates text, serves it
// over HTTP, and measures both.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"cllm/config"
)

// version is set by the linker.
var version = "dev"

// The exit codes beside 0.
const (
	exitFailure     = 1
	exitUsage       = 2
	exitInterrupted = 130
)

// errInterrupted ends a command that Ctrl-C stopped, after it has cleaned up.
var errInterrupted = errors.New("interrupted")

// usageError marks an error of the command line.
type usageError struct{ error }

func usage(format string, a ...any) error { return usageError{fmt.Errorf(format, a...)} }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	go func() {
		<-ctx.Done()
		stop() // a second signal ends the process at once
	}()
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

func run(ctx context.Context, args []string, in io.Reader, out, errs io.Writer) int {
	started := false
	root := newRoot()
	root.PersistentPreRunE = func(cmd *cobra.Command, _ []string) error {
		started = true
		return noEmptyFlags(cmd)
	}
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(errs)
	cmd, err := root.ExecuteContextC(ctx)
	var wrong usageError
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errInterrupted):
		return exitInterrupted
	case !started || errors.As(err, &wrong):
		fmt.Fprintf(errs, "cllm: %v\nSee '%s --help'.\n", err, cmd.CommandPath())
		return exitUsage
	}
	fmt.Fprintf(errs, "cllm: %v\n", err)
	return exitFailure
}

// noEmptyFlags refuses flags that are given as nothing: mostly a variable that
// is not set. Texts that a model reads may be empty.
func noEmptyFlags(cmd *cobra.Command) error {
	var err error
	cmd.Flags().Visit(func(f *pflag.Flag) {
		if f.Name != "prompt" && strings.TrimSpace(f.Value.String()) == "" {
			err = usage("--%s %v", f.Name, config.ErrEmpty)
		}
	})
	return err
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:           "cllm",
		Short:         "Run GGUF language models on CPUs",
		SilenceErrors: true, SilenceUsage: true,
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true},
	}
	root.AddCommand(newGenerate(), newServe(), newTokenize(), newInspect(), newPlan(), newBench(), newBenchServer(), newPerplexity(), newBatch(), newVersion())
	return root
}
