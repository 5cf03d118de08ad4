package main

import (
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"cllm/config"
)

// asCommand makes the test binary be the command, in a process of its own.
const asCommand = "CLLM_TEST_AS_COMMAND"

func TestMain(m *testing.M) {
	if os.Getenv(asCommand) != "" {
		main()
	}
	os.Exit(m.Run())
}

// BenchmarkFirstToken is from the start of the process to the first token of
// the demo model on its standard output: it must stay far under 100 ms.
func BenchmarkFirstToken(b *testing.B) {
	for b.Loop() {
		cmd := exec.CommandContext(b.Context(), os.Args[0], "generate", "-p", "Once upon a time", "-n", "1", "--ignore-eos")
		cmd.Env = append(os.Environ(), asCommand+"=1")
		out, err := cmd.StdoutPipe()
		require.NoError(b, err)
		require.NoError(b, cmd.Start())
		_, err = io.ReadAtLeast(out, make([]byte, 16), 1)
		require.NoError(b, err)
		b.StopTimer()
		require.NoError(b, cmd.Wait())
		b.StartTimer()
	}
}

// BenchmarkLoad opens a model file and binds its tensors and its vocabulary:
// the 0.5B's must stay under 300 ms with a warm cache.
func BenchmarkLoad(b *testing.B) {
	files, _ := filepath.Glob(filepath.Join(os.Getenv("CLLM_TEST_MODELS"), "*0.5b*.gguf"))
	paths := append([]string{""}, files...)
	if len(files) == 0 {
		b.Log("only the demo model: CLLM_TEST_MODELS names no folder with a 0.5B model")
	}
	for _, path := range paths {
		b.Run(strings.TrimPrefix(filepath.Base(path), "."), func(b *testing.B) {
			for b.Loop() {
				l, err := load(&config.Config{Model: path}, slog.Default())
				if err != nil {
					b.Fatal(err)
				}
				if err := l.Close(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
