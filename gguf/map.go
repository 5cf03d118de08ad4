package gguf

import (
	"fmt"
	"math"
	"os"

	"github.com/edsrzf/mmap-go"
)

// mapFile maps a whole file for reading. The mapping outlives the descriptor.
func mapFile(path string) (mmap.MMap, error) {
	// Opening a pipe would wait for its writer, so look before.
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return nil, fmt.Errorf("%s: is a folder, not a model file", path)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: not a regular file (%s)", path, info.Mode().Type())
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if info, err = file.Stat(); err != nil {
		return nil, err
	}
	size := info.Size()
	if size < headerBytes {
		return nil, &FormatError{
			Path: path, Field: "header", Got: uint64(size), Limit: headerBytes,
			Problem: fmt.Sprintf("the file has %d bytes, the header alone takes %d", size, headerBytes),
		}
	}
	if size > math.MaxInt {
		return nil, fmt.Errorf("%s: %d bytes are more than this machine can map (%d)", path, size, math.MaxInt)
	}
	m, err := mmap.MapRegion(file, int(size), mmap.RDONLY, 0, 0)
	if err != nil {
		return nil, fmt.Errorf("%s: mapping %d bytes: %w", path, size, err)
	}
	return m, nil
}
