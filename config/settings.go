package config

import (
	"fmt"
	"math"
	"net"
	"net/netip"
	"strings"
	"time"

	"cllm/kernels"
)

// Setting is one row of the table: its name in each layer and what it does.
type Setting struct {
	Key   string // place in the YAML file, as "server.port"; "" = not there
	Env   string // environment variable; "" = none
	Flag  string // long flag; "" = none
	Alias string // another name of the flag
	Short string // one-letter flag
	List  bool   // a list with commas; the flag may be repeated
	Help  string
	// Secret values are never shown.
	Secret bool
	// Ignored says why a key that the predecessor knew has no meaning here.
	// It gets a warning.
	Ignored string

	kind kind
	set  func(l *layer, v any) error
}

// kind is the type of a setting's value.
type kind string

const (
	integer kind = "integer"
	number  kind = "number"
	boolean kind = "boolean"
	text    kind = "text"
)

// Type names the type of the setting's value: integer, number, boolean, text.
func (s *Setting) Type() string { return string(s.kind) }

// layer is one source of settings on its way into a Config.
type layer struct {
	*Config
	capped map[*int]bool // limits that this layer has set already
}

// Settings is every setting. In one layer a later row wins over an earlier
// one, except for limits, where the smallest wins.
var Settings = []*Setting{
	str("model.path", "CLLM_MODEL", "model m", "GGUF file to load; without it the built-in demo model", func(c *Config) *string { return &c.Model }).as("model-path"),
	str("model.override_kv", "CLLM_OVERRIDE_KV", "override-kv", "metadata to use instead of the file's, KEY=TYPE:VALUE,... with the types int, float, bool, str", func(c *Config) *string { return &c.OverrideKV }).list(),
	named(text, "server.host", "CLLM_HOST", "host h", "address to listen on, 0.0.0.0 for all (127.0.0.1)", setHost),
	texts("server.allowed_hosts", "CLLM_ALLOWED_HOSTS", "allowed-hosts", "hosts that requests may name beside this machine, with commas between; needed behind a proxy; * is any", func(c *Config) *[]string { return &c.AllowedHosts }).list(),
	named(text, "server.api_key", "CLLM_API_KEY", "api-key", "keys of which a request must bring one (Authorization: Bearer KEY), with commas between", setKeys).list().secret(),
	str("server.api_key_file", "CLLM_API_KEY_FILE", "api-key-file", "file with such keys, one a line; read again at SIGHUP", func(c *Config) *string { return &c.APIKeyFile }),
	named(text, "server.cors_origins", "CLLM_CORS_ORIGINS", "cors-origins", "origins whose web pages may use the server, as https://chat.example, with commas between; * is any", setOrigins).list(),
	str("model.alias", "CLLM_ALIAS", "alias", "name by which clients ask for the model; without it the file's", func(c *Config) *string { return &c.Alias }),
	str("model.chat_template", "CLLM_CHAT_TEMPLATE", "chat-template", "file with a chat template, the name of one of the model's own, or chatml; without it the model's", func(c *Config) *string { return &c.ChatTemplate }),
	flag("server.steady_header", "CLLM_STEADY_HEADER", "steady-header", "replace the cch= that Claude Code changes in the system text of every request, so that the prefix cache holds (true)", func(c *Config) *bool { return &c.SteadyHeader }),
	flag("server.benchmark", "CLLM_BENCHMARK", "benchmark", "POST /benchmark is there (true)", func(c *Config) *bool { return &c.Benchmark }),
	count("server.port", "CLLM_PORT", "port p", "port to listen on, 0 for a free one (8080)", 0, 65535, func(c *Config) *int { return &c.Port }),

	count("server.num_threads", "", "", "compute threads, unless backend.llama_cpp.n_threads says", 0, 1024, func(c *Config) *int { return &c.Threads }),
	count("backend.llama_cpp.n_threads", "CLLM_THREADS", "threads t", "compute threads; 0 is the cores this process may use", 0, 1024, func(c *Config) *int { return &c.Threads }),
	limit("model.max_context_length", "", "", "positions of one sequence", math.MaxInt32, contextOf),
	limit("backend.llama_cpp.n_ctx", "", "", "positions of one sequence", math.MaxInt32, contextOf),
	limit("resources.max_context_length", "CLLM_CONTEXT", "max-context-length c", "positions (prompt and answer) of one sequence; 0 is the model's own limit", math.MaxInt32, contextOf).as("context"),
	limit("scheduler.max_batch_size", "", "", "sequences that run at once", mostParallel, parallelOf),
	limit("backend.llama_cpp.n_seq_max", "", "", "sequences that run at once", mostParallel, parallelOf),
	limit("resources.max_batch_size", "", "max-batch-size b", "sequences that run at once; 0 is 64", mostParallel, parallelOf),
	limit("engine.parallel", "CLLM_PARALLEL", "parallel", "sequences that run at once; 0 is 64", mostParallel, parallelOf),
	count("engine.max_waiting", "CLLM_MAX_WAITING", "max-waiting", "requests that may wait for their turn; beyond it 429 (512)", 0, 1<<20, func(c *Config) *int { return &c.MaxWaiting }),
	count("backend.llama_cpp.n_batch", "", "", "tokens of one step of the engine", 0, 1<<16, stepOf),
	count("engine.step_tokens", "CLLM_STEP_TOKENS", "step-tokens", "tokens of one step of the engine; 0 is automatic", 0, 1<<16, stepOf),
	megabytes("resources.memory_limit_mb", "CLLM_MEMORY_LIMIT", "memory-limit", "MB for weights, KV pool and all else; 0 is what cgroup and machine allow", func(c *Config) *int64 { return &c.MemoryLimit }),
	megabytes("resources.kv_cache_max_memory_mb", "CLLM_KV_CACHE_MEMORY", "kv-cache-memory", "MB of the KV pool; 0 is automatic", func(c *Config) *int64 { return &c.KVMemory }),
	megabytes("engine.request_memory_mb", "CLLM_REQUEST_MEMORY", "request-memory", "MB that all requests together may hold, prompts and whole answers; 0 is automatic", func(c *Config) *int64 { return &c.RequestMemory }),
	named(text, "engine.kv_type", "CLLM_KV_TYPE", "kv-type", "storage of keys and values: f16, q8_0 or f32 (f16)", setKVType),
	flag("engine.prefix_cache", "CLLM_PREFIX_CACHE", "prefix-cache", "share the KV blocks of equal prompt beginnings (true)", func(c *Config) *bool { return &c.PrefixCache }),
	flag("engine.speculate", "CLLM_SPECULATE", "speculate", "guess tokens by looking up the prompt, where that pays (true)", func(c *Config) *bool { return &c.Speculate }),

	flag("backend.llama_cpp.use_mlock", "CLLM_MLOCK", "mlock", "lock the weights in memory, a warning where the system does not allow it (false)", func(c *Config) *bool { return &c.Mlock }),

	count("http.max_input_tokens", "CLLM_MAX_INPUT_TOKENS", "max-input-tokens", "tokens of a prompt; 0 is the context", 0, math.MaxInt32, func(c *Config) *int { return &c.MaxInput }),
	duration("scheduler.request_timeout", "", "", "seconds a request may take; 0 is any", time.Second, func(c *Config) *time.Duration { return &c.Timeout }),
	duration("http.timeout_ms", "CLLM_TIMEOUT_MS", "timeout-ms", "milliseconds a request may take, 0 for any (600000)", time.Millisecond, func(c *Config) *time.Duration { return &c.Timeout }),
	duration("http.write_timeout_ms", "CLLM_WRITE_TIMEOUT_MS", "write-timeout-ms", "milliseconds for a client to take what is written, after which its request ends (30000)", time.Millisecond, func(c *Config) *time.Duration { return &c.WriteTimeout }),
	duration("api.timeouts.min", "", "", "with token_factor: least seconds of a request's timeout", time.Second, func(c *Config) *time.Duration { return &c.MinTimeout }),
	duration("api.timeouts.max", "", "", "with token_factor: most seconds of a request's timeout", time.Second, func(c *Config) *time.Duration { return &c.MaxTimeout }),
	duration("api.timeouts.token_factor", "", "", "seconds of timeout for each of max_tokens; 0 is off", time.Second, func(c *Config) *time.Duration { return &c.TokenTimeout }),

	count("model.default_max_tokens", "", "", "max_tokens of requests that have none", 1, math.MaxInt32, maxTokensOf),
	count("scheduler.default_max_tokens", "", "", "max_tokens of requests that have none", 1, math.MaxInt32, maxTokensOf),
	count("api.defaults.max_tokens", "CLLM_DEFAULT_MAX_TOKENS", "", "max_tokens of requests that have none", 1, math.MaxInt32, maxTokensOf),
	float("scheduler.default_temperature", "", "temperature of requests that have none", 0, 2, temperatureOf),
	float("api.defaults.temperature", "CLLM_DEFAULT_TEMPERATURE", "temperature of requests that have none", 0, 2, temperatureOf),
	float("scheduler.default_top_p", "", "top_p of requests that have none", 0, 1, topPOf),
	float("api.defaults.top_p", "CLLM_DEFAULT_TOP_P", "top_p of requests that have none", 0, 1, topPOf),
	count("scheduler.default_top_k", "CLLM_DEFAULT_TOP_K", "", "top_k of requests that have none; 0 is off", 0, math.MaxInt32, func(c *Config) *int { return &c.Defaults.TopK }),
	float("api.defaults.repetition_penalty", "CLLM_DEFAULT_REPETITION_PENALTY", "repetition_penalty of requests that have none", 0.01, 10, func(c *Config) *float64 { return &c.Defaults.RepetitionPenalty }),
	str("api.defaults.prompt", "", "", "prompt of requests that have none", func(c *Config) *string { return &c.Defaults.Prompt }),

	choice("logging.level", "CLLM_LOG_LEVEL", "log-level L", "debug, info, warn or error (info)", []string{"debug", "info", "warn", "warning", "error"}, func(c *Config) *string { return &c.LogLevel }),
	str("logging.file", "CLLM_LOG_FILE", "log-file F", "file to log to, or a device or pipe; without it stderr", func(c *Config) *string { return &c.LogFile }),
	count("logging.max_size_mb", "CLLM_LOG_MAX_SIZE_MB", "", "MB at which the log file is rotated", 1, 1<<20, func(c *Config) *int { return &c.LogMaxSizeMB }),
	count("logging.max_files", "CLLM_LOG_MAX_FILES", "", "rotated log files that are kept", 0, 1000, func(c *Config) *int { return &c.LogMaxFiles }),

	required("backend.type", text, `this server computes by itself, on the CPU: use "llama_cpp", "cpu" or leave it out`, func(v any) bool {
		s := strings.ToLower(v.(string))
		return s == "llama_cpp" || s == "cpu" || s == "cllm"
	}),
	required("backend.llama_cpp.n_gpu_layers", integer, "layers cannot go to a GPU: this server computes on the CPU; use 0", func(v any) bool { return v.(int64) <= 0 }),
	required("backend.llama_cpp.use_mmap", boolean, "weights are always mapped; use true", func(v any) bool { return v.(bool) }),

	ignored("server.min_threads", "connections need no threads of their own"),
	ignored("model.vocab_size", "the model file says it"),
	ignored("model.quantization", "the model file says it"),
	ignored("scheduler.max_iterations", "requests end at max_tokens, an end token or their timeout"),
	ignored("resources.kv_cache_max_size", "the KV pool is measured in memory: resources.kv_cache_max_memory_mb"),
	ignored("cache.default_max_size", cacheReason),
	ignored("cache.default_max_memory_mb", cacheReason),
	ignored("cache.enable_lru", cacheReason),
	ignored("cache.eviction_threshold", cacheReason),
}

