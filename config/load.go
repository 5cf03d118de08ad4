package config

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strconv"
	"strings"
)

// maxFile is the most bytes of a configuration file.
const maxFile = 64 << 10

// Load gathers the settings: the defaults, then the YAML file (if path is not
// empty), then the environment, then flags (by long name, as text). The
// warnings name the keys of the file that have no meaning here.
func Load(path string, environ func(string) (string, bool), flags map[string]string) (*Config, []string, error) {
	var text []byte
	if path != "" {
		var err error
		if text, err = readFile(path); err != nil {
			return nil, nil, fmt.Errorf("configuration: %w", err)
		}
	}
	return gather(path, text, environ, flags)
}

// gather is [Load] with the text of the file.
func gather(path string, text []byte, environ func(string) (string, bool), flags map[string]string) (*Config, []string, error) {
	c := Default()
	warnings, err := c.file(path, text)
	if err != nil {
		return nil, warnings, err
	}
	env, err := c.texts(environ, func(s *Setting) string { return s.Env })
	if err != nil {
		return nil, warnings, fmt.Errorf("environment: %s: %w", env, err)
	}
	name, err := c.texts(func(name string) (string, bool) { v, ok := flags[name]; return v, ok },
		func(s *Setting) string { return s.Flag })
	if err != nil {
		return nil, warnings, fmt.Errorf("--%s: %w", name, err)
	}
	if c.MaxTimeout > 0 && c.MinTimeout > c.MaxTimeout {
		return nil, warnings, fmt.Errorf("api.timeouts.min (%v) is above api.timeouts.max (%v)", c.MinTimeout, c.MaxTimeout)
	}
	return &c, warnings, nil
}

// readFile reads a file of a bounded size, which may be a pipe.
func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(text) > maxFile {
		err = fmt.Errorf("%s: more than %d bytes", path, maxFile)
	}
	return text, err
}

// texts applies a layer of values that are text; on an error it returns the
// name that failed.
func (c *Config) texts(lookup func(string) (string, bool), name func(*Setting) string) (string, error) {
	l := &layer{c, map[*int]bool{}}
	for _, s := range Settings {
		n := name(s)
		if n == "" {
			continue
		}
		if value, ok := lookup(n); ok {
			v, err := s.parse(value)
			if err == nil {
				err = s.set(l, v)
			}
			if err != nil {
				return n, err
			}
		}
	}
	return "", nil
}

// Check says whether the text is a valid value of the setting.
func (s *Setting) Check(value string) error {
	v, err := s.parse(value)
	if err != nil {
		return err
	}
	c := Default()
	return s.set(&layer{&c, map[*int]bool{}}, v)
}

// ErrEmpty is the error of every setting and layer: an empty value mostly comes from a
// variable that is not set, and what that would mean is for a person to say.
var ErrEmpty = errors.New("is empty: give a value, or leave it out for the default")

// parse turns text into a value of the setting's kind.
func (s *Setting) parse(value string) (any, error) {
	if strings.TrimSpace(value) == "" {
		return nil, ErrEmpty
	}
	var v any = value
	var err error
	switch s.kind {
	case integer:
		v, err = parseInteger(value)
	case number:
		v, err = strconv.ParseFloat(value, 64)
	case boolean:
		v, err = strconv.ParseBool(value)
	}
	if err != nil {
		return nil, fmt.Errorf("wants %s, found %q", s.kind, value)
	}
	return v, nil
}

// parseInteger reads a whole number, however it is written: 1000, 1e3, 1000.0.
func parseInteger(value string) (int64, error) {
	n, err := strconv.ParseInt(value, 10, 64)
	if err == nil || errors.Is(err, strconv.ErrRange) {
		return n, err
	}
	x, err := strconv.ParseFloat(value, 64)
	if err == nil {
		n, err = whole(x)
	}
	return n, err
}

var errNotWhole = errors.New("not a whole number")

// whole is a number without a fraction, of those that a float64 holds exactly.
func whole(x float64) (int64, error) {
	if x != math.Trunc(x) || math.Abs(x) > 1<<53 {
		return 0, errNotWhole
	}
	return int64(x), nil
}
