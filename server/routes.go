package server

import (
	"net/http"
	"strings"

	"github.com/gorilla/mux"
)

// route is one line of the list that GET / shows.
type route struct {
	Method      string `json:"method"`
	Path        string `json:"path"`
	Description string `json:"description"`
	handler     http.HandlerFunc
}

func (s *Server) routes() []route {
	return []route{
		{"GET", "/", "this list", s.index},
		{"GET", "/health", "state of the server; ?level=detailed or full for more", s.health},
		{"GET", "/model/info", "the loaded model", s.modelInfo},
		{"POST", "/generate", "continue a prompt; with stream:true as server-sent events", s.generate},
		{"POST", "/generate_stream", "continue a prompt as server-sent events", s.generateStream},
		{"POST", "/encode", "the tokens of a text", s.encode},
		{"POST", "/decode", "the text of tokens", s.decode},
		{"POST", "/benchmark", "generate under load and report", s.benchmark},
	}
}

// Handler routes requests to their handlers.
func (s *Server) Handler() http.Handler {
	m := mux.NewRouter()
	allowed := map[string][]string{}
	for _, r := range s.routes() {
		methods := []string{r.Method}
		if r.Method == http.MethodGet {
			methods = append(methods, http.MethodHead)
		}
		m.HandleFunc(r.Path, r.handler).Methods(methods...)
		allowed[r.Path] = append(allowed[r.Path], methods...)
	}
	m.NotFoundHandler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.fail(w, r, &failure{status: http.StatusNotFound, text: "no such endpoint: " + r.URL.Path,
			message: "GET / lists the endpoints"})
	})
	m.MethodNotAllowedHandler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		allow := strings.Join(allowed[r.URL.Path], ", ")
		w.Header().Set("Allow", allow)
		s.fail(w, r, &failure{status: http.StatusMethodNotAllowed, text: r.Method + " is not for " + r.URL.Path + ", use " + allow})
	})
	return s.wrap(m)
}

func (s *Server) index(w http.ResponseWriter, _ *http.Request) {
	succeed(w, map[string]any{"name": "cllm", "version": s.Version, "endpoints": s.routes()})
}