// mostParallel keeps what is planned for each sequence far from overflowing.
const mostParallel = 1 << 16

const cacheReason = "cached prompts live in the KV pool: resources.kv_cache_max_memory_mb, engine.prefix_cache"

func contextOf(c *Config) *int         { return &c.Context }
func parallelOf(c *Config) *int        { return &c.Parallel }
func stepOf(c *Config) *int            { return &c.StepTokens }
func maxTokensOf(c *Config) *int       { return &c.Defaults.MaxTokens }
func temperatureOf(c *Config) *float64 { return &c.Defaults.Temperature }
func topPOf(c *Config) *float64        { return &c.Defaults.TopP }

// named makes the row of a setting; flag is its long name and, after a space,
// its letter.
func named(k kind, key, env, flag, help string, set func(l *layer, v any) error) *Setting {
	long, short, _ := strings.Cut(flag, " ")
	return &Setting{Key: key, Env: env, Flag: long, Short: short, Help: help, kind: k, set: set}
}

// as gives the flag another name.
func (s *Setting) as(alias string) *Setting {
	s.Alias = alias
	return s
}

// list says that the value is a list with commas: the flag may be repeated.
func (s *Setting) list() *Setting {
	s.List = true
	return s
}

// secret says that no error or log may show the value.
func (s *Setting) secret() *Setting {
	s.Secret = true
	return s
}

