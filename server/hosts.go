package server

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"cllm/server/api"
)

// hosts are the names by which the server may be asked. Checking them keeps
// out web pages whose requests were smuggled in by DNS rebinding or come from
// another origin.
type hosts struct {
	checked bool     // a server for this machine alone, or with a list
	allowed []string // beside this machine's own
}

// newHosts makes the check for a server that listens on an address. allowed
// may be "*", for any.
func newHosts(address string, allowed []string) hosts {
	if slices.Contains(allowed, "*") {
		return hosts{}
	}
	return hosts{isLoopback(address) || len(allowed) > 0, allowed}
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
		if err != nil || !h.known(u.Host) {
			return forbidden("Origin", origin)
		}
	}
	return nil
}

func forbidden(header, value string) *api.Error {
	return &api.Error{Kind: api.Forbidden, Text: fmt.Sprintf("%s %q is not this machine", header, value),
		Advice: "behind a proxy, name the hosts that it passes on: --allowed-hosts"}
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
