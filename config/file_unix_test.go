//go:build unix

package config

import (
	"bytes"
	"fmt"
	"golang.org/x/sys/unix"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A configuration may come through a pipe, and not from what has no end.
func TestConfigurationOfNoRegularFile(t *testing.T) {
	r, w, err := os.Pipe()
	require.NoError(t, err)
	defer r.Close()
	_, err = w.WriteString("server: {port: 1001}")
	require.NoError(t, err)
	require.NoError(t, w.Close())
	c, _, err := Load(fmt.Sprintf("/dev/fd/%d", r.Fd()), os.LookupEnv, nil)
	require.NoError(t, err)
	require.Equal(t, 1001, c.Port)

	_, _, err = Load("/dev/zero", os.LookupEnv, nil)
	require.ErrorContains(t, err, "/dev/zero: more than 65536 bytes")
}

// notRotated writes more than the limit and requires that the path is what it
// was, and alone.
func notRotated(t *testing.T, path string) {
	before, err := os.Lstat(path)
	require.NoError(t, err)
	l, lost := testLog(t, path, 100, 2)
	write(t, l, 0, 1, 2, 3, 4, 5)
	require.Empty(t, lost.String())
	after, err := os.Lstat(path)
	require.NoError(t, err)
	require.True(t, os.SameFile(before, after))
	files, err := filepath.Glob(path + "*")
	require.NoError(t, err)
	require.Equal(t, []string{path}, files)
}

func TestLogToADevice(t *testing.T) {
	link := filepath.Join(t.TempDir(), "log")
	require.NoError(t, os.Symlink("/dev/null", link))
	notRotated(t, link)

	device := filepath.Join(t.TempDir(), "device")
	if err := unix.Mknod(device, unix.S_IFCHR|0o600, int(unix.Mkdev(1, 3))); err != nil {
		t.Logf("a device cannot be made here: %v", err)
		return
	}
	notRotated(t, device)
}

// A device that takes nothing: the records are on standard error.
func TestLogToAFullDevice(t *testing.T) {
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("there is none")
	}
	l, lost := testLog(t, "/dev/full", 100, 2)
	write(t, l, 1, 2)
	require.Equal(t, line(1)+line(2), lost.String())
}

func TestLogToAPipe(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fifo")
	require.NoError(t, unix.Mkfifo(path, 0o600))
	start := time.Now()
	_, err := openLog(path, 100, 2)
	require.ErrorContains(t, err, "a pipe without a reader")
	require.Less(t, time.Since(start), 5*time.Second)

	read := func() *os.File {
		r, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
		require.NoError(t, err)
		return r
	}
	got := func(r *os.File, want string) {
		text := make([]byte, len(want))
		_, err := io.ReadFull(r, text)
		require.NoError(t, err)
		require.Equal(t, want, string(text))
	}
	r := read()
	l, lost := testLog(t, path, 100, 2)
	write(t, l, 0, 1, 2, 3)
	got(r, line(0)+line(1)+line(2)+line(3))
	require.NoError(t, r.Close())

	write(t, l, 4, 5)
	require.Equal(t, line(4)+line(5), lost.String(), "while nobody reads")
	r = read()
	defer r.Close()
	write(t, l, 6)
	got(r, line(6))

	// A reader that sleeps holds nobody.
	start = time.Now()
	l.pause, l.writing = 1<<40, 50*time.Millisecond
	lost.Reset()
	record := bytes.Repeat([]byte("y"), 4096)
	for range 64 {
		_, err := l.Write(record)
		require.NoError(t, err)
	}
	require.NotEmpty(t, lost.String())
	require.Less(t, time.Since(start), 5*time.Second)
	info, err := os.Lstat(path)
	require.NoError(t, err)
	require.Equal(t, os.ModeNamedPipe, info.Mode().Type())
}

// The standard streams are written to as they are, by every name they have: a
// pipe, a socket, a file that the shell opened.
func TestLogToStandardStreams(t *testing.T) {
	stdout, stderr := os.Stdout, os.Stderr
	defer func() { os.Stdout, os.Stderr = stdout, stderr }()
	link := filepath.Join(t.TempDir(), "cllm.log")
	require.NoError(t, os.Symlink("/dev/stdout", link))
	for _, path := range []string{"/dev/stdout", "/dev/stderr", "/dev/fd/1", "/dev/fd/2", "/proc/self/fd/1", link} {
		r, w, err := os.Pipe()
		require.NoError(t, err)
		os.Stdout, os.Stderr = w, w
		c := Default()
		c.LogFile, c.LogMaxSizeMB = path, 1
		log, closer, err := c.Logger()
		require.NoError(t, err, path)
		log.Info("here")
		require.NoError(t, closer.Reopen())
		require.NoError(t, closer.Close())
		_, err = w.WriteString("still open\n")
		require.NoError(t, err)
		require.NoError(t, w.Close())
		text, err := io.ReadAll(r)
		require.NoError(t, err)
		require.Contains(t, string(text), "msg=here\nstill open\n")
		require.NoError(t, r.Close())
	}
}

// A descriptor belongs to who opened it, a regular file behind it too.
func TestLogToADescriptor(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out")
	f, err := os.Create(path)
	require.NoError(t, err)
	defer f.Close()
	l, _ := testLog(t, fmt.Sprintf("/dev/fd/%d", f.Fd()), 100, 2)
	write(t, l, 0, 1, 2, 3)
	require.Equal(t, "0123", records(t, path))
}

// A link stays; what it leads to is rotated, in its own folder.
func TestLogBehindALink(t *testing.T) {
	real := filepath.Join(t.TempDir(), "real.log")
	path := filepath.Join(t.TempDir(), "cllm.log")
	// Before its target, as they are made for containers.
	require.NoError(t, os.Symlink(real, path))
	l, _ := testLog(t, path, 100, 2)
	write(t, l, 0, 1, 2)
	require.Equal(t, "2", records(t, real))
	require.Equal(t, "01", records(t, real+".1"))
	target, err := os.Readlink(path)
	require.NoError(t, err)
	require.Equal(t, real, target)
}