func str(key, env, flag, help string, field func(*Config) *string) *Setting {
	return named(text, key, env, flag, help, func(l *layer, v any) error {
		*field(l.Config) = v.(string)
		return nil
	})
}

// setHost takes the brackets off an IPv6 address, and refuses what people
// write for an address and no system resolves.
func setHost(l *layer, v any) error {
	host := v.(string)
	if inner, ok := strings.CutPrefix(host, "["); ok {
		inner, closed := strings.CutSuffix(inner, "]")
		if ip, err := netip.ParseAddr(inner); closed && err == nil && ip.Is6() {
			l.Host = inner
			return nil
		}
	}
	if _, port, err := net.SplitHostPort(host); err == nil && !strings.Contains(host, "/") {
		return fmt.Errorf("%q has a port: give %s as the port setting", host, port)
	}
	if strings.ContainsAny(host, "/[] ") {
		return fmt.Errorf("%q is neither a host name nor an address", host)
	}
	l.Host = host
	return nil
}

func setKVType(l *layer, v any) error {
	format, err := kernels.ParseKVFormat(v.(string))
	if err == nil {
		l.KVType = format
	}
	return err
}

// texts is a list, one text with commas in it.
func texts(key, env, flag, help string, field func(*Config) *[]string) *Setting {
	return named(text, key, env, flag, help, func(l *layer, v any) error {
		list := strings.Split(v.(string), ",")
		for i, part := range list {
			if list[i] = strings.TrimSpace(part); list[i] == "" {
				return fmt.Errorf("%q has an empty part", v)
			}
		}
		*field(l.Config) = list
		return nil
	})
}

