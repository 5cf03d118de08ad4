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

// modelFlags say which model file a command opens, and how.
type modelFlags struct {
	path      string // none is the built-in one
	overrides []string
}

func (m *modelFlags) add(f *pflag.FlagSet) {
	f.StringVarP(&m.path, "model", "m", "", "GGUF file; none is the built-in demo model")
	f.StringArrayVar(&m.overrides, "override-kv", nil, "metadata to use instead of the file's, KEY=TYPE:VALUE,... with the types int, float, bool, str; may be repeated")
}

func (m *modelFlags) open() (*gguf.File, error) {
	overrides, err := gguf.ParseOverrides(m.overrides...)
	if err != nil {
		return nil, usageError{fmt.Errorf("--override-kv: %w", err)}
	}
	if m.path == "" {
		return gguf.Parse(demoName, testdata.Demo, overrides...)
	}
	return gguf.Open(m.path, overrides...)
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
