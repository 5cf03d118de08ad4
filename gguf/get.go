package gguf

import (
	"encoding/binary"
	"fmt"
	"math"
)

// Keys lists the metadata keys in the order of the file.
func (f *File) Keys() []string {
	if len(f.parts) == 0 {
		return nil
	}
	entries := f.parts[0].entries
	keys := make([]string, len(entries))
	for i := range entries {
		keys[i] = entries[i].key
	}
	return keys
}

// Value decodes a value as it is, for display. It is not there, too, when the
// file was truncated after it was opened.
func (f *File) Value(key string) (Value, bool) {
	v, err := get(f, key, (*entry).value)
	return v, err == nil
}

// String returns a string. Like all getters, it returns an error that wraps
// ErrMissing when the key is not there, and a *FormatError when its type is
// another; what it returns is a copy.
func (f *File) String(key string) (string, error) {
	return get(f, key, func(e *entry, path string) (string, error) {
		if e.typ != String {
			return "", e.wrongType(path, "string")
		}
		return string(e.raw), nil
	})
}

// Bool returns a bool.
func (f *File) Bool(key string) (bool, error) {
	return get(f, key, func(e *entry, path string) (bool, error) {
		if e.typ != Bool {
			return false, e.wrongType(path, "bool")
		}
		return e.raw[0] != 0, nil
	})
}

// Uint returns an integer of any type that is not negative.
func (f *File) Uint(key string) (uint64, error) { return get(f, key, (*entry).uint) }

// Int returns an integer of any type that fits.
func (f *File) Int(key string) (int64, error) { return get(f, key, (*entry).int) }

// Float returns a number of either float type.
func (f *File) Float(key string) (float64, error) {
	return get(f, key, func(e *entry, path string) (float64, error) {
		if e.typ != Float32 && e.typ != Float64 {
			return 0, e.wrongType(path, "float32 or float64")
		}
		return float(e.typ, e.raw), nil
	})
}

// Strings returns an array of strings, which share one piece of memory.
func (f *File) Strings(key string) ([]string, error) {
	return get(f, key, func(e *entry, path string) ([]string, error) {
		if e.typ != Array || e.elem != String {
			return nil, e.wrongType(path, "[]string")
		}
		return e.strings(path)
	})
}

// Ints returns an array of integers of any type; all must fit.
func (f *File) Ints(key string) ([]int64, error) {
	return get(f, key, func(e *entry, path string) ([]int64, error) {
		if e.typ != Array || !e.elem.integer() {
			return nil, e.wrongType(path, "an array of integers")
		}
		size := int(valueTypes[e.elem].bytes)
		out := make([]int64, e.n)
		for i := range out {
			n := integer(e.elem, e.raw[i*size:])
			if e.elem == Uint64 && n < 0 {
				return nil, e.fail(path, i*size, "[%[3]d] is %[1]d, the largest int64 is %[2]d", uint64(n), math.MaxInt64, i)
			}
			out[i] = n
		}
		return out, nil
	})
}

// Floats returns an array of numbers of either float type.
func (f *File) Floats(key string) ([]float64, error) {
	return get(f, key, func(e *entry, path string) ([]float64, error) {
		if e.typ != Array || e.elem != Float32 && e.elem != Float64 {
			return nil, e.wrongType(path, "[]float32 or []float64")
		}
		size := int(valueTypes[e.elem].bytes)
		out := make([]float64, e.n)
		for i := range out {
			out[i] = float(e.elem, e.raw[i*size:])
		}
		return out, nil
	})
}

// get finds a key and decodes its value, guarded against a truncated file.
func get[T any](f *File, key string, decode func(*entry, string) (T, error)) (T, error) {
	var out T
	e, ok := f.keys[key]
	if !ok {
		return out, fmt.Errorf("%s: %s is %w", f.Path(), printable(key), ErrMissing)
	}
	err := f.Guard(func() (err error) {
		out, err = decode(e, f.Path())
		return err
	})
	if err != nil {
		var none T
		return none, err
	}
	return out, nil
}

// uintOr is the value of a key of this part, or absent when it is not there.
func (p *part) uintOr(key string, absent uint64) (n uint64, err error) {
	for i := range p.entries {
		if e := &p.entries[i]; e.key == key {
			err = guard([]*part{p}, func() (err error) {
				n, err = e.uint(p.path)
				return err
			})
			return n, err
		}
	}
	return absent, nil
}

func (e *entry) uint(path string) (uint64, error) {
	if !e.typ.integer() {
		return 0, e.wrongType(path, "an integer")
	}
	n := integer(e.typ, e.raw)
	if n < 0 && e.typ != Uint64 {
		return 0, e.fail(path, 0, "is %[3]d, it must be at least %[2]d", uint64(n), 0, n)
	}
	return uint64(n), nil
}

func (e *entry) int(path string) (int64, error) {
	if !e.typ.integer() {
		return 0, e.wrongType(path, "an integer")
	}
	n := integer(e.typ, e.raw)
	if n < 0 && e.typ == Uint64 {
		return 0, e.fail(path, 0, "is %d, the largest int64 is %d", uint64(n), math.MaxInt64)
	}
	return n, nil
}

func (e *entry) fail(path string, at int, format string, got, limit uint64, more ...any) error {
	r := reader{path: path, base: e.at, what: e.key}
	r.fail(at, format, got, limit, more...)
	return r.err
}

func (e *entry) wrongType(path, want string) error {
	return &FormatError{
		Path: path, Field: e.key, Offset: int64(e.at), Got: uint64(e.typ),
		Problem: fmt.Sprintf("is of type %s, it must be %s", typeName(e.typ, e.elem), want),
	}
}

func (t ValueType) integer() bool {
	switch t {
	case Uint8, Int8, Uint16, Int16, Uint32, Int32, Uint64, Int64:
		return true
	}
	return false
}

// integer decodes an integer; a uint64 above the int64 range comes out negative.
func integer(t ValueType, b []byte) int64 {
	le := binary.LittleEndian
	switch t {
	case Uint8:
		return int64(b[0])
	case Int8:
		return int64(int8(b[0]))
	case Uint16:
		return int64(le.Uint16(b))
	case Int16:
		return int64(int16(le.Uint16(b)))
	case Uint32:
		return int64(le.Uint32(b))
	case Int32:
		return int64(int32(le.Uint32(b)))
	default:
		return int64(le.Uint64(b))
	}
}

func float(t ValueType, b []byte) float64 {
	if t == Float32 {
		return float64(math.Float32frombits(binary.LittleEndian.Uint32(b)))
	}
	return math.Float64frombits(binary.LittleEndian.Uint64(b))
}
