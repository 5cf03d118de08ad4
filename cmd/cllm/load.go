package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"cllm/gguf"
	"cllm/testdata"
)

// demoName stands in for the path of the built-in model.
const demoName = "built-in demo model"

// openFile opens a model file; no path is the built-in one.
func openFile(path string) (*gguf.File, error) {
	if path == "" {
		return gguf.Parse(demoName, testdata.Demo)
	}
	return gguf.Open(path)
}

// modelFlag adds -m.
func modelFlag(f *pflag.FlagSet, path *string) {
	f.StringVarP(path, "model", "m", "", "GGUF file; none is the built-in demo model")
}

// inputText is a command's text: the argument if there is one, or a file, or
// standard input.
func inputText(cmd *cobra.Command, arg *string, path string) (string, error) {
	switch {
	case arg != nil && path != "":
		return "", usage("the text is given twice: by itself and by --file")
	case arg != nil:
		return *arg, nil
	case path != "":
		text, err := os.ReadFile(path)
		return string(text), err
	}
	text, err := io.ReadAll(cmd.InOrStdin())
	if err != nil {
		return "", fmt.Errorf("reading standard input: %w", err)
	}
	return string(text), nil
}

func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e.Encode(v)
}
