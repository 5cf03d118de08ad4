//go:build unix

package gguf

import "golang.org/x/sys/unix"

func willNeed(b []byte) error { return unix.Madvise(b, unix.MADV_WILLNEED) }
