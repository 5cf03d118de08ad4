// Package config says what a server can be told, and gathers it from four
// layers, each winning over the one before: the defaults, a YAML file, the
// environment (CLLM_*), the command line. One table, [Settings], names every
// setting in all of them.
package config

import (
	"math"
	"time"

	"cllm/kernels"
)

// Config is a complete set of settings. Zero means automatic where it says so.
type Config struct {
	Model string // path of a GGUF file; "" is the embedded demo model
	// OverrideKV is metadata to use instead of the file's, as gguf.ParseOverrides takes it.
	OverrideKV string
	Host       string
	Port       int
	// AllowedHosts are names beside this machine's own by which a server on
	// loopback, behind a proxy, may be asked; "*" is any.
	AllowedHosts []string
	// APIKeys and the lines of APIKeyFile are keys of which a request must bring
	// one; with none of both it needs none.
	APIKeys    []string
	APIKeyFile string
	// CORSOrigins are the origins whose web pages may use the server; "*" is any.
	CORSOrigins []string
	// Alias is the name by which clients ask for the model; "" = its file's.
	Alias string
	// ChatTemplate is a file, or the name of a template; "" = the model's own.
	ChatTemplate string
	// SteadyHeader replaces what agents change in the system's text of every
	// request, so that the prefix cache holds.
	SteadyHeader bool
	Benchmark    bool // POST /benchmark is there

	Threads     int   // compute threads; 0 = the cores this process may use
	Context     int   // positions of one sequence; 0 = the model's own limit
	Parallel    int   // sequences that run at once
	MaxWaiting  int   // requests that may wait; beyond it 429
	StepTokens  int   // tokens of one step of the engine; 0 = automatic
	MemoryLimit int64 // bytes for everything; 0 = what cgroup and machine allow
	KVMemory    int64 // bytes of the KV pool; 0 = automatic
	// RequestMemory is the bytes that all requests together may hold; 0 = automatic.
	RequestMemory int64
	KVType        kernels.KVFormat
	PrefixCache   bool // share the KV blocks of equal prompt beginnings
	Speculate     bool // guess tokens by looking up the prompt
	Mlock         bool // lock the weights in memory

	MaxInput     int           // tokens of a prompt; 0 = the context
	Timeout      time.Duration // of a request; 0 = none
	WriteTimeout time.Duration // for a client to take what is written; 0 = the default
	// With TokenTimeout over 0 a request's timeout follows its max_tokens:
	// TokenTimeout for each, within [MinTimeout, MaxTimeout]; MaxTimeout 0 = any.
	TokenTimeout, MinTimeout, MaxTimeout time.Duration
	Defaults                             Defaults

	LogLevel     string // debug, info, warn or error
	LogFile      string // "" = stderr
	LogMaxSizeMB int    // size at which the log file is rotated
	LogMaxFiles  int    // rotated files kept
}

// Defaults are the values of the fields that a request to /generate leaves out.
type Defaults struct {
	Prompt            string // "" = the prompt is required
	MaxTokens         int
	Temperature       float64
	TopP              float64
	TopK              int
	RepetitionPenalty float64
}

// Default returns the settings in force when nobody says anything.
func Default() Config {
	return Config{
		Host: "127.0.0.1", Port: 8080, SteadyHeader: true, Benchmark: true,
		Parallel: 64, MaxWaiting: 512, KVType: kernels.KVF16, PrefixCache: true, Speculate: true,
		Timeout: 10 * time.Minute, WriteTimeout: 30 * time.Second,
		MinTimeout: time.Second, MaxTimeout: time.Hour,
		Defaults: Defaults{MaxTokens: 256, Temperature: 0.7, TopP: 0.9, TopK: 40, RepetitionPenalty: 1.1},
		LogLevel: "info", LogMaxSizeMB: 100, LogMaxFiles: 5,
	}
}

// RequestTimeout is the time a request for maxTokens tokens may take; 0 = any.
func (c *Config) RequestTimeout(maxTokens int) time.Duration {
	if c.TokenTimeout <= 0 {
		return c.Timeout
	}
	t := max(saturated(c.TokenTimeout, max(maxTokens, 1)), c.MinTimeout)
	return earlier(earlier(t, c.MaxTimeout), c.Timeout)
}

// saturated is n times d, n at least 1, or the longest duration.
func saturated(d time.Duration, n int) time.Duration {
	if d > math.MaxInt64/time.Duration(n) {
		return math.MaxInt64
	}
	return d * time.Duration(n)
}

// earlier is the shorter of two timeouts, 0 meaning none.
func earlier(a, b time.Duration) time.Duration {
	if a == 0 || b == 0 {
		return max(a, b)
	}
	return min(a, b)
}
