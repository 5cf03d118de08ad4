package config

import (
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/lmittmann/tint"
)

// Logger makes the logger that the settings ask for, and the file that it
// writes to. Close that in the end.
func (c *Config) Logger() (*slog.Logger, *LogFile, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(strings.TrimSuffix(c.LogLevel, "ing"))); err != nil {
		return nil, nil, fmt.Errorf("log level: %w", err)
	}
	f, err := openLog(c.LogFile, int64(c.LogMaxSizeMB)<<20, c.LogMaxFiles)
	if err != nil {
		return nil, nil, err
	}
	if c.LogFile == "" {
		info, err := os.Stderr.Stat()
		terminal := err == nil && info.Mode()&os.ModeCharDevice != 0
		return slog.New(tint.NewTextHandler(f, &tint.Options{Level: level, TimeFormat: time.DateTime, NoColor: !terminal})), f, nil
	}
	return slog.New(slog.NewTextHandler(f, &slog.HandlerOptions{Level: level})), f, nil
}
