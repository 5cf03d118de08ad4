package gguf

import (
	"encoding/binary"
	"fmt"
)

// Bounds on what a file may ask for. They lie far above any real model and
// keep the memory and time of opening a hostile file small.
const (
	magicWord      = 0x46554747
	headerBytes    = 24        // magic, version, two counts
	maxHeader      = 256 << 20 // metadata and tensor directory together, bytes
	maxKeys        = 1 << 16
	maxTensors     = 1 << 17
	maxArray       = 1 << 24 // elements of one metadata array
	maxDepth       = 4       // of arrays within arrays
	maxNested      = 1 << 16 // arrays within arrays, in one value
	maxKeyBytes    = 1<<16 - 1
	maxTensorBytes = 64 // of a tensor's name
	maxDims        = 4
	maxAlignment   = 1 << 30

	defaultAlignment = 32
)

// reader walks the bytes of one file. The first problem is kept in err, and
// every read after it gives zero without moving.
type reader struct {
	path string
	data []byte
	base int    // offset in the file of data[0]
	end  int    // nothing is read from here on
	pos  int    // next byte
	what string // the field being read, for errors
	err  error
}

// fail records a problem of the field at a position. The arguments of the
// format are got, limit and then more.
func (r *reader) fail(at int, format string, got, limit uint64, more ...any) {
	if r.err == nil {
		r.err = &FormatError{
			Path: r.path, Field: r.what, Offset: int64(r.base + at),
			Problem: fmt.Sprintf(format, append([]any{got, limit}, more...)...), Got: got, Limit: limit,
		}
	}
}

func (r *reader) left() uint64 { return uint64(r.end - r.pos) }

// take moves over n bytes of a value and returns them.
func (r *reader) take(n uint64) []byte {
	if r.err != nil {
		return nil
	}
	if n > r.left() {
		r.fail(r.pos, r.ends("needs %d bytes, %d are left"), n, r.left())
		return nil
	}
	b := r.data[r.pos : r.pos+int(n)]
	r.pos += int(n)
	return b
}

// ends says in an error about missing bytes when the bound, not the file, ended.
func (r *reader) ends(format string) string {
	if r.end < len(r.data) {
		return format + fmt.Sprintf(" of the %d MiB that metadata may take", maxHeader>>20)
	}
	return format
}

func (r *reader) u32() uint32 {
	if b := r.take(4); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

func (r *reader) u64() uint64 {
	if b := r.take(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

// str reads a length and that many bytes, as a view.
func (r *reader) str() []byte {
	at := r.pos
	n := r.u64()
	if r.err == nil && n > r.left() {
		r.fail(at, r.ends("string length is %d, %d bytes are left"), n, r.left())
	}
	return r.take(n)
}

// count reads a number of things that take at least size bytes each.
func (r *reader) count(size, most uint64) int {
	at := r.pos
	n := r.u64()
	if r.err != nil {
		return 0
	}
	if n > most {
		r.fail(at, "count is %d, the most supported is %d", n, most)
	} else if n > r.left()/size {
		r.fail(at, r.ends("count is %d, the bytes left hold at most %d"), n, r.left()/size)
	}
	if r.err != nil {
		return 0
	}
	return int(n)
}
