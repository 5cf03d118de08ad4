package model

import (
	"errors"
	"fmt"
	"strings"

	"cllm/gguf"
)

// metadata reads the keys of one architecture and notes what is wrong with
// them, so that one error can name it all.
type metadata struct {
	file    *gguf.File
	arch    string
	layers  int // length of per-layer arrays, once known
	missing []string
	errs    []error
}

func (d *metadata) key(name string) string { return d.arch + "." + name }

func (d *metadata) errorf(key, format string, args ...any) error {
	return fmt.Errorf("%s: "+format, append([]any{d.key(key)}, args...)...)
}

// note keeps the error of a getter. It reports whether the key is merely
// absent and may be.
func (d *metadata) note(key string, err error, optional bool) (absent bool) {
	switch {
	case !errors.Is(err, gguf.ErrMissing):
		d.errs = append(d.errs, err)
	case !optional:
		d.missing = append(d.missing, d.key(key))
	default:
		return true
	}
	return false
}

// int reads a size in [1, most], which may be given as an array with the same
// for every layer. The default stands in for an absent key,
// unless it is 0.
func (d *metadata) int(key string, absent, most int) int {
	v, err := d.file.Uint(d.key(key))
	if list, other := d.file.Ints(d.key(key)); other == nil && d.layers > 0 {
		var n int64
		n, err = equal(d, key, list)
		v = uint64(max(n, 0))
	}
	if err != nil {
		if d.note(key, err, absent > 0) {
			return absent
		}
		return 1 // so that the checks go on
	}
	if v < 1 || v > uint64(most) {
		d.errs = append(d.errs, d.errorf(key, "%d is outside [1, %d]", v, most))
		return 1
	}
	return int(v)
}

// float reads a positive number, likewise. The default stands in for an absent key,
// unless it is 0.
func (d *metadata) float(key string, absent float64) float64 {
	v, err := d.file.Float(d.key(key))
	if list, other := d.file.Floats(d.key(key)); other == nil && d.layers > 0 {
		v, err = equal(d, key, list)
	}
	if err != nil {
		if d.note(key, err, absent > 0) {
			return absent
		}
		return 1
	}
	if !(v > 0 && v < 1e30) {
		d.errs = append(d.errs, d.errorf(key, "%g is not a positive number", v))
		return 1
	}
	return v
}

// equal is the value that a per-layer array gives to every layer.
func equal[T comparable](d *metadata, key string, list []T) (T, error) {
	if len(list) != d.layers {
		var none T
		return none, d.errorf(key, "an array of %d values, needed is one for each of the %d layers", len(list), d.layers)
	}
	for i, v := range list {
		if v != list[0] {
			return v, d.errorf(key, "%v in layer 0 and %v in layer %d: layers that differ are not supported", list[0], v, i)
		}
	}
	return list[0], nil
}

func (d *metadata) err() error {
	errs := d.errs
	if len(d.missing) > 0 {
		errs = append(errs, fmt.Errorf("the file lacks the metadata keys %s", strings.Join(d.missing, ", ")))
	}
	return errors.Join(errs...)
}
