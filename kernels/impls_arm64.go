//go:build !noasm

package kernels

func archImpls() []*Impl { return nil }
