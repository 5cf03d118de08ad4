package server

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"cllm/config"
)

// request sends a request with headers and returns the answer, read to its end.
func (i *instance) request(method, path string, headers ...string) (*http.Response, string) {
	r, err := http.NewRequestWithContext(i.t.Context(), method, i.url+path, nil)
	require.NoError(i.t, err)
	for k := 0; k < len(headers); k += 2 {
		if headers[k] == "Host" {
			r.Host = headers[k+1]
		}
		r.Header.Set(headers[k], headers[k+1])
	}
	res, err := http.DefaultClient.Do(r)
	require.NoError(i.t, err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	require.NoError(i.t, err)
	return res, string(text)
}

func TestAPIKeys(t *testing.T) {
	file := filepath.Join(t.TempDir(), "keys")
	write := func(text string) { require.NoError(t, os.WriteFile(file, []byte(text), 0o600)) }
	write("\ufeff# whose\n\n  file-one  \r\nfile-two\n")
	i := start(t, setup{config: func(c *config.Config) {
		c.APIKeys, c.APIKeyFile, c.LogLevel = []string{"flag-one"}, file, "debug"
	}})
	for _, path := range []string{"/", "/health", "/health/live", "//health"} {
		res, _ := i.request("GET", path)
		require.Equal(t, 200, res.StatusCode, path)
	}
	for _, path := range []string{"/model/info", "/nothing", "/health/", "/v1/models", "/v1/nothing", "/v1/health"} {
		for _, headers := range [][]string{nil, {"Authorization", "Bearer wrong"}, {"Authorization", "Bearer"}, {"Authorization", "Basic file-one"},
			{"X-Api-Key", "file-on"}, {"X-Api-Key", "# whose"}, {"Authorization", "Bearer "}} {
			res, text := i.request("GET", path, headers...)
			require.Equal(t, 401, res.StatusCode, "%s %v", path, headers)
			require.Equal(t, "Bearer", res.Header.Get("WWW-Authenticate"))
			if strings.HasPrefix(path, "/v1/") {
				require.Contains(t, text, `"type":"invalid_request_error","param":null,"code":"invalid_api_key"`)
			} else {
				require.Contains(t, text, `{"success":false,"error":"`)
			}
		}
	}
	accepted := func(headers ...string) bool {
		res, _ := i.request("GET", "/v1/models", headers...)
		return res.StatusCode == 200
	}
	for _, key := range []string{"flag-one", "file-one", "file-two"} {
		require.True(t, accepted("Authorization", "Bearer "+key))
		require.True(t, accepted("authorization", "bearer "+key))
		require.True(t, accepted("x-api-key", key))
		require.True(t, accepted("x-api-key", key, "Authorization", "Bearer another"))
	}

	write("file-three\n")
	require.NoError(t, i.options.Keys.Reload())
	require.True(t, accepted("x-api-key", "file-three"))
	require.True(t, accepted("x-api-key", "flag-one"))
	require.False(t, accepted("x-api-key", "file-one"))
	write("two words\n")
	require.ErrorContains(t, i.options.Keys.Reload(), "line 1")
	require.NoError(t, os.Remove(file))
	require.Error(t, i.options.Keys.Reload())
	require.True(t, accepted("x-api-key", "file-three"), "those in force stay")
	for _, key := range []string{"flag-one", "file-", "wrong", "another"} {
		require.NotContains(t, i.log.String(), key)
	}
}

// A file that has no key does not open the server.
func TestNoKeyInAFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "keys")
	require.NoError(t, os.WriteFile(file, []byte("# none\n"), 0o600))
	_, err := LoadKeys(&config.Config{APIKeyFile: file})
	require.ErrorContains(t, err, "has none")
	keys, err := LoadKeys(&config.Config{})
	require.NoError(t, err)
	require.Nil(t, keys)
}

func TestWarningWithoutKeys(t *testing.T) {
	i := start(t, setup{config: func(c *config.Config) { c.Host = "0.0.0.0" }})
	i.request("GET", "/health")
	require.Contains(t, i.log.String(), "asks for no API key")
	i = start(t, setup{})
	i.request("GET", "/health")
	require.NotContains(t, i.log.String(), "API key")
	i = start(t, setup{config: func(c *config.Config) { c.Host, c.APIKeys = "0.0.0.0", []string{"k"} }})
	i.request("GET", "/health")
	require.NotContains(t, i.log.String(), "API key")
}

func TestCORS(t *testing.T) {
	listed := start(t, setup{config: func(c *config.Config) {
		c.CORSOrigins, c.APIKeys = []string{"https://chat.example", "http://*.lab.example:3000"}, []string{"k"}
	}})
	anyOrigin := start(t, setup{config: func(c *config.Config) { c.CORSOrigins = []string{"*"} }})
	none := start(t, setup{})
	open := start(t, setup{config: func(c *config.Config) { c.Host = "0.0.0.0" }})

	for _, c := range []struct {
		i                  *instance
		origin             string
		status             int    // of a preflight
		allow, credentials string // its answer
		actual             int    // status of GET /v1/models, without a key
	}{
		{listed, "https://chat.example", 204, "https://chat.example", "true", 401},
		{listed, "http://a.lab.example:3000", 204, "http://a.lab.example:3000", "true", 401},
		{listed, "https://chat.example.evil", 403, "", "", 403},
		{listed, "https://evil.example", 403, "", "", 403},
		{listed, "null", 403, "", "", 403},
		{anyOrigin, "https://evil.example", 204, "*", "", 200},
		{none, "https://chat.example", 403, "", "", 403},
		{none, "http://localhost:3000", 405, "", "", 200},
		{open, "https://chat.example", 405, "", "", 200},
	} {
		res, _ := c.i.request("OPTIONS", "/v1/chat/completions", "Origin", c.origin,
			"Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "authorization,content-type,x-stainless-os")
		require.Equal(t, c.status, res.StatusCode, c.origin)
		require.Equal(t, c.allow, res.Header.Get("Access-Control-Allow-Origin"), c.origin)
		require.Equal(t, c.credentials, res.Header.Get("Access-Control-Allow-Credentials"), c.origin)
		if c.allow != "" {
			require.Equal(t, "authorization,content-type,x-stainless-os", res.Header.Get("Access-Control-Allow-Headers"))
			require.Equal(t, "POST", res.Header.Get("Access-Control-Allow-Methods"))
		}
		res, _ = c.i.request("GET", "/v1/models", "Origin", c.origin)
		require.Equal(t, c.actual, res.StatusCode, c.origin)
		require.Equal(t, c.allow, res.Header.Get("Access-Control-Allow-Origin"), "an error can be read too: %s", c.origin)
	}
	res, _ := listed.request("GET", "/v1/models", "Origin", "https://chat.example", "Authorization", "Bearer k")
	require.Equal(t, 200, res.StatusCode)
	require.Contains(t, res.Header.Values("Vary"), "Origin")
	res, _ = anyOrigin.request("GET", "/v1/models", "Origin", "https://evil.example", "Host", "evil.example")
	require.Equal(t, 403, res.StatusCode, "any origin is not any Host")
}
