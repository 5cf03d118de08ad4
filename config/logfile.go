package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// LogFile is what a log is written to. A regular file is renamed to path.1
// when it has grown to its limit; path.1 becomes path.2, and so on, until the
// last is dropped. Anything else is written to as it is. Whatever fails, the
// log goes on, at worst on standard error.
type LogFile struct {
	mu      sync.Mutex
	path    string // as it was given; "" is standard error
	limit   int64
	keep    int
	pause   time.Duration // between two looks at the path, and two attempts at what failed
	writing time.Duration // the most that a record waits for the reader of a pipe
	lost    io.Writer     // takes what the file does not

	open   *target // nil while it cannot be opened
	closed bool
	looked time.Time // at the path
	failed time.Time // to rotate
}

// target is an open log.
type target struct {
	*os.File
	info     os.FileInfo
	rotated  string // the path without links of a regular file; "" for anything else
	size     int64
	standard bool // a stream of the process, not ours to close
}

func openLog(path string, limit int64, keep int) (*LogFile, error) {
	l := &LogFile{path: path, limit: limit, keep: keep, pause: time.Second, writing: 100 * time.Millisecond, lost: os.Stderr}
	t, err := openTarget(path)
	if err != nil {
		return nil, err
	}
	l.open, l.looked = t, time.Now()
	return l, nil
}

// openTarget opens a path for appending. It never waits.
func openTarget(path string) (*target, error) {
	name, standard := followLinks(path)
	if standard != nil {
		return &target{File: standard, standard: true}, nil
	}
	f, err := openAppend(name)
	if err != nil {
		return nil, fmt.Errorf("log file: %w", err)
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("log file: %w", err)
	}
	t := &target{File: f, info: info}
	if info.Mode().IsRegular() && !isDescriptor(name) {
		t.rotated, t.size = name, info.Size()
	}
	return t, nil
}

// followLinks returns the path that links lead to, or the stream of this
// process that it names: a container's /dev/stdout may be a socket, which
// cannot be opened, and a file behind it belongs to who started the process.
func followLinks(path string) (string, *os.File) {
	if path == "" {
		return "", os.Stderr
	}
	for range 40 {
		if absolute, err := filepath.Abs(path); err == nil {
			path = absolute
		}
		switch filepath.ToSlash(path) {
		case "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1":
			return path, os.Stdout
		case "/dev/stderr", "/dev/fd/2", "/proc/self/fd/2":
			return path, os.Stderr
		}
		next, err := os.Readlink(path)
		if err != nil || isDescriptor(path) {
			break
		}
		if !filepath.IsAbs(next) {
			next = filepath.Join(filepath.Dir(path), next)
		}
		path = next
	}
	return path, nil
}

// isDescriptor says whether a path names what some process has open.
func isDescriptor(path string) bool {
	return strings.HasPrefix(path, "/proc/") || strings.HasPrefix(path, "/dev/fd/")
}

// Write appends one record.
func (l *LogFile) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.look()
	if l.open != nil && l.open.rotated != "" && l.open.size > 0 && l.open.size+int64(len(p)) > l.limit {
		l.rotate()
	}
	if l.open != nil {
		if l.open.info != nil && l.open.rotated == "" {
			// A pipe whose reader sleeps must not hold the server; what is no
			// pipe has no deadline, and needs none.
			_ = l.open.SetWriteDeadline(time.Now().Add(l.writing))
		}
		n, err := l.open.Write(p)
		l.open.size += int64(n)
		if err == nil {
			return n, nil
		}
		if l.open.rotated == "" && !l.open.standard {
			l.drop() // nobody reads it
		}
	}
	return l.lost.Write(p)
}

// look opens the path anew when the file is not there any more: it was
// renamed, or its folder is gone.
func (l *LogFile) look() {
	now := time.Now()
	if l.closed || now.Sub(l.looked) < l.pause {
		return
	}
	if l.open == nil {
		l.looked = now
		l.open, _ = openTarget(l.path)
		return
	}
	if l.open.rotated == "" {
		return
	}
	l.looked = now
	if info, err := os.Stat(l.path); err == nil && os.SameFile(info, l.open.info) {
		return
	}
	if err := l.reopen(); err != nil {
		l.warn(l.lost, "the log goes to standard error until its file can be opened", err)
		l.drop()
	}
}

// drop gives the file up, until a later attempt to open it.
func (l *LogFile) drop() {
	l.open.close()
	l.open, l.looked = nil, time.Now()
}

func (t *target) close() error {
	if t.standard {
		return nil
	}
	return t.File.Close()
}

func (l *LogFile) reopen() error {
	t, err := openTarget(l.path)
	if err != nil {
		return err
	}
	if l.open != nil {
		l.open.close()
	}
	l.open = t
	return nil
}

// rotate begins a new file. While that fails, the log goes on in the old one.
func (l *LogFile) rotate() {
	now := time.Now()
	if !l.failed.IsZero() && now.Sub(l.failed) < 60*l.pause {
		return
	}
	if l.failed = (time.Time{}); l.keep == 0 {
		if err := os.Truncate(l.open.rotated, 0); err != nil {
			l.failed = now
		} else {
			l.open.size = 0
		}
		return
	}
	old := l.open.rotated
	err := shift(old, l.keep)
	if err == nil {
		if err = l.reopen(); err != nil {
			err = errors.Join(err, os.Rename(rotatedName(old, 1), old))
		}
	}
	if err != nil {
		l.failed = now
		l.warn(l.open, "the log file cannot be rotated and grows on", err)
	}
}

func rotatedName(path string, i int) string { return fmt.Sprintf("%s.%d", path, i) }

// shift renames path to path.1, path.1 to path.2 and so on up to keep. On an
// error path is where it was, and no older file is lost.
func shift(path string, keep int) error {
	// Aside first: if that cannot be, the older ones stay.
	if err := os.Rename(path, rotatedName(path, 0)); err != nil {
		return err
	}
	for i := keep; i >= 1; i-- {
		err := os.Rename(rotatedName(path, i-1), rotatedName(path, i))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return errors.Join(err, os.Rename(rotatedName(path, 0), path))
		}
	}
	return nil
}

// warn writes a record about the log itself.
func (l *LogFile) warn(to io.Writer, message string, err error) {
	slog.New(slog.NewTextHandler(to, nil)).Warn(message, "file", l.path, "error", err)
}

// Reopen opens the path anew, for what renames log files. When that fails, the
// log goes on where it was.
func (l *LogFile) Reopen() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.reopen()
}

// Close closes the file.
func (l *LogFile) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	t := l.open
	l.open, l.closed = nil, true
	if t == nil {
		return nil
	}
	return t.close()
}
