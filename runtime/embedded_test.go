package runtime_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// The example is a module of its own. Away from the tree, with a replace, it
// compiles and answers.
func TestExampleModule(t *testing.T) {
	if testing.Short() {
		t.Skip("it compiles a program: not in a short run")
	}
	root, err := filepath.Abs("..")
	require.NoError(t, err)
	dir := t.TempDir()
	for from, to := range map[string]string{"examples/chat/go.mod": "go.mod", "examples/chat/main.go": "main.go", "go.sum": "go.sum"} {
		text, err := os.ReadFile(filepath.Join(root, from))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(dir, to), text, 0o600))
	}
	run := func(args ...string) string {
		cmd := exec.Command("go", args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOWORK=off")
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s", out)
		return string(out)
	}
	run("mod", "edit", "-replace=cllm="+root)
	run("vet", ".")
	said := run("run", ".", filepath.Join(root, "testdata/demo-qwen2-q4_k_m.gguf"), "Who lived in the wood?")
	require.Regexp(t, `(?s)\S.*\n\[(stop|length): \d+ tokens after \d+\]\n$`, said)
}
