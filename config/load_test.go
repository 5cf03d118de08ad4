package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// deployed is the file that the predecessor's deployment runs with.
const deployed = `server: {host: "0.0.0.0", port: 8080, num_threads: 4, min_threads: 2}
model:
  path: "/opt/models/qwen2.5-0.5b/qwen2.5-0.5b-instruct-q4_k_m.gguf"
  vocab_size: 151936
  max_context_length: 4096
  default_max_tokens: 1024
  quantization: "q4_k_m"
backend:
  type: "llama_cpp"
  llama_cpp: {n_batch: 256, n_threads: 4, n_gpu_layers: 0, n_ctx: 4096, n_seq_max: 1, use_mmap: true}
resources: {max_batch_size: 1, max_context_length: 4096, kv_cache_max_memory_mb: 2048, memory_limit_mb: 4096}
`

func load(t *testing.T, yaml string, env, flags map[string]string) (*Config, []string, error) {
	path := filepath.Join(t.TempDir(), "cllm.yaml")
	require.NoError(t, os.WriteFile(path, []byte(yaml), 0o600))
	c, warnings, err := Load(path, func(k string) (string, bool) { v, ok := env[k]; return v, ok }, flags)
	for i, w := range warnings {
		warnings[i] = strings.TrimPrefix(w, path+":")
	}
	return c, warnings, err
}

func TestDeployedFile(t *testing.T) {
	c, warnings, err := load(t, deployed, nil, nil)
	require.NoError(t, err)
	want := Default()
	want.Host, want.Threads, want.Context, want.Parallel, want.StepTokens = "0.0.0.0", 4, 4096, 1, 256
	want.Model = "/opt/models/qwen2.5-0.5b/qwen2.5-0.5b-instruct-q4_k_m.gguf"
	want.Defaults.MaxTokens, want.KVMemory, want.MemoryLimit = 1024, 2048<<20, 4096<<20
	require.Equal(t, want, *c)
	require.Len(t, warnings, 3)
	require.Contains(t, warnings[0], "1:68: server.min_threads: has no meaning here")
	require.Contains(t, warnings[1], "model.vocab_size")
	require.Contains(t, warnings[2], "model.quantization")
}

func TestLayers(t *testing.T) {
	yaml := "server: {port: 1001, host: a}\nlogging: {level: WARN}\nhttp: {timeout_ms: 1500}\nengine: {parallel: 7}"
	env := map[string]string{"CLLM_PORT": "1002", "CLLM_HOST": "b", "CLLM_PARALLEL": "9"}
	c, _, err := load(t, yaml, env, map[string]string{"port": "1003"})
	require.NoError(t, err)
	require.Equal(t, 1003, c.Port, "flags win over the environment")
	require.Equal(t, "b", c.Host, "the environment wins over the file")
	require.Equal(t, 9, c.Parallel, "a limit of a later layer replaces that of an earlier one")
	require.Equal(t, "warn", c.LogLevel, "the file wins over the defaults")
	require.Equal(t, 1500*time.Millisecond, c.Timeout)
	require.Equal(t, 40, c.Defaults.TopK)
}

func TestSmallestLimitWins(t *testing.T) {
	c, _, err := load(t, "model: {max_context_length: 2048}\nresources: {max_context_length: 4096}", nil, nil)
	require.NoError(t, err)
	require.Equal(t, 2048, c.Context)
}

func TestErrorsNameThePlace(t *testing.T) {
	for yaml, want := range map[string]string{
		"server:\n  port: 70000":                            "2:9: server.port: 70000 is out of range: 0 to 65535",
		"server:\n  port: \"80\"":                           `2:9: server.port: wrong type: wants integer, found the text "80"`,
		"server: {port: 8.5}":                               "1:16: server.port: wrong type: wants integer, found the number 8.5",
		"server: {host: 7}":                                 "1:16: server.host: wrong type: wants text, found the integer 7",
		"server: 80":                                        "1:9: server wants a mapping, found the integer 80",
		"server: {port: [1]}":                               "1:16: server.port: wrong type: wants integer, found a list",
		"- 1":                                               "1:1: the file wants a mapping, found a list",
		"backend: {type: cuda}":                             "1:17: backend.type: cuda cannot be honoured",
		"backend: {llama_cpp: {n_gpu_layers: 12}}":          "1:37: backend.llama_cpp.n_gpu_layers: 12 cannot be honoured",
		"backend: {llama_cpp: {use_mlock: true}}":           "use_mlock: true cannot be honoured",
		"api: {defaults: {temperature: hot}}":               "wants number, found the text",
		"api: {defaults: {top_p: 1.5}}":                     "1.5 is out of range: 0 to 1",
		"engine: {kv_type: q3}":                             `"q3" is none of f16, q8_0, f32`,
		"resources: {memory_limit_mb: 9999999999999999999}": "out of range",
		"resources: {memory_limit_mb: -1}":                  "out of range",
		"server: {port: 1, port: 2}":                        "port",
		"server: {port: 1":                                  "1:",
		"a: 1\n---\nb: 2":                                   "2 documents",
		"x: &a 1\nserver: {port: *a}":                       "alias",
	} {
		_, _, err := load(t, yaml, nil, nil)
		require.ErrorContains(t, err, want, yaml)
		require.ErrorContains(t, err, "cllm.yaml", yaml)
	}
}

func TestUnknownKeysWarn(t *testing.T) {
	_, warnings, err := load(t, "servre: {port: 1}\nserver:\n  prot: 2\n  port: 3\ncache:\n", nil, nil)
	require.NoError(t, err)
	require.Equal(t, []string{"1:9: servre: unknown key, ignored", "3:9: server.prot: unknown key, ignored"}, warnings)
}

func TestTextLayersNameWhatIsWrong(t *testing.T) {
	_, _, err := load(t, "", map[string]string{"CLLM_PORT": "http"}, nil)
	require.EqualError(t, err, `environment: CLLM_PORT: wants integer, found "http"`)
	_, _, err = load(t, "", nil, map[string]string{"kv-type": "q3"})
	require.ErrorContains(t, err, "--kv-type")
}

func TestRequestTimeout(t *testing.T) {
	c, _, err := load(t, "api: {timeouts: {min: 5, max: 60, token_factor: 0.5}}", nil, nil)
	require.NoError(t, err)
	require.Equal(t, 5*time.Second, c.RequestTimeout(1))
	require.Equal(t, 10*time.Second, c.RequestTimeout(20))
	require.Equal(t, 60*time.Second, c.RequestTimeout(1000))
}

// Every setting is documented where people look for it.
func TestSettingsAreDocumented(t *testing.T) {
	text, err := os.ReadFile("../docs/configuration.md")
	require.NoError(t, err)
	for _, s := range Settings {
		for _, name := range []string{s.Key, s.Env, s.Flag} {
			if name != "" {
				require.Contains(t, string(text), name)
			}
		}
	}
}
