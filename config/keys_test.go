package config

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// What is wrong with a key is said in every layer without the key.
func TestKeysAreNotShown(t *testing.T) {
	none := func(string) (string, bool) { return "", false }
	const key = "secret key"
	for name, load := range map[string]func() error{
		"file": func() error {
			_, _, err := gather("c.yaml", []byte("server:\n  api_key: "+key+"\n"), none, nil)
			return err
		},
		"environment": func() error {
			_, _, err := gather("", nil, func(n string) (string, bool) { return key, n == "CLLM_API_KEY" }, nil)
			return err
		},
		"flag": func() error {
			_, _, err := gather("", nil, none, map[string]string{"api-key": key})
			return err
		},
	} {
		err := load()
		require.ErrorContains(t, err, "blanks", name)
		require.NotContains(t, err.Error(), "secret", name)
	}
	c, _, err := gather("", nil, none, map[string]string{"api-key": "a, b", "cors-origins": "https://a.example,http://b.example:1"})
	require.NoError(t, err)
	require.Equal(t, []string{"a", "b"}, c.APIKeys)
	require.Equal(t, []string{"https://a.example", "http://b.example:1"}, c.CORSOrigins)
	keys, err := c.Keys()
	require.NoError(t, err)
	require.Equal(t, c.APIKeys, keys)
}

func TestOrigins(t *testing.T) {
	for _, wrong := range []string{"a.example", "https://a.example/", "https://a.example/x", "https://", "null", "https://a b"} {
		require.ErrorContains(t, find("server.cors_origins").Check(wrong), "no origin", wrong)
	}
	for _, right := range []string{"*", "https://*.a.example", "http://localhost:3000"} {
		require.NoError(t, find("server.cors_origins").Check(right), right)
	}
}
