package jinja

import (
	"encoding/json"
	"html"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// goldenTemplate is a template of scripts/record_templates.py, and what Jinja2
// made of it for each conversation.
type goldenTemplate struct {
	Name, Template, Error string
	Tokens                map[string]string
	Answers               []struct {
		Text  *string
		Error string
	}
}

// conversation is one of testdata/chat/conversations.json.
type conversation struct {
	Name                string
	Messages, Tools     json.RawMessage
	AddGenerationPrompt *bool `json:"add_generation_prompt"`
	Kwargs              map[string]json.RawMessage
}

func conversations(t testing.TB) []conversation {
	raw, err := os.ReadFile("../../testdata/chat/conversations.json")
	require.NoError(t, err)
	var list []conversation
	require.NoError(t, json.Unmarshal(raw, &list))
	return list
}

func goldenTemplates(t testing.TB) []goldenTemplate {
	folder := os.Getenv("CLLM_TEST_MODELS")
	if folder == "" {
		t.Skip("CLLM_TEST_MODELS names no folder of models")
	}
	raw, err := os.ReadFile(filepath.Join(folder, "templates.json"))
	require.NoError(t, err, "scripts/record_templates.py makes it")
	var list []goldenTemplate
	require.NoError(t, json.Unmarshal(raw, &list))
	require.NotEmpty(t, list)
	return list
}

func (c *conversation) vars(t testing.TB, tokens map[string]string) map[string]any {
	value := func(raw json.RawMessage) any {
		if raw == nil {
			return nil
		}
		v, err := FromJSON(raw)
		require.NoError(t, err)
		return v
	}
	vars := map[string]any{"messages": value(c.Messages), "tools": value(c.Tools), "documents": nil,
		"add_generation_prompt": c.AddGenerationPrompt == nil || *c.AddGenerationPrompt}
	for k, v := range tokens {
		vars[k] = Trusted(v)
	}
	for k, v := range c.Kwargs {
		vars[k] = value(v)
	}
	return vars
}

var goldenNow = func() time.Time { return time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC) }

// Every public template at hand gives what Jinja2 gives, or fails where that
// fails.
func TestGoldenTemplates(t *testing.T) {
	list := conversations(t)
	for _, g := range goldenTemplates(t) {
		t.Run(g.Name, func(t *testing.T) {
			tmpl, err := Parse(g.Template)
			if g.Error != "" {
				require.Error(t, err)
				return
			}
			require.NoError(t, err)
			again, err := Parse(tmpl.String())
			require.NoError(t, err, "%s", tmpl)
			require.Equal(t, tmpl.String(), again.String())
			for i, want := range g.Answers {
				for _, tmpl := range []*Template{tmpl, again} {
					got, err := tmpl.Execute(list[i].vars(t, g.Tokens), Options{Now: goldenNow})
					if strings.Contains(want.Error, "No filter named 'from_json'") {
						continue // we have it
					}
					if want.Text == nil {
						require.Error(t, err, "%s: Jinja2 says %s, here it is %q", list[i].Name, want.Error, got)
						continue
					}
					require.NoError(t, err, list[i].Name)
					text := *want.Text
					if strings.Contains(g.Template, "|safe +") {
						// Jinja2 makes a Markup of it, which escapes what is added. Nothing
						// that a model reads is HTML, so here safe changes nothing.
						text = html.UnescapeString(text)
					}
					require.Equal(t, text, got.String(), list[i].Name)
				}
			}
		})
	}
}
