// Package cllm is the dialect of cLLM, the server that this project replaces:
// {"success":true,"data":…} and {"success":false,"error":…}.
package cllm

import (
	"net/http"
	"sync/atomic"

	"cllm/server/api"
	"cllm/server/openapi"
	"cllm/server/wire"
)

// dialect answers in cLLM's dialect.
type dialect struct {
	api.Server
	benchmarking atomic.Bool // one runs
}

// New makes the dialect.
func New(s api.Server) *api.Dialect {
	d := &dialect{Server: s}
	routes := []api.Route{
		{Method: "GET", Path: "/", Description: "this list", Handle: d.index},
		{Method: "GET", Path: "/openapi.json", Description: "all routes, as OpenAPI has them", Handle: d.openapi},
		{Method: "GET", Path: "/health", Description: "whether requests are answered; ?level=detailed or full for more", Handle: d.health},
		{Method: "GET", Path: "/health/live", Description: "whether the process can go on: only a failing engine says no", Handle: d.live},
		{Method: "GET", Path: "/model/info", Description: "the loaded model", Handle: d.modelInfo},
		{Method: "POST", Path: "/generate", Description: "continue a prompt; with stream:true as server-sent events", Handle: d.generate},
		{Method: "POST", Path: "/generate_stream", Description: "continue a prompt as server-sent events", Handle: d.generateStream},
		{Method: "POST", Path: "/encode", Description: "the tokens of a text", Handle: d.encode},
		{Method: "POST", Path: "/decode", Description: "the text of tokens", Handle: d.decode},
	}
	if s.Config().Benchmark {
		routes = append(routes, api.Route{Method: "POST", Path: "/benchmark", Description: "generate under load and report", Handle: d.benchmark})
	}
	return &api.Dialect{Name: "cllm", Routes: routes, WriteError: writeError}
}

// succeed answers with {"success":true,"data":…}.
func succeed(w http.ResponseWriter, data any) error {
	return wire.WriteJSON(w, http.StatusOK, struct {
		Success bool `json:"success"`
		Data    any  `json:"data"`
	}{true, data})
}

// writeError answers with {"success":false,"error":…}.
func writeError(w http.ResponseWriter, e *api.Error) {
	e.SetHeaders(w.Header())
	_ = wire.WriteJSON(w, status(e.Kind), struct { // an error means that the client left
		Success    bool   `json:"success"`
		Error      string `json:"error"`
		Message    string `json:"message,omitempty"`
		RetryAfter int    `json:"retry_after,omitempty"`
	}{Error: errorText(e), Message: e.Advice, RetryAfter: e.RetryAfter})
}

// status of a generation that took too long is 408, as cLLM's callers know it.
func status(k api.Kind) int {
	if k == api.Timeout {
		return http.StatusRequestTimeout
	}
	return k.Status()
}

// errorText is what is wrong; what is the server's fault is in its log.
func errorText(e *api.Error) string {
	if e.ID != "" {
		return e.Text + ", the log has it as " + e.ID
	}
	return e.Text
}

func (d *dialect) index(w http.ResponseWriter, _ *http.Request) error {
	type endpoint struct {
		Method      string `json:"method"`
		Path        string `json:"path"`
		Description string `json:"description"`
	}
	var endpoints []endpoint
	for _, r := range d.Routes() {
		endpoints = append(endpoints, endpoint{r.Method, r.Path, r.Description})
	}
	return succeed(w, map[string]any{"name": "cllm", "version": d.Facts().Version, "endpoints": endpoints})
}

func (d *dialect) openapi(w http.ResponseWriter, _ *http.Request) error {
	return wire.Write(w, http.StatusOK, openapi.Document)
}
