//go:build !amd64 && !arm64

package main

var peaks map[string]peak
