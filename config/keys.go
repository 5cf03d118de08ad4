package config

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// Keys are the API keys of which a request must bring one: those of the
// settings and those of the file, one a line; blank lines and lines that begin
// with # are none. None is an error: it would open the server. No error has a
// key in it.
func (c *Config) Keys() ([]string, error) {
	keys := append([]string(nil), c.APIKeys...)
	if c.APIKeyFile != "" {
		text, err := readFile(c.APIKeyFile)
		if err != nil {
			return nil, fmt.Errorf("API keys: %w", err)
		}
		for i, line := range strings.Split(strings.TrimPrefix(string(text), "\ufeff"), "\n") {
			line = strings.TrimSpace(line)
			if line == "" || line[0] == '#' {
				continue
			}
			if err := checkKey(line); err != nil {
				return nil, fmt.Errorf("API keys: %s, line %d: %w", c.APIKeyFile, i+1, err)
			}
			keys = append(keys, line)
		}
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("API keys: %s has none", c.APIKeyFile)
	}
	return keys, nil
}

// checkKey refuses what no header can carry.
func checkKey(key string) error {
	if key == "" {
		return errors.New("an API key is empty")
	}
	if strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return errors.New("an API key has characters other than printable ones of ASCII, or blanks")
	}
	return nil
}

// setKeys takes keys with commas between.
func setKeys(l *layer, v any) error {
	list := strings.Split(v.(string), ",")
	for i := range list {
		list[i] = strings.TrimSpace(list[i])
		if err := checkKey(list[i]); err != nil {
			return err
		}
	}
	l.APIKeys = list
	return nil
}

// setOrigins takes origins as browsers send them, with commas between.
func setOrigins(l *layer, v any) error {
	list := strings.Split(v.(string), ",")
	for i := range list {
		list[i] = strings.TrimSpace(list[i])
		u, err := url.Parse(list[i])
		if list[i] != "*" && (err != nil || u.Scheme == "" || u.Host == "" || u.Scheme+"://"+u.Host != list[i]) {
			return fmt.Errorf("%q is no origin: scheme://host or scheme://host:port, without a path, or *", list[i])
		}
	}
	l.CORSOrigins = list
	return nil
}
