package config

import (
	"math"
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

func load(_ *testing.T, yaml string, env, flags map[string]string) (*Config, []string, error) {
	const path = "cllm.yaml"
	c, warnings, err := gather(path, []byte(yaml), func(k string) (string, bool) { v, ok := env[k]; return v, ok }, flags)
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

// 0 in a later layer takes the default again.
func TestZeroOverrides(t *testing.T) {
	yaml := "resources: {max_context_length: 2048, memory_limit_mb: 100}\nengine: {parallel: 7, step_tokens: 5}\nserver: {num_threads: 3}\nhttp: {max_input_tokens: 9}"
	zero := map[string]string{"max-context-length": "0", "parallel": "0", "memory-limit": "0", "threads": "0", "step-tokens": "0", "max-input-tokens": "0"}
	c, _, err := load(t, yaml, nil, zero)
	require.NoError(t, err)
	require.Equal(t, Default(), *c)

	c, _, err = load(t, yaml, map[string]string{"CLLM_CONTEXT": "0", "CLLM_PARALLEL": "0"}, nil)
	require.NoError(t, err)
	require.Zero(t, c.Context)
	require.Equal(t, 64, c.Parallel)

	for _, flags := range []map[string]string{{"max-batch-size": "0"}, {"max-batch-size": "0", "parallel": "0"}} {
		c, _, err = load(t, yaml, nil, flags)
		require.NoError(t, err)
		require.Equal(t, 64, c.Parallel)
	}
	for _, flags := range []map[string]string{{"max-batch-size": "0", "parallel": "5"}, {"max-batch-size": "5", "parallel": "0"}} {
		c, _, err = load(t, yaml, nil, flags)
		require.NoError(t, err)
		require.Equal(t, 5, c.Parallel, "the other name of the layer says something")
	}
	c, _, err = load(t, "backend: {llama_cpp: {n_ctx: 0}}\nresources: {max_context_length: 4096}\nmodel: {max_context_length: 0}", nil, nil)
	require.NoError(t, err)
	require.Equal(t, 4096, c.Context)
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
		"api: {defaults: {temperature: hot}}":               "wants number, found the text",
		"api: {defaults: {top_p: 1.5}}":                     "1.5 is out of range: 0 to 1",
		"engine: {parallel: 65537}":                         "65537 is out of range: 0 to 65536",
		"engine: {kv_type: q3}":                             `"q3" is none of f16, f32, q8_0`,
		"resources: {memory_limit_mb: 9999999999999999999}": "out of range",
		"resources: {memory_limit_mb: -1}":                  "out of range",
		"server: {port: 1, port: 2}":                        `1:19: mapping key "port" already defined at [1:10]`,
		"server: {port: 1}\nserver: {host: a}":              `2:1: mapping key "server" already defined at [1:1]`,
		"server: {port: 1}\nserver.port: 2":                 "2:14: server.port: given twice",
		"server: {port: 1":                                  "1:",
		"a: 1\n---\nb: 2":                                   "2 documents",
		"server: {port: .inf}":                              "1:16: server.port: wrong type: wants integer, found the number .inf",
		"server: {port: 8e-1}":                              `wants integer, found the text "8e-1"`,
		"server: {port: 1e300}":                             `wants integer, found the text "1e300"`,
		"api: {defaults: {temperature: .nan}}":              "wants number, found the number .nan",
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

// An empty value is an error that names the setting, for every setting and in
// every layer.
func TestEmptyValues(t *testing.T) {
	for _, s := range Settings {
		for _, empty := range []string{"", " ", "\t \n"} {
			if s.Env != "" {
				_, _, err := load(t, "", map[string]string{s.Env: empty}, nil)
				require.ErrorIs(t, err, ErrEmpty)
				require.ErrorContains(t, err, "environment: "+s.Env+": is empty")
			}
			if s.Flag != "" {
				_, _, err := load(t, "", nil, map[string]string{s.Flag: empty})
				require.ErrorContains(t, err, "--"+s.Flag+": is empty")
				require.ErrorIs(t, s.Check(empty), ErrEmpty)
			}
		}
		if s.Key == "" || s.Ignored != "" {
			continue
		}
		for _, empty := range []string{"", ` ""`, " '  '", " # said elsewhere", ` !!str ""`} {
			_, _, err := load(t, nested(s.Key, empty), nil, nil)
			require.ErrorIs(t, err, ErrEmpty, s.Key+empty)
			require.ErrorContains(t, err, s.Key+": is empty")
		}
		for _, unset := range []string{" null", " ~"} {
			c, _, err := load(t, nested(s.Key, unset), nil, nil)
			require.NoError(t, err, s.Key)
			require.Equal(t, Default(), *c)
		}
	}
}

// nested is a YAML file with one key, its value as it is.
func nested(key, value string) string {
	var yaml string
	parts := strings.Split(key, ".")
	for i, part := range parts {
		yaml += strings.Repeat("  ", i) + part + ":"
		if i < len(parts)-1 {
			yaml += "\n"
		}
	}
	return yaml + value + "\n"
}

func TestHost(t *testing.T) {
	for given, want := range map[string]string{
		"::1": "::1", "[::1]": "::1", "[fe80::1%eth0]": "fe80::1%eth0", "::": "::", "localhost": "localhost", "0.0.0.0": "0.0.0.0",
	} {
		c, _, err := load(t, "", map[string]string{"CLLM_HOST": given}, nil)
		require.NoError(t, err)
		require.Equal(t, want, c.Host)
		c, _, err = load(t, "", nil, map[string]string{"host": given})
		require.NoError(t, err)
		require.Equal(t, want, c.Host)
		c, _, err = load(t, `server: {host: "`+given+`"}`, nil, nil)
		require.NoError(t, err)
		require.Equal(t, want, c.Host)
	}
	for _, yaml := range []string{"server:\n  host: [::1]", "server:\n  host: ::1"} {
		c, _, err := load(t, yaml, nil, nil)
		require.NoError(t, err)
		require.Equal(t, "::1", c.Host)
	}
	for given, want := range map[string]string{
		"localhost:8080": "has a port: give 8080", "[::1]:80": "has a port", "http://a": "neither", "[::1": "neither", "[1.2.3.4]": "neither", "a b": "neither",
	} {
		_, _, err := load(t, "", nil, map[string]string{"host": given})
		require.ErrorContains(t, err, want, given)
	}
	_, _, err := load(t, "server: {host: [::1]}", nil, nil)
	require.ErrorContains(t, err, "an IPv6 address in brackets wants quotes")
	_, _, err = load(t, "server:\n  host: [a]", nil, nil)
	require.ErrorContains(t, err, "wants text, found a list")
}

func TestWholeNumbers(t *testing.T) {
	for _, n := range []string{"1000", "1e3", "1E3", "1000.0", "1.0e+3", "+1000"} {
		c, _, err := load(t, "server: {port: "+n+"}", nil, nil)
		require.NoError(t, err, n)
		require.Equal(t, 1000, c.Port)
		c, _, err = load(t, "", map[string]string{"CLLM_PORT": n}, nil)
		require.NoError(t, err, n)
		require.Equal(t, 1000, c.Port)
	}
	for _, n := range []string{"1e-1", "0.5", "1e300", "nan", "inf", "99999999999999999999"} {
		_, _, err := load(t, "", map[string]string{"CLLM_PORT": n}, nil)
		require.ErrorContains(t, err, "CLLM_PORT", n)
	}
}

func TestRequestTimeout(t *testing.T) {
	c, _, err := load(t, "api: {timeouts: {min: 5, max: 60, token_factor: 0.5}}", nil, nil)
	require.NoError(t, err)
	require.Equal(t, 5*time.Second, c.RequestTimeout(1))
	require.Equal(t, 10*time.Second, c.RequestTimeout(20))
	require.Equal(t, 60*time.Second, c.RequestTimeout(1000))

	_, _, err = load(t, "api: {timeouts: {min: 9, max: 8}}", nil, nil)
	require.EqualError(t, err, "api.timeouts.min (9s) is above api.timeouts.max (8s)")

	// Nothing overflows, and no zero turns a timeout off that another sets.
	for yaml, want := range map[string]time.Duration{
		"api: {timeouts: {token_factor: 5}}":                                           10 * time.Minute,
		"api: {timeouts: {token_factor: 5, max: 0}}":                                   10 * time.Minute,
		"api: {timeouts: {token_factor: 5, max: 0}}\nhttp: {timeout_ms: 0}":            math.MaxInt64,
		"api: {timeouts: {token_factor: 4, max: 0}}\nhttp: {timeout_ms: 0}":            math.MaxInt32 * 4 * time.Second,
		"api: {timeouts: {token_factor: 3e9, max: 0}}\nhttp: {timeout_ms: 0}":          math.MaxInt64,
		"api: {timeouts: {token_factor: 3.1e9, min: 3.1e9, max: 0}}":                   10 * time.Minute,
		"api: {timeouts: {token_factor: 3e9, max: 3.1e9}}\nhttp: {timeout_ms: 3e12}":   3e9 * time.Second,
		"api: {timeouts: {token_factor: 1e-9, min: 0, max: 0}}\nhttp: {timeout_ms: 0}": math.MaxInt32,
	} {
		c, _, err := load(t, yaml, nil, nil)
		require.NoError(t, err, yaml)
		require.Equal(t, want, c.RequestTimeout(math.MaxInt32), yaml)
		require.Positive(t, c.RequestTimeout(0), yaml)
	}
}
