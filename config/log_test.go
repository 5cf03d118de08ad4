package config

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestLogRotates(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cllm.log")
	f, err := openLog(path, 100, 2)
	require.NoError(t, err)
	line := strings.Repeat("x", 39) + "\n"
	for i := range 9 {
		_, err := fmt.Fprintf(f, "%d%s", i, line)
		require.NoError(t, err)
	}
	require.NoError(t, f.Close())
	files, err := filepath.Glob(path + "*")
	require.NoError(t, err)
	require.Equal(t, []string{path, path + ".1", path + ".2"}, files, "two old files are kept")
	for name, first := range map[string]string{path: "8", path + ".1": "6", path + ".2": "4"} {
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		require.Equal(t, first, string(text[:1]), name)
		require.LessOrEqual(t, len(text), 100)
	}
}

func TestLogGoesOnInTheFile(t *testing.T) {
	c := Default()
	c.LogFile, c.LogLevel = filepath.Join(t.TempDir(), "cllm.log"), "warning"
	for range 2 {
		log, closer, err := c.Logger()
		require.NoError(t, err)
		log.Info("not this")
		log.Warn("this", "n", 1)
		require.NoError(t, closer.Close())
	}
	text, err := os.ReadFile(c.LogFile)
	require.NoError(t, err)
	require.Equal(t, 2, strings.Count(string(text), "level=WARN msg=this n=1\n"))
	require.NotContains(t, string(text), "not this")

	c.LogFile = filepath.Join(c.LogFile, "x")
	_, _, err = c.Logger()
	require.ErrorContains(t, err, "log file")
}
