package cllm

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"cllm/config"
	"cllm/runtime"
	"cllm/server/api"
	"cllm/server/fields"
)

// recorder is a server that notes which fields its dialect asks for, and goes
// no further.
type recorder struct {
	api.Server
	body *fields.Object
}

var errRecorded = errors.New("recorded")

func (r *recorder) ReadBody(http.ResponseWriter, *http.Request) (*api.Body, error) {
	r.body = fields.Parse([]byte(`{}`))
	return &api.Body{Object: r.body, Release: func() {}}, nil
}

func (r *recorder) Tokenize(context.Context, string, bool) ([]int32, error) {
	return nil, errRecorded
}

func (r *recorder) TokenizePrompt(context.Context, *api.Request) error { return errRecorded }

func (r *recorder) Generate(context.Context, *api.Request) (api.Stream, error) {
	return nil, errRecorded
}

func (r *recorder) NewID() string { return "" }

func (r *recorder) Facts() api.Facts {
	return api.Facts{Context: 100, Limits: runtime.Options{Parallel: 1}}
}

func (r *recorder) Config() *config.Config {
	c := config.Default()
	return &c
}

// tables are the first cells of the rows under each heading of docs/http.md.
func tables(t *testing.T) map[string][]string {
	text, err := os.ReadFile("../../docs/http.md")
	require.NoError(t, err)
	cell := regexp.MustCompile("^\\| `([^`]+)` \\|")
	rows, heading := map[string][]string{}, ""
	for line := range strings.Lines(string(text)) {
		if title, ok := strings.CutPrefix(line, "## "); ok {
			heading = strings.Trim(strings.TrimSpace(title), "`")
		} else if m := cell.FindStringSubmatch(line); m != nil {
			rows[heading] = append(rows[heading], m[1])
		}
	}
	return rows
}

// The documentation has each route and each field that is read, and no other,
// in the order in which they are read.
func TestDocumentation(t *testing.T) {
	rows := tables(t)
	r := &recorder{}
	var routes []string
	for _, route := range New(r).Routes {
		name := route.Method + " " + route.Path
		routes = append(routes, name)
		if route.Method != http.MethodPost {
			continue
		}
		require.Error(t, route.Handle(httptest.NewRecorder(), httptest.NewRequest(route.Method, route.Path, nil)))
		require.NotEmpty(t, r.body.Known(), name)
		if name == "POST /generate_stream" {
			name = "POST /generate"
		}
		require.Equal(t, rows[name], slices.Compact(r.body.Known()), name)
	}
	require.Equal(t, rows["Routes"], routes)
}