func choice(key, env, flag, help string, of []string, field func(*Config) *string) *Setting {
	return named(text, key, env, flag, help, func(l *layer, v any) error {
		for _, name := range of {
			if strings.EqualFold(v.(string), name) {
				*field(l.Config) = name
				return nil
			}
		}
		return fmt.Errorf("%q is none of %s", v, strings.Join(of, ", "))
	})
}

func flag(key, env, name, help string, field func(*Config) *bool) *Setting {
	return named(boolean, key, env, name, help, func(l *layer, v any) error {
		*field(l.Config) = v.(bool)
		return nil
	})
}

func count(key, env, flag, help string, lo, hi int, field func(*Config) *int) *Setting {
	return named(integer, key, env, flag, help, func(l *layer, v any) error {
		n := v.(int64)
		if n < int64(lo) || n > int64(hi) {
			return fmt.Errorf("%d is out of range: %d to %d", n, lo, hi)
		}
		*field(l.Config) = int(n)
		return nil
	})
}

// limit is a count of which the smallest in a layer wins; 0 is the default,
// whatever earlier layers said, unless the layer has another.
func limit(key, env, flag, help string, hi int, field func(*Config) *int) *Setting {
	return named(integer, key, env, flag, help, func(l *layer, v any) error {
		n, p := v.(int64), field(l.Config)
		switch {
		case n < 0 || n > int64(hi):
			return fmt.Errorf("%d is out of range: 0 to %d", n, hi)
		case n == 0 && l.capped[p]:
		case n == 0:
			standard := Default()
			*p = *field(&standard)
		case l.capped[p]:
			*p = min(*p, int(n))
		default:
			*p, l.capped[p] = int(n), true
		}
		return nil
	})
}

func megabytes(key, env, flag, help string, field func(*Config) *int64) *Setting {
	const most = 1 << 40 >> 20 << 10 // a pebibyte
	return named(integer, key, env, flag, help, func(l *layer, v any) error {
		n := v.(int64)
		if n < 0 || n > most {
			return fmt.Errorf("%d is out of range: 0 to %d MB", n, most)
		}
		*field(l.Config) = n << 20
		return nil
	})
}

func float(key, env, help string, lo, hi float64, field func(*Config) *float64) *Setting {
	return named(number, key, env, "", help, func(l *layer, v any) error {
		x := v.(float64)
		if !(x >= lo && x <= hi) {
			return fmt.Errorf("%v is out of range: %v to %v", x, lo, hi)
		}
		*field(l.Config) = x
		return nil
	})
}

func duration(key, env, flag, help string, unit time.Duration, field func(*Config) *time.Duration) *Setting {
	most := float64(100*365*24*time.Hour) / float64(unit)
	return named(number, key, env, flag, help, func(l *layer, v any) error {
		x := v.(float64)
		if !(x >= 0 && x <= most) {
			return fmt.Errorf("%v is out of range: 0 to %.0f", x, most)
		}
		*field(l.Config) = time.Duration(x * float64(unit))
		return nil
	})
}

// required is a key of the predecessor of which one value is how it is here
// and every other cannot be honoured.
func required(key string, k kind, advice string, ok func(v any) bool) *Setting {
	return named(k, key, "", "", advice, func(_ *layer, v any) error {
		if !ok(v) {
			return fmt.Errorf("%v cannot be honoured: %s", v, advice)
		}
		return nil
	})
}

func ignored(key, why string) *Setting { return &Setting{Key: key, Ignored: why} }
