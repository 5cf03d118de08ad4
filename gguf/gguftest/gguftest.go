// Package gguftest writes small GGUF files for tests.
package gguftest

import (
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"cllm/gguf"
)

// Builder collects what goes into a file. Its methods return it, so that
// calls chain.
type Builder struct {
	Version   uint32
	Alignment uint64 // of tensor data; Set("general.alignment", …) changes it
	keys      []byte
	nKeys     uint64
	directory []byte
	nTensors  uint64
	data      []byte
}

// New starts an empty file of version 3.
func New() *Builder { return &Builder{Version: 3, Alignment: 32} }

// Set adds a metadata key. The type is that of the Go value: a number, bool,
// string, or a slice of these or of slices. Nothing stops a key twice.
func (b *Builder) Set(key string, value any) *Builder {
	v := reflect.ValueOf(value)
	if key == "general.alignment" && v.CanUint() {
		b.Alignment = v.Uint()
	}
	return b.Raw(key, valueType(v.Type()), appendValue(nil, v))
}

// Raw adds a metadata key of any type with the bytes of its value as they are.
func (b *Builder) Raw(key string, t gguf.ValueType, value []byte) *Builder {
	b.keys = appendString(b.keys, key)
	b.keys = binary.LittleEndian.AppendUint32(b.keys, uint32(t))
	b.keys = append(b.keys, value...)
	b.nKeys++
	return b
}

// Tensor adds a tensor; dims are in ggml's order, the row length first.
// Without data it is all zero bytes.
func (b *Builder) Tensor(name string, t gguf.Type, data []byte, dims ...int64) *Builder {
	if data == nil {
		data = make([]byte, size(t, dims))
	}
	b.data = pad(b.data, b.Alignment)
	b.directory = appendString(b.directory, name)
	b.directory = binary.LittleEndian.AppendUint32(b.directory, uint32(len(dims)))
	for _, d := range dims {
		b.directory = binary.LittleEndian.AppendUint64(b.directory, uint64(d))
	}
	b.directory = binary.LittleEndian.AppendUint32(b.directory, uint32(t))
	b.directory = binary.LittleEndian.AppendUint64(b.directory, uint64(len(b.data)))
	b.data = append(b.data, data...)
	b.nTensors++
	return b
}

// Bytes is the whole file.
func (b *Builder) Bytes() []byte {
	out := []byte("GGUF")
	out = binary.LittleEndian.AppendUint32(out, b.Version)
	out = binary.LittleEndian.AppendUint64(out, b.nTensors)
	out = binary.LittleEndian.AppendUint64(out, b.nKeys)
	out = append(out, b.keys...)
	out = append(out, b.directory...)
	if b.nTensors == 0 {
		return out
	}
	return append(pad(out, b.Alignment), b.data...)
}

// Write puts the file into a folder of the test and returns its path.
func (b *Builder) Write(tb testing.TB, name string) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), name)
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		tb.Fatal(err)
	}
	return path
}

// Open parses the file from memory.
func (b *Builder) Open(tb testing.TB) *gguf.File {
	tb.Helper()
	f, err := gguf.Parse("test.gguf", b.Bytes())
	if err != nil {
		tb.Fatal(err)
	}
	return f
}

// Floats is the data of an F32 tensor.
func Floats(x []float32) []byte {
	var b []byte
	for _, v := range x {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}
	return b
}

func size(t gguf.Type, dims []int64) int64 {
	n := int64(1)
	for _, d := range dims {
		n *= d
	}
	return n / int64(t.BlockLen()) * int64(t.BlockBytes())
}

func pad(b []byte, alignment uint64) []byte {
	for alignment > 0 && uint64(len(b))%alignment != 0 {
		b = append(b, 0)
	}
	return b
}

func appendString(b []byte, s string) []byte {
	b = binary.LittleEndian.AppendUint64(b, uint64(len(s)))
	return append(b, s...)
}

func valueType(t reflect.Type) gguf.ValueType {
	for vt := range gguf.Float64 + 1 {
		if t.Kind().String() == vt.String() {
			return vt
		}
	}
	if t.Kind() == reflect.Slice {
		return gguf.Array
	}
	panic(fmt.Sprintf("gguftest: %s is not a metadata type", t))
}

func appendValue(b []byte, v reflect.Value) []byte {
	switch v.Kind() {
	case reflect.String:
		return appendString(b, v.String())
	case reflect.Slice:
		b = binary.LittleEndian.AppendUint32(b, uint32(valueType(v.Type().Elem())))
		b = binary.LittleEndian.AppendUint64(b, uint64(v.Len()))
		for i := range v.Len() {
			b = appendValue(b, v.Index(i))
		}
		return b
	}
	b, err := binary.Append(b, binary.LittleEndian, v.Interface())
	if err != nil {
		panic(err)
	}
	return b
}
