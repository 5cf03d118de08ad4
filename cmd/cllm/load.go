package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/spf13/cobra"

	"cllm/config"
	"cllm/gguf"
	"cllm/testdata"
)

// demoName stands in for the path of the built-in model.
const demoName = "built-in demo model"

// openModel opens the model file of the settings, or the built-in one.
func openModel(c *config.Config) (*gguf.File, error) {
	overrides, err := gguf.ParseOverrides(c.OverrideKV)
	if err != nil {
		return nil, usageError{fmt.Errorf("--override-kv: %w", err)}
	}
	if c.Model == "" {
		return gguf.Parse(demoName, testdata.Demo, overrides...)
	}
	return gguf.Open(c.Model, overrides...)
}

// inputText is a command's text: the argument if there is one, or a file, or
// standard input. It ends with the command's context.
func inputText(cmd *cobra.Command, arg *string, path string) (string, error) {
	switch {
	case arg != nil && path != "":
		return "", usage("the text is given twice: by itself and by --file")
	case arg != nil:
		return *arg, nil
	case path != "":
		return readText(cmd.Context(), func() ([]byte, error) { return os.ReadFile(path) })
	}
	text, err := readText(cmd.Context(), func() ([]byte, error) { return io.ReadAll(cmd.InOrStdin()) })
	if err != nil && !errors.Is(err, errInterrupted) {
		err = fmt.Errorf("reading standard input: %w", err)
	}
	return text, err
}

// readText reads a text that may be long in coming: from a terminal, or from
// the other end of a pipe. An interrupted command does not wait for it.
func readText(ctx context.Context, read func() ([]byte, error)) (string, error) {
	type result struct {
		text []byte
		err  error
	}
	done := make(chan result, 1)
	go func() {
		text, err := read()
		done <- result{text, err}
	}()
	select {
	case r := <-done:
		return string(r.text), r.err
	case <-ctx.Done():
		return "", errInterrupted // what still reads ends with the process
	}
}

// commandLog is the log of a command that is no server.
func commandLog(cmd *cobra.Command) *slog.Logger {
	return slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), nil))
}

func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e.Encode(v)
}
