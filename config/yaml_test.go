package config

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/stretchr/testify/require"
)

// What other programs and people make of YAML gives what they mean.
func TestHabitsOfYAML(t *testing.T) {
	want := Default()
	want.Port, want.Defaults.Temperature, want.LogLevel = 1001, 0.1, "warn"
	for name, yaml := range map[string]string{
		"plain":           "server: {port: 1001}\nlogging: {level: warn}\napi: {defaults: {temperature: 0.1}}",
		"byte order mark": "\ufeffserver: {port: 1001}\nlogging: {level: warn}\napi: {defaults: {temperature: 0.1}}",
		"exponents":       "server: {port: 1.001e3}\nlogging: {level: warn}\napi: {defaults: {temperature: 1e-1}}",
		"Windows":         "server:\r\n  port: 1001\r\nlogging:\r\n  level: warn\r\napi:\r\n  defaults: {temperature: 1.0E-1}\r\n",
		"header":          "%YAML 1.2\n---\nserver: {port: 1001}\nlogging: {level: warn}\napi: {defaults: {temperature: 0.1}}\n...\n",
		"tabs after keys": "server:\t{port: 1001}\nlogging:\n  level:\twarn\napi: {defaults: {temperature:\t0.1}}",
		"anchors":         "server: {port: &p 1001}\nlogging: {level: &l warn, level2: *l}\napi: {defaults: &d {temperature: 0.1}, old: *d}",
		"aliases":         "x-port: &p 1001\nx-api: &d {defaults: {temperature: 0.1}}\nserver: {port: *p}\nlogging: {level: warn}\napi: *d",
		"merge":           "x: &x {port: 1001, host: other}\nserver: {<<: *x, host: 127.0.0.1}\nlogging: {level: warn}\napi: {defaults: {temperature: 0.1}}",
		"merge last":      "x: &x {port: 1001, host: other}\nserver:\n  host: 127.0.0.1\n  <<: *x\nlogging: {level: warn}\napi: {defaults: {temperature: 0.1}}",
		"merge of two":    "a: &a {port: 1001}\nb: &b {port: 9, host: 127.0.0.1}\nserver: {<<: [*a, *b]}\nlogging: {level: warn}\napi: {defaults: {temperature: 0.1}}",
		"merge in merge":  "a: &a {port: 1001}\nb: &b {<<: *a, host: 127.0.0.1}\nserver: {<<: *b}\nlogging: {level: warn}\napi: {defaults: {temperature: 0.1}}",
		"merge at top":    "x: &x\n  server: {port: 1001}\n  logging: {level: warn}\n<<: *x\napi: {defaults: {temperature: 0.1}}",
		"anchor again":    "x: &x {port: 9}\ny: &x {port: 1001}\nserver: *x\nlogging: {level: warn}\napi: {defaults: {temperature: 0.1}}",
		"tags":            "server: !!map {port: !!int 1001}\nlogging: {level: !!str warn}\napi: {defaults: {temperature: !!float 0.1}}",
	} {
		t.Run(name, func(t *testing.T) {
			c, warnings, err := load(t, yaml, nil, nil)
			require.NoError(t, err)
			require.Equal(t, want, *c)
			for _, w := range warnings {
				require.Regexp(t, `logging\.level2|api\.old|: x: |2: x: `, w, "an anchor that is used needs no other meaning")
			}
		})
	}
}

func TestYAMLThatCannotBe(t *testing.T) {
	utf16le := "\xff\xfe"
	for _, u := range utf16.Encode([]rune("server: {port: 1}\n")) {
		utf16le += string([]byte{byte(u), byte(u >> 8)})
	}
	for yaml, want := range map[string]string{
		utf16le:                                "1:1: the file is in UTF-16 or UTF-32: save it as UTF-8",
		utf16le[2:]:                            "1:1: the file is in UTF-16 or UTF-32: save it as UTF-8",
		"\xfe\xff\x00a\x00:\x00 \x001":         "1:1: the file is in UTF-16",
		"server: {port: 1}\nx: \xe9t\xe9":      "2:1: the line is not UTF-8 text",
		"server: {port: 1}\nx: a\x00b":         "2:1: the line is not UTF-8 text",
		"server:\n\tport: 1":                   "2:1: the line is indented with a tab: YAML takes spaces alone",
		"server:\n  port: 1\n \thost: a":       "3:2: the line is indented with a tab",
		"server: {port: *a}":                   "1:16: *a is an alias of an anchor that is not before it",
		"server: {port: *a}\nx: &a 1":          "*a is an alias of an anchor that is not before it",
		"server: &a {<<: *a}":                  "in a circle",
		"server: {<<: 5}":                      "1:14: << wants a mapping or a list of them, found the integer 5",
		"server: {<<: [5]}":                    "1:15: << wants a mapping or a list of them, found the integer 5",
		"x: &x [1]\nserver: *x":                "server wants a mapping, found a list",
		"x: &x {port: http}\nserver: {<<: *x}": `1:14: server.port: wrong type: wants integer, found the text "http"`,
		"x: &x http\nserver: {port: *x}":       "2:16: server.port: wrong type",
	} {
		_, _, err := load(t, yaml, nil, nil)
		require.ErrorContains(t, err, want, "%.100q", yaml)
		require.ErrorContains(t, err, "cllm.yaml")
		require.NotContains(t, err.Error(), "\n")
	}
}

// Aliases that multiply end at a bound, not with the memory.
func TestYAMLThatMultiplies(t *testing.T) {
	yaml := "k0: &k0 {port: 1}\n"
	for i := range 30 {
		yaml += fmt.Sprintf("k%d: &k%d {<<: [*k%d, *k%d]}\n", i+1, i+1, i, i)
	}
	yaml += "server: {<<: *k30}\n"
	start := time.Now()
	_, _, err := load(t, yaml, nil, nil)
	require.ErrorContains(t, err, "multiply")
	require.Less(t, time.Since(start), 5*time.Second)
}

func TestFiles(t *testing.T) {
	_, _, err := Load(t.TempDir(), os.LookupEnv, nil)
	require.ErrorContains(t, err, "configuration: ")
	path := filepath.Join(t.TempDir(), "large.yaml")
	require.NoError(t, os.WriteFile(path, []byte("server: {port: 1}\n"+strings.Repeat("#", maxFile)), 0o600))
	_, _, err = Load(path, os.LookupEnv, nil)
	require.ErrorContains(t, err, "more than 65536 bytes")
	require.NoError(t, os.WriteFile(path, []byte("server: {port: 1}\n"), 0o600))
	c, _, err := Load(path, os.LookupEnv, nil)
	require.NoError(t, err)
	require.Equal(t, 1, c.Port)
	_, _, err = Load(filepath.Join(t.TempDir(), "none.yaml"), os.LookupEnv, nil)
	require.ErrorIs(t, err, os.ErrNotExist)
}

func FuzzYAML(f *testing.F) {
	for _, yaml := range []string{deployed, "a: &a {<<: *a}", "server: [", "\ufeffx: 1e-1", "? a\n: b", "a: |\n  b", "<<: {server: {port: 1}}", "&a : *a", "!!x y: z"} {
		f.Add(yaml)
	}
	f.Fuzz(func(t *testing.T, yaml string) {
		if len(yaml) > 1000 {
			t.Skip()
		}
		c := Default()
		_, _ = c.file("fuzz.yaml", []byte(yaml))
	})
}
