package config

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// line is a record of 40 bytes that begins with n.
func line(n int) string { return fmt.Sprintf("%d%s\n", n, strings.Repeat("x", 38)) }

// testLog is a log file that never pauses, and what it could not write.
func testLog(t *testing.T, path string, limit int64, keep int) (*LogFile, *bytes.Buffer) {
	l, err := openLog(path, limit, keep)
	require.NoError(t, err)
	lost := new(bytes.Buffer)
	l.pause, l.lost = 0, lost
	t.Cleanup(func() { l.Close() })
	return l, lost
}

func write(t *testing.T, l *LogFile, records ...int) {
	for _, n := range records {
		_, err := l.Write([]byte(line(n)))
		require.NoError(t, err)
	}
}

// records are the numbers of a file's records.
func records(t *testing.T, path string) (numbers string) {
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	for l := range strings.Lines(string(text)) {
		numbers += l[:1]
	}
	return numbers
}

func TestLogRotates(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cllm.log")
	l, lost := testLog(t, path, 100, 2)
	write(t, l, 0, 1, 2, 3, 4, 5, 6, 7, 8)
	files, err := filepath.Glob(path + "*")
	require.NoError(t, err)
	require.Equal(t, []string{path, path + ".1", path + ".2"}, files, "two old files are kept")
	require.Equal(t, []string{"8", "67", "45"}, []string{records(t, path), records(t, path+".1"), records(t, path+".2")})
	require.Empty(t, lost.String())
	require.NoError(t, l.Close())

	l, _ = testLog(t, path, 100, 0)
	write(t, l, 9, 1)
	require.Equal(t, "1", records(t, path), "none is kept")
}

// A rotation that fails loses nothing: the log goes on where it was, says so
// once, and rotates when it can.
func TestLogThatCannotRotate(t *testing.T) {
	for _, blocked := range []string{".0", ".1"} {
		t.Run(blocked, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "cllm.log")
			require.NoError(t, os.MkdirAll(filepath.Join(path+blocked, "full"), 0o700))
			l, lost := testLog(t, path, 100, 1)
			l.pause = 1 << 40 // one attempt
			write(t, l, 0, 1, 2, 3, 4)
			require.NotContains(t, lost.String(), "xxx")
			text, err := os.ReadFile(path)
			require.NoError(t, err)
			require.Equal(t, 1, strings.Count(string(text), "cannot be rotated and grows on"), string(text))
			require.Equal(t, 5, strings.Count(string(text), "xxx\n"), string(text))

			require.NoError(t, os.RemoveAll(path+blocked))
			l.pause = 0
			write(t, l, 5)
			require.Equal(t, "5", records(t, path))
		})
	}
}

// Older files stay when the newest cannot be renamed.
func TestShiftKeepsTheOlder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cllm.log")
	require.NoError(t, os.WriteFile(path+".1", []byte(line(1)), 0o600))
	require.NoError(t, os.WriteFile(path+".2", []byte(line(2)), 0o600))
	require.ErrorIs(t, shift(path, 3), os.ErrNotExist)
	require.Equal(t, "12", records(t, path+".1")+records(t, path+".2"))
}

func TestLogWhoseFolderVanishes(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "log")
	require.NoError(t, os.Mkdir(folder, 0o700))
	path := filepath.Join(folder, "cllm.log")
	l, lost := testLog(t, path, 100, 2)
	write(t, l, 0)
	if runtime.GOOS == "windows" {
		require.NoError(t, l.open.close()) // a folder with open files stays
	}
	require.NoError(t, os.RemoveAll(folder))
	write(t, l, 1, 2, 3)
	require.Equal(t, 1, strings.Count(lost.String(), "the log goes to standard error until its file can be opened"), lost)
	for n := 1; n <= 3; n++ {
		require.Contains(t, lost.String(), line(n))
	}
	require.NoError(t, os.Mkdir(folder, 0o700))
	lost.Reset()
	write(t, l, 4)
	require.Equal(t, "4", records(t, path))
	require.Empty(t, lost.String())
}

// What renames log files by itself, and says so or not.
func TestLogThatOthersRename(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cllm.log")
	l, _ := testLog(t, path, 1000, 2)
	write(t, l, 0)
	require.NoError(t, os.Rename(path, path+".old"))
	write(t, l, 1)
	require.Equal(t, "1", records(t, path))

	l.pause = 1 << 40
	require.NoError(t, os.Rename(path, path+".older"))
	write(t, l, 2)
	require.NoError(t, l.Reopen())
	write(t, l, 3)
	require.Equal(t, []string{"0", "12", "3"}, []string{records(t, path+".old"), records(t, path+".older"), records(t, path)})

	require.NoError(t, os.Rename(path, path+".oldest"))
	require.NoError(t, os.Mkdir(path, 0o700))
	require.Error(t, l.Reopen())
	write(t, l, 4)
}

// Two processes may have one file.
func TestLogOfTwo(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cllm.log")
	a, _ := testLog(t, path, 100, 5)
	b, _ := testLog(t, path, 100, 5)
	for n := range 5 {
		write(t, a, 2*n%10)
		write(t, b, (2*n+1)%10)
	}
	var all string
	files, err := filepath.Glob(path + "*")
	require.NoError(t, err)
	for _, f := range files {
		all += records(t, f)
	}
	require.Len(t, all, 10)
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

	for _, path := range []string{filepath.Join(c.LogFile, "x"), t.TempDir(), filepath.Join(t.TempDir(), "none", "x")} {
		c.LogFile = path
		_, _, err = c.Logger()
		require.ErrorContains(t, err, "log file", path)
	}
}
