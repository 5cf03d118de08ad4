package server

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/rs/cors"

	"cllm/config"
	"cllm/server/api"
)

// hosts are the names by which the server may be asked. Checking them keeps
// out web pages whose requests were smuggled in by DNS rebinding or come from
// another origin.
type hosts struct {
	checked bool     // a server for this machine alone, or with a list
	allowed []string // beside this machine's own
	// origins lets web pages of some origins in; nil: none beside the hosts'.
	origins *cors.Cors
}

// newHosts makes the check for a server.
func newHosts(c *config.Config) hosts {
	h := hosts{checked: isLoopback(c.Host) || len(c.AllowedHosts) > 0, allowed: c.AllowedHosts}
	if slices.Contains(c.AllowedHosts, "*") {
		h.checked = false
	}
	if len(c.CORSOrigins) > 0 {
		h.origins = cors.New(cors.Options{
			AllowedOrigins: c.CORSOrigins,
			AllowedMethods: []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodDelete},
			AllowedHeaders: []string{"*"},
			ExposedHeaders: []string{"Retry-After", "X-Should-Retry"},
			// Any origin with the user's cookies would be any page in the user's name.
			AllowCredentials:    !slices.Contains(c.CORSOrigins, "*"),
			AllowPrivateNetwork: true,
			MaxAge:              int(time.Hour / time.Second),
		})
	}
	return h
}

// share answers what browsers ask before they send a page's request, and lets
// the pages of listed origins read the answer to it.
func (h hosts) share(w http.ResponseWriter, r *http.Request, next http.HandlerFunc) {
	if h.origins == nil {
		next(w, r)
		return
	}
	h.origins.ServeHTTP(w, r, next)
}

// check returns an error for a request that names another host. One without a
// Host is no browser's: HTTP/1.0 needs none.
func (h hosts) check(r *http.Request) error {
	if !h.checked {
		return nil
	}
	if r.Host != "" && !h.known(r.Host) {
		return forbidden("Host", hostName(r.Host))
	}
	if origin := r.Header.Get("Origin"); origin != "" {
		u, err := url.Parse(origin)
		listed := h.origins != nil && h.origins.OriginAllowed(r)
		if !listed && (err != nil || !h.known(u.Host)) {
			return forbidden("Origin", origin)
		}
	}
	return nil
}

func forbidden(header, value string) *api.Error {
	return &api.Error{Kind: api.Forbidden, Text: fmt.Sprintf("%s %q is not this machine", header, value),
		Advice: "behind a proxy, name the hosts that it passes on: --allowed-hosts; for web pages of other origins, --cors-origins"}
}

func (h hosts) known(host string) bool {
	return isLoopback(host) || slices.ContainsFunc(h.allowed, func(name string) bool {
		return strings.EqualFold(hostName(name), hostName(host))
	})
}

// hostName is a host without its port, the brackets of an IPv6 address and the
// dot at the end.
func hostName(host string) string {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	return strings.TrimSuffix(strings.TrimPrefix(strings.TrimSuffix(host, "]"), "["), ".")
}

// isLoopback says whether a host, with or without a port, is this machine.
func isLoopback(host string) bool {
	host = hostName(host)
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}
