package gguf

import (
	"encoding/binary"
	"fmt"
	"math"
	"strings"
)

// ValueType is the id of a metadata value's type, as written in the file.
type ValueType uint32

// The metadata types of the format.
const (
	Uint8   ValueType = 0
	Int8    ValueType = 1
	Uint16  ValueType = 2
	Int16   ValueType = 3
	Uint32  ValueType = 4
	Int32   ValueType = 5
	Float32 ValueType = 6
	Bool    ValueType = 7
	String  ValueType = 8
	Array   ValueType = 9
	Uint64  ValueType = 10
	Int64   ValueType = 11
	Float64 ValueType = 12
)

var valueTypes = [...]struct {
	name  string
	bytes uint64 // 0 where the length varies
}{
	Uint8:   {"uint8", 1},
	Int8:    {"int8", 1},
	Uint16:  {"uint16", 2},
	Int16:   {"int16", 2},
	Uint32:  {"uint32", 4},
	Int32:   {"int32", 4},
	Float32: {"float32", 4},
	Bool:    {"bool", 1},
	String:  {"string", 0},
	Array:   {"array", 0},
	Uint64:  {"uint64", 8},
	Int64:   {"int64", 8},
	Float64: {"float64", 8},
}

func (t ValueType) known() bool { return uint64(t) < uint64(len(valueTypes)) }

// String gives the type's name, such as uint32 or array.
func (t ValueType) String() string {
	if t.known() {
		return valueTypes[t].name
	}
	return fmt.Sprintf("type %d", uint32(t))
}

// Value is a metadata value in Go's terms: Any holds the Go type of the same
// name as Type, and for an Array a slice of that of Elem, or []Value for an
// array of arrays.
type Value struct {
	Type ValueType
	Elem ValueType // of an Array
	Any  any
}

// TypeName is the type with that of its elements, such as []string.
func (v Value) TypeName() string { return typeName(v.Type, v.Elem) }

func typeName(t, elem ValueType) string {
	if t == Array {
		return "[]" + elem.String()
	}
	return t.String()
}

// entry is one key with the place of its value; it is decoded when asked for.
type entry struct {
	key  string
	typ  ValueType
	elem ValueType // of an array
	n    int       // elements of an array
	at   int       // offset in the file of raw
	raw  []byte    // the value, without type, count and a string's length
}

// read reads the type and walks over the value, checking every length in it.
func (e *entry) read(r *reader) {
	e.typ = valueType(r)
	switch {
	case r.err != nil:
	case e.typ == Array:
		e.elem, e.n = arrayHead(r)
		e.at = r.pos
		nested := 0
		walk(r, e.elem, e.n, 1, &nested)
		if r.err == nil {
			e.raw = r.data[e.at:r.pos]
		}
	case e.typ == String:
		e.raw = r.str()
		e.at = r.pos - len(e.raw)
	default:
		e.at = r.pos
		e.raw = r.take(valueTypes[e.typ].bytes)
		if e.typ == Bool {
			checkBools(r, e.raw)
		}
	}
}

func valueType(r *reader) ValueType {
	at := r.pos
	t := ValueType(r.u32())
	if r.err == nil && !t.known() {
		r.fail(at, "value type %d is not known, types end at %d", uint64(t), uint64(len(valueTypes)-1))
	}
	return t
}

// arrayHead reads the element type and the count of an array.
func arrayHead(r *reader) (elem ValueType, n int) {
	elem = valueType(r)
	if r.err != nil {
		return 0, 0
	}
	size := valueTypes[elem].bytes
	switch elem {
	case String:
		size = 8
	case Array:
		size = 12
	}
	return elem, r.count(size, maxArray)
}

// walk moves over n elements of an array.
func walk(r *reader, elem ValueType, n, depth int, nested *int) {
	if r.err != nil {
		return
	}
	switch elem {
	case String:
		walkStrings(r, n)
	case Array:
		if *nested += n; depth == maxDepth {
			r.fail(r.pos, "arrays are nested %d deep, at most %d are allowed", uint64(depth)+1, maxDepth)
		} else if *nested > maxNested {
			r.fail(r.pos, "%d arrays lie within the array, at most %d are allowed", uint64(*nested), maxNested)
		}
		for i := 0; i < n && r.err == nil; i++ {
			elem, n := arrayHead(r)
			walk(r, elem, n, depth+1, nested)
		}
	default:
		if raw := r.take(uint64(n) * valueTypes[elem].bytes); elem == Bool {
			checkBools(r, raw)
		}
	}
}

