package server

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/gorilla/mux"

	"cllm/server/api"
)

// Routes are those of all dialects.
func (s *Server) Routes() []api.Route {
	var all []api.Route
	for _, d := range s.dialects {
		all = append(all, d.Routes...)
	}
	return all
}

// Handler routes requests to the dialects.
func (s *Server) Handler() http.Handler {
	m := mux.NewRouter().SkipClean(true) // nobody is sent elsewhere
	for _, d := range s.dialects {
		for _, r := range d.Routes {
			handle := func(w http.ResponseWriter, req *http.Request) {
				if err := r.Handle(w, req); err != nil {
					s.writeError(w, req, d, err)
				}
			}
			for _, path := range append([]string{r.Path}, r.Also...) {
				m.HandleFunc(path, handle).Methods(methods(r)...)
			}
		}
	}
	m.NotFoundHandler = s.refusal(func(r *http.Request) *api.Error {
		return &api.Error{Kind: api.NotFound, Text: "no such endpoint: " + r.URL.Path, Advice: "GET / lists the endpoints"}
	})
	m.MethodNotAllowedHandler = s.refusal(func(r *http.Request) *api.Error {
		allow := strings.Join(s.allowed(m, r), ", ")
		return &api.Error{Kind: api.MethodNotAllowed, Text: fmt.Sprintf("%s is not for %s, use %s", r.Method, r.URL.Path, allow), Allow: allow}
	})
	return s.wrap(m)
}

// methods are those that a route takes.
func methods(r api.Route) []string {
	if r.Method == http.MethodGet {
		return []string{http.MethodGet, http.MethodHead}
	}
	return []string{r.Method}
}

// allowed are the methods that a path has routes for.
func (s *Server) allowed(m *mux.Router, r *http.Request) []string {
	var list []string
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		other := r.Clone(r.Context())
		other.Method = method
		if match := (mux.RouteMatch{}); m.Match(other, &match) && match.MatchErr == nil {
			list = append(list, method)
		}
	}
	return list
}

// refusal answers in the dialect that the path is of.
func (s *Server) refusal(why func(r *http.Request) *api.Error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.writeError(w, r, s.dialectOf(r.URL.Path), why(r))
	})
}

// dialectOf finds the dialect that answers for a path which may have no route:
// the one with a route of this path, or else with the longest prefix.
func (s *Server) dialectOf(path string) *api.Dialect {
	best, longest := s.dialects[0], -1
	for _, d := range s.dialects {
		for _, r := range d.Routes {
			if r.Path == path || slices.Contains(r.Also, path) {
				return d
			}
		}
		for _, prefix := range d.Prefixes {
			if strings.HasPrefix(path, prefix) && len(prefix) > longest {
				best, longest = d, len(prefix)
			}
		}
	}
	return best
}

// collapseSlashes makes one slash of several. Clients whose base address ends
// in one ask for //generate; to redirect them would turn their POST into a GET.
func collapseSlashes(path string) string {
	for strings.Contains(path, "//") {
		path = strings.ReplaceAll(path, "//", "/")
	}
	return path
}
