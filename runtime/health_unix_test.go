//go:build unix

package runtime

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"cllm/tensor"
)

// The model file is cut short under a running engine, and comes back: requests
// fail with a fault of the mapping, health says so without a request, and both
// recover.
func TestHealthFollowsTheModelFile(t *testing.T) {
	whole, err := os.ReadFile("../testdata/demo-qwen2-q4_k_m.gguf")
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "model.gguf")
	require.NoError(t, os.WriteFile(path, whole, 0o600))
	d := openDemo(t, path)
	e := d.start(t, Options{Threads: 2, Parallel: 2, NoPrefixCache: true})
	ask := func() error {
		s, err := e.Submit(t.Context(), Request{Prompt: d.tok.Encode(nil, "Once upon a time", true), MaxTokens: 3})
		require.NoError(t, err)
		_, err = s.Wait()
		return err
	}
	require.NoError(t, e.Health())
	require.NoError(t, ask())

	require.NoError(t, os.Truncate(path, 64<<10))
	eventually := func(healthy bool) {
		require.Eventually(t, func() bool { return (e.Health() == nil) == healthy }, 20*time.Second, 20*time.Millisecond)
	}
	eventually(false) // by a probe alone
	var fault *tensor.Fault
	require.ErrorAs(t, e.Health(), &fault)
	require.True(t, fault.Mapping())
	require.ErrorAs(t, ask(), &fault)
	require.True(t, fault.Mapping())

	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	require.NoError(t, err)
	_, err = f.Write(whole)
	require.NoError(t, err)
	require.NoError(t, f.Close())
	eventually(true)
	require.NoError(t, ask())

	require.NoError(t, e.Close())
	require.ErrorIs(t, e.Health(), ErrClosed)
}
