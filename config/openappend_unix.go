//go:build unix

package config

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// openAppend opens a file for appending, and makes it if it is not there. It
// waits neither for the reader of a pipe nor for a terminal's line, and never
// takes a terminal as the process's own.
func openAppend(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND|unix.O_NONBLOCK|unix.O_NOCTTY, 0o644)
	if errors.Is(err, unix.ENXIO) {
		err = fmt.Errorf("%w: a pipe without a reader, or a socket", err)
	}
	return f, err
}
