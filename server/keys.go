package server

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"

	"cllm/config"
	"cllm/server/api"
)

// Keys are the API keys of which a request must bring one. They are kept as
// hashes, and can be exchanged while the server runs.
type Keys struct {
	config *config.Config
	hashes atomic.Pointer[[]keyHash]
}

type keyHash [sha256.Size]byte

// LoadKeys reads the keys of a configuration; nil when it has none.
func LoadKeys(c *config.Config) (*Keys, error) {
	if len(c.APIKeys) == 0 && c.APIKeyFile == "" {
		return nil, nil
	}
	k := &Keys{config: c}
	return k, k.Reload()
}

// Reload reads the file of keys again. On an error those in force stay.
func (k *Keys) Reload() error {
	if k == nil {
		return nil
	}
	keys, err := k.config.Keys()
	if err != nil {
		return err
	}
	hashes := make([]keyHash, len(keys))
	for i, key := range keys {
		hashes[i] = sha256.Sum256([]byte(key))
	}
	k.hashes.Store(&hashes)
	return nil
}

// openPaths need no key: programs that watch over the server have none.
var openPaths = []string{"/", "/health", "/health/live"}

// check returns the request with its caller, or an error when it brings no key
// that is known. How long it takes says nothing of the keys.
func (k *Keys) check(r *http.Request) (*http.Request, error) {
	if k == nil || slices.Contains(openPaths, r.URL.Path) {
		return r, nil
	}
	given := keysOf(r.Header)
	if len(given) == 0 {
		return nil, &api.Error{Kind: api.Unauthorized, Text: "an API key is missing",
			Advice: "send it as Authorization: Bearer KEY, or as x-api-key"}
	}
	for _, key := range given {
		if hash := keyHash(sha256.Sum256([]byte(key))); k.known(hash) {
			return r.WithContext(context.WithValue(r.Context(), api.CallerKey{}, api.Caller(hash))), nil
		}
	}
	return nil, &api.Error{Kind: api.Unauthorized, Text: "the API key is not known"}
}

func (k *Keys) known(hash keyHash) bool {
	found := 0
	for _, own := range *k.hashes.Load() {
		found |= subtle.ConstantTimeCompare(own[:], hash[:])
	}
	return found == 1
}

// keysOf are the keys that a request brings. Some clients send both headers,
// one of them for somebody else.
func keysOf(h http.Header) (list []string) {
	if scheme, key, ok := strings.Cut(h.Get("Authorization"), " "); ok && strings.EqualFold(scheme, "Bearer") {
		list = append(list, strings.TrimSpace(key))
	}
	if key := h.Get("X-Api-Key"); key != "" {
		list = append(list, key)
	}
	return list
}