// walkStrings is reader.str n times over, in a loop tight enough for the
// several hundred thousand strings of a vocabulary.
func walkStrings(r *reader, n int) {
	data, pos := r.data[:r.end], r.pos
	for i := range n {
		if len(data)-pos < 8 {
			r.what = fmt.Sprintf("%s[%d]", r.what, i)
			r.fail(pos, r.ends("needs %d bytes, %d are left"), 8, uint64(len(data)-pos))
			return
		}
		size := binary.LittleEndian.Uint64(data[pos:])
		if left := uint64(len(data) - pos - 8); size > left {
			r.what = fmt.Sprintf("%s[%d]", r.what, i)
			r.fail(pos, r.ends("string length is %d, %d bytes are left"), size, left)
			return
		}
		pos += 8 + int(size)
	}
	r.pos = pos
}

func checkBools(r *reader, raw []byte) {
	for i, b := range raw {
		if b > 1 {
			r.fail(r.pos-len(raw)+i, "a bool is %d, at most %d is allowed", uint64(b), 1)
			return
		}
	}
}

// strings decodes an array of strings into one piece of memory. The lengths
// were checked on opening, and are again: the file may have been rewritten.
func (e *entry) strings(path string) ([]string, error) {
	r := &reader{path: path, data: e.raw, base: e.at, end: len(e.raw), what: e.key}
	var all strings.Builder
	all.Grow(max(0, len(e.raw)-8*e.n))
	out := make([]string, e.n)
	for i := range out {
		start := all.Len()
		all.Write(r.str())
		out[i] = all.String()[start:]
	}
	return out, r.err
}

// value decodes a value for display.
func (e *entry) value(path string) (Value, error) {
	v := Value{Type: e.typ, Elem: e.elem}
	if e.typ != Array {
		v.Any = scalar(e.typ, e.raw)
		return v, nil
	}
	var err error
	switch e.elem {
	case String:
		v.Any, err = e.strings(path)
	case Array:
		r := &reader{path: path, data: e.raw, base: e.at, end: len(e.raw), what: e.key}
		v.Any, err = nestedArray(r, e.n, 1)
	default:
		v.Any = numbers(e.elem, e.raw)
	}
	return v, err
}

func nestedArray(r *reader, n, depth int) ([]Value, error) {
	out := make([]Value, 0, n)
	for range n {
		inner := entry{key: r.what, typ: Array}
		inner.elem, inner.n = arrayHead(r)
		inner.at = r.base + r.pos
		start, nested := r.pos, 0
		walk(r, inner.elem, inner.n, depth+1, &nested)
		if r.err != nil {
			return nil, r.err
		}
		inner.raw = r.data[start:r.pos]
		v, err := inner.value(r.path)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

func scalar(t ValueType, b []byte) any {
	le := binary.LittleEndian
	switch t {
	case Uint8:
		return b[0]
	case Int8:
		return int8(b[0])
	case Uint16:
		return le.Uint16(b)
	case Int16:
		return int16(le.Uint16(b))
	case Uint32:
		return le.Uint32(b)
	case Int32:
		return int32(le.Uint32(b))
	case Float32:
		return math.Float32frombits(le.Uint32(b))
	case Bool:
		return b[0] != 0
	case Uint64:
		return le.Uint64(b)
	case Int64:
		return int64(le.Uint64(b))
	case Float64:
		return math.Float64frombits(le.Uint64(b))
	default:
		return string(b)
	}
}

// numbers decodes an array whose elements have a fixed size.
func numbers(t ValueType, raw []byte) any {
	le := binary.LittleEndian
	switch t {
	case Uint8:
		return decode(raw, 1, func(b []byte) uint8 { return b[0] })
	case Int8:
		return decode(raw, 1, func(b []byte) int8 { return int8(b[0]) })
	case Uint16:
		return decode(raw, 2, le.Uint16)
	case Int16:
		return decode(raw, 2, func(b []byte) int16 { return int16(le.Uint16(b)) })
	case Uint32:
		return decode(raw, 4, le.Uint32)
	case Int32:
		return decode(raw, 4, func(b []byte) int32 { return int32(le.Uint32(b)) })
	case Float32:
		return decode(raw, 4, func(b []byte) float32 { return math.Float32frombits(le.Uint32(b)) })
	case Bool:
		return decode(raw, 1, func(b []byte) bool { return b[0] != 0 })
	case Uint64:
		return decode(raw, 8, le.Uint64)
	case Int64:
		return decode(raw, 8, func(b []byte) int64 { return int64(le.Uint64(b)) })
	default:
		return decode(raw, 8, func(b []byte) float64 { return math.Float64frombits(le.Uint64(b)) })
	}
}

func decode[T any](raw []byte, size int, one func([]byte) T) []T {
	out := make([]T, len(raw)/size)
	for i := range out {
		out[i] = one(raw[i*size:])
	}
	return out
}
