//go:build unix

package server

import (
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"cllm/gguf"
	"cllm/model"
	"cllm/runtime"
	"cllm/testdata"
	"cllm/tokenizer"
)

// The model file is cut short under the server: requests are 500 with an id and
// without an address, and health is 503, until the file can be read again.
func TestModelFileCutShort(t *testing.T) {
	path := filepath.Join(t.TempDir(), "model.gguf")
	require.NoError(t, os.WriteFile(path, testdata.Demo, 0o600))
	f, err := gguf.Open(path)
	require.NoError(t, err)
	defer f.Close()
	m, err := model.Load(f)
	require.NoError(t, err)
	tok, err := tokenizer.New(f)
	require.NoError(t, err)
	e, err := runtime.New(m, tok, runtime.Options{Parallel: 2, KVMemory: 8 << 20, NoPrefixCache: true})
	require.NoError(t, err)
	defer e.Close()
	i := start(t, setup{engine: func(Engine) Engine { return Runtime(e) }})
	i.ask("/generate", `{"prompt":"Once","max_tokens":2}`, &generated{})

	require.NoError(t, os.Truncate(path, 64<<10))
	for _, path := range []string{"/generate", "/generate_stream"} {
		res, b := i.post(path, `{"prompt":"Once","max_tokens":2}`)
		require.Equal(t, http.StatusInternalServerError, res.StatusCode)
		require.Regexp(t, "^internal error, the log has it as "+logID+"$", b.Error)
		require.Contains(t, i.log.String(), b.Error[len(b.Error)-32:])
	}
	for _, path := range []string{"/health", "/health/live"} {
		res, b := i.get(path)
		require.Equal(t, http.StatusServiceUnavailable, res.StatusCode, path)
		require.Equal(t, "the engine cannot compute", b.Error)
		require.NotContains(t, b.Message, "0x")
	}
	require.NoError(t, os.WriteFile(path, testdata.Demo, 0o600))
	require.Eventually(t, func() bool {
		res, _ := i.get("/health")
		return res.StatusCode == http.StatusOK
	}, 20*time.Second, 10*time.Millisecond)
	i.ask("/generate", `{"prompt":"Once","max_tokens":2}`, &generated{})
}
