package gguf

import "fmt"

// Lock reads the mapped files into memory and has the system keep them there,
// until Close. It fails where the system does not let this process lock so
// much; what was locked before stays so.
func (f *File) Lock() error {
	for _, p := range f.parts {
		if p.unmap == nil {
			continue // in memory already, and not ours
		}
		if err := lock(p.data); err != nil {
			return fmt.Errorf("%s: locking %d bytes in memory: %w", p.path, len(p.data), err)
		}
	}
	return nil
}
