package config

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/lmittmann/tint"
)

// Logger makes the logger that the settings ask for. Close it in the end.
func (c *Config) Logger() (*slog.Logger, io.Closer, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(strings.TrimSuffix(c.LogLevel, "ing"))); err != nil {
		return nil, nil, fmt.Errorf("log level: %w", err)
	}
	if c.LogFile == "" {
		info, err := os.Stderr.Stat()
		terminal := err == nil && info.Mode()&os.ModeCharDevice != 0
		return slog.New(tint.NewTextHandler(os.Stderr, &tint.Options{Level: level, TimeFormat: time.DateTime, NoColor: !terminal})),
			io.NopCloser(nil), nil
	}
	f, err := openLog(c.LogFile, int64(c.LogMaxSizeMB)<<20, c.LogMaxFiles)
	if err != nil {
		return nil, nil, err
	}
	return slog.New(slog.NewTextHandler(f, &slog.HandlerOptions{Level: level})), f, nil
}

// logFile is a file that is renamed to path.1 when it has grown to its limit;
// path.1 becomes path.2, and so on, until the last is dropped.
type logFile struct {
	mu    sync.Mutex
	path  string
	limit int64
	keep  int
	file  *os.File
	size  int64
}

func openLog(path string, limit int64, keep int) (*logFile, error) {
	l := &logFile{path: path, limit: limit, keep: keep}
	return l, l.open()
}

func (l *logFile) open() error {
	f, err := os.OpenFile(l.path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return fmt.Errorf("log file: %w", err)
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return fmt.Errorf("log file: %w", err)
	}
	l.file, l.size = f, info.Size()
	return nil
}

// Write appends one record, after a rotation if the file is full.
func (l *logFile) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.size > 0 && l.size+int64(len(p)) > l.limit {
		if err := l.rotate(); err != nil {
			return 0, err
		}
	}
	n, err := l.file.Write(p)
	l.size += int64(n)
	return n, err
}

func (l *logFile) rotate() error {
	name := func(i int) string { return fmt.Sprintf("%s.%d", l.path, i) }
	if err := l.file.Close(); err != nil {
		return err
	}
	// A name that is not there is no error: there are fewer files than may be.
	_ = os.Remove(name(l.keep))
	for i := l.keep; i > 1; i-- {
		_ = os.Rename(name(i-1), name(i))
	}
	if l.keep > 0 {
		_ = os.Rename(l.path, name(1))
	} else {
		_ = os.Remove(l.path)
	}
	return l.open()
}

// Close closes the file.
func (l *logFile) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.file.Close()
}
