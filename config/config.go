// Package config says what a server can be told, and gathers it from four
// layers, each winning over the one before: the defaults, a YAML file, the
// environment (CLLM_*), the command line. One table, [Settings], names every
// setting in all of them.
package config

import (
	"time"
)

// Config is a complete set of settings. Zero means automatic where it says so.
type Config struct {
	Model string // path of a GGUF file; "" is the embedded demo model
	// OverrideKV is metadata to use instead of the file's, as gguf.ParseOverrides takes it.
	OverrideKV string
	Host  string
	Port  int
	// AllowedHosts are names beside this machine's own by which a server on
	// loopback, behind a proxy, may be asked; "*" is any.
	AllowedHosts []string
	Benchmark    bool // POST /benchmark is there

	Threads     int    // compute threads; 0 = the cores this process may use
	Context     int    // positions of one sequence; 0 = the model's own limit
	Parallel    int    // sequences that run at once
	MaxWaiting  int    // requests that may wait; beyond it 429
	StepTokens  int    // tokens of one step of the engine; 0 = automatic
	MemoryLimit int64  // bytes for everything; 0 = what cgroup and machine allow
	KVMemory    int64  // bytes of the KV pool; 0 = automatic
	KVType      string // f16, q8_0 or f32
	PrefixCache bool   // share the KV blocks of equal prompt beginnings
	Speculate   bool   // guess tokens by looking up the prompt

	MaxInput int           // tokens of a prompt; 0 = the context
	Timeout  time.Duration // of a request; 0 = none
	// With TokenTimeout over 0 a request's timeout follows its max_tokens:
	// TokenTimeout for each, within [MinTimeout, MaxTimeout].
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
		Host: "127.0.0.1", Port: 8080, Benchmark: true,
		Parallel: 64, MaxWaiting: 512, KVType: "f16", PrefixCache: true, Speculate: true,
		Timeout:    10 * time.Minute,
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
	t := min(max(time.Duration(maxTokens)*c.TokenTimeout, c.MinTimeout), c.MaxTimeout)
	if c.Timeout > 0 {
		t = min(t, c.Timeout)
	}
	return t
}
