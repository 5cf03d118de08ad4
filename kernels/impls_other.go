//go:build noasm || !(amd64 || arm64)

package kernels

func archImpls() []*Impl { return nil }
