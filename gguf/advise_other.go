//go:build !unix

package gguf

func willNeed([]byte) error { return nil }
