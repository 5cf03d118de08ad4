package config

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// docsRow is a row of a table of docs/configuration.md.
type docsRow struct {
	text              string
	keys, envs, flags []string
	smallest          bool // of the keys wins, not the first
	standard          string
}

var quoted = regexp.MustCompile("`([^`]*)`")

// names lists what stands between backticks.
func names(text string) []string {
	var all []string
	for _, m := range quoted.FindAllStringSubmatch(text, -1) {
		all = append(all, m[1])
	}
	return all
}

// documentation reads the tables of settings, and the text after them.
func documentation(t *testing.T) (rows []docsRow, rest string) {
	text, err := os.ReadFile("../docs/configuration.md")
	require.NoError(t, err)
	var columns []string
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		inner, ok := strings.CutPrefix(line, "|")
		if !ok {
			columns = nil
			rest += line + "\n"
			continue
		}
		var cells []string
		for cell := range strings.SplitSeq(strings.TrimSuffix(inner, "|"), "|") {
			cells = append(cells, strings.TrimSpace(cell))
		}
		if columns == nil {
			columns = cells
			continue
		}
		if strings.HasPrefix(line, "|---") {
			continue
		}
		require.Len(t, cells, len(columns), line)
		r := docsRow{text: line}
		for i, cell := range cells {
			switch columns[i] {
			case "file":
				r.keys, r.smallest = names(cell), strings.HasPrefix(cell, "smallest of ")
			case "environment":
				r.envs = names(cell)
			case "flag":
				r.flags = names(cell)
			case "default":
				r.standard = cell
			}
		}
		rows = append(rows, r)
	}
	return rows, rest
}

// Each row of the documentation says what the table of settings does: the
// names in each layer, which of them wins, and the default.
func TestDocumentationOfSettings(t *testing.T) {
	rows, rest := documentation(t)
	documented := map[string]bool{}
	for _, r := range rows {
		var envs, flags []string
		var settings []*Setting
		for _, key := range r.keys {
			s := find(key)
			require.NotNil(t, s, "no setting %s: %s", key, r.text)
			require.False(t, documented[key], "%s is documented twice", key)
			documented[key] = true
			settings = append(settings, s)
			if s.Env != "" {
				envs = append(envs, s.Env)
			}
			for _, name := range []string{s.Flag, s.Alias} {
				if name != "" {
					flags = append(flags, "--"+name)
				}
			}
			if s.Short != "" {
				flags = append(flags, "-"+s.Short)
			}
		}
		require.NotEmpty(t, settings, r.text)
		require.ElementsMatch(t, envs, r.envs, r.text)
		require.ElementsMatch(t, flags, r.flags, r.text)
		requireDefault(t, settings[0], r)
		requireOrder(t, settings, r)
	}
	for _, s := range Settings {
		if documented[s.Key] {
			continue
		}
		paragraph := "Only one value fits"
		if s.Ignored != "" {
			paragraph = "No meaning here"
		}
		_, after, ok := strings.Cut(rest, paragraph)
		require.True(t, ok, paragraph)
		after, _, _ = strings.Cut(after, "\n\n")
		require.Contains(t, names(after), s.Key, paragraph)
		require.Empty(t, s.Env+s.Flag, s.Key)
	}
	for _, paragraph := range []string{"Only one value fits", "No meaning here"} {
		_, after, _ := strings.Cut(rest, paragraph)
		after, _, _ = strings.Cut(after, "\n\n")
		for _, name := range names(after) {
			require.True(t, !strings.Contains(name, ".") || find(name) != nil, "no setting %s: %s", name, paragraph)
		}
	}
}

// requireDefault gives the setting the default of its row, which must change
// nothing.
func requireDefault(t *testing.T, s *Setting, r docsRow) {
	if slices.Contains([]string{"none", "the built-in demo model", "stderr", "none: the prompt is required"}, r.standard) {
		require.Equal(t, text, s.kind, r.text)
		return
	}
	c, _, err := load(t, s.Key+": "+r.standard, nil, nil)
	require.NoError(t, err, r.text)
	require.Equal(t, Default(), *c, r.text)
}

// requireOrder gives the keys of a row values two at a time, in a file.
func requireOrder(t *testing.T, settings []*Setting, r docsRow) {
	file := func(yaml string) Config {
		c, _, err := load(t, yaml, nil, nil)
		require.NoError(t, err, r.text)
		require.NotEqual(t, Default(), *c, r.text)
		return *c
	}
	small, large := ": 0.5\n", ": 0.75\n"
	if settings[0].kind == integer {
		small, large = ": 3\n", ": 5\n"
	}
	for i, s := range settings {
		for _, other := range settings[i+1:] {
			require.Equal(t, file(s.Key+small), file(other.Key+large+s.Key+small), r.text)
			if r.smallest {
				require.Equal(t, file(other.Key+small), file(other.Key+small+s.Key+large), r.text)
			} else {
				require.Equal(t, file(s.Key+large), file(other.Key+small+s.Key+large), r.text)
			}
		}
	}
}
