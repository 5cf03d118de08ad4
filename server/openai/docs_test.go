package openai

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

	"cllm/chat"
	"cllm/runtime"
	"cllm/server/api"
	"cllm/server/fields"
)

// fieldRecorder is a server that notes which fields its dialect asks for, and
// goes no further.
type fieldRecorder struct {
	api.Server
	body *fields.Object
}

var errRecorded = errors.New("recorded")

func (r *fieldRecorder) ReadBody(http.ResponseWriter, *http.Request) (*api.Body, error) {
	r.body = fields.Parse([]byte(`{}`))
	return &api.Body{Object: r.body, Release: func() {}}, nil
}

func (r *fieldRecorder) Chat() (*chat.Template, error) { return nil, nil }

func (r *fieldRecorder) Generate(context.Context, *api.Request) (api.Stream, error) {
	return nil, errRecorded
}

func (r *fieldRecorder) NewID() string { return strings.Repeat("0", 32) }

func (r *fieldRecorder) Facts() api.Facts {
	return api.Facts{Context: 100, Limits: runtime.Options{Parallel: 1}}
}

// fieldTables are the names in the first cells of the rows under each heading
// of docs/openai.md.
func fieldTables(t *testing.T) map[string][]string {
	text, err := os.ReadFile("../../docs/openai.md")
	require.NoError(t, err)
	name := regexp.MustCompile("`([^`]+)`")
	rows, heading := map[string][]string{}, ""
	for line := range strings.Lines(string(text)) {
		if title, ok := strings.CutPrefix(line, "## "); ok {
			heading = strings.Trim(strings.TrimSpace(title), "`")
		} else if strings.HasPrefix(line, "| `") {
			for _, m := range name.FindAllStringSubmatch(strings.Split(line, "|")[1], -1) {
				rows[heading] = append(rows[heading], m[1])
			}
		}
	}
	return rows
}

// The documentation has each field that is read, and no other.
func TestDocumentation(t *testing.T) {
	rows := fieldTables(t)
	r := &fieldRecorder{}
	for _, route := range New(r).Routes {
		name := route.Method + " " + route.Path
		if _, ok := rows[name]; !ok {
			require.True(t, route.Method != http.MethodPost || strings.HasSuffix(route.Path, "/input_tokens"), "docs/openai.md does not have "+name)
			continue
		}
		require.Error(t, route.Handle(httptest.NewRecorder(), httptest.NewRequest(route.Method, route.Path, nil)))
		known := slices.Clone(r.body.Known())
		slices.Sort(known)
		documented := rows[name]
		slices.Sort(documented)
		require.Equal(t, slices.Compact(known), documented, name)
	}
}
