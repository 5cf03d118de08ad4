package main

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// BenchmarkFirstToken is all that `cllm generate` does on the demo model until
// its first token: it must stay far under 100 ms.
func BenchmarkFirstToken(b *testing.B) {
	for b.Loop() {
		args := []string{"generate", "-p", "Once upon a time", "-n", "1"}
		if code := run(b.Context(), args, strings.NewReader(""), io.Discard, io.Discard); code != 0 {
			b.Fatal("exit code", code)
		}
	}
}

// BenchmarkLoad opens a model file and binds its tensors and its vocabulary.
func BenchmarkLoad(b *testing.B) {
	files, _ := filepath.Glob(filepath.Join(os.Getenv("CLLM_TEST_MODELS"), "*0.5b*.gguf"))
	paths := append([]string{""}, files...)
	if len(files) == 0 {
		b.Log("only the demo model: CLLM_TEST_MODELS names no folder with a 0.5B model")
	}
	for _, path := range paths {
		b.Run(strings.TrimPrefix(filepath.Base(path), "."), func(b *testing.B) {
			for b.Loop() {
				l, err := load(path)
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
