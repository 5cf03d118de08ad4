package gguf

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"slices"
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

func (r *reader) u8() uint8 {
	if b := r.take(1); b != nil {
		return b[0]
	}
	return 0
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

// part is one file of a model: most models are one part.
type part struct {
	path      string
	data      []byte
	unmap     func() error
	version   uint32
	alignment uint64
	entries   []entry
	tensors   []Tensor
	named     []int // offset in the file of each tensor's directory entry
}

// parse reads the header, metadata and tensor directory of p.data.
func (p *part) parse() error {
	r := &reader{path: p.path, data: p.data, end: min(len(p.data), maxHeader)}
	tensors, keys := p.header(r)
	if err := p.metadata(r, keys); err != nil {
		return err
	}
	return p.directory(r, tensors)
}

func (p *part) header(r *reader) (tensors, keys int) {
	r.what = "magic"
	if magic := r.take(4); r.err == nil && string(magic) != "GGUF" {
		r.fail(0, "not a GGUF file: it starts with %[3]q (%#[1]x), not \"GGUF\" (%#[2]x)",
			uint64(binary.LittleEndian.Uint32(magic)), magicWord, magic)
	}
	r.what = "version"
	p.version = r.u32()
	swapped := bits.ReverseBytes32(p.version)
	switch {
	case r.err != nil, p.version == 2, p.version == 3:
	case swapped >= 1 && swapped <= 3:
		r.fail(4, "the file is big-endian (version %#x, %d when swapped): convert it to little-endian", uint64(p.version), uint64(swapped))
	case p.version == 1:
		r.fail(4, "version %d is no longer supported (the oldest is %d): convert the model again", 1, 2)
	default:
		r.fail(4, "version %d is not known (the newest is %d)", uint64(p.version), 3)
	}
	r.what = "tensor count"
	tensors = r.count(minTensorEntry, maxTensors)
	r.what = "metadata count"
	keys = r.count(minKeyEntry, maxKeys)
	return tensors, keys
}

// The least bytes that an entry of the directory and of the metadata take.
const (
	minTensorEntry = 8 + 1 + 4 + 4 + 8
	minKeyEntry    = 8 + 1 + 4 + 1
)

func (p *part) metadata(r *reader, keys int) error {
	p.alignment = defaultAlignment
	if r.err != nil {
		return r.err
	}
	p.entries = make([]entry, 0, keys)
	seen := make(map[string]int, keys)
	for i := range keys {
		r.what = fmt.Sprintf("metadata key %d", i)
		at := r.pos
		key := r.str()
		switch n := uint64(len(key)); {
		case r.err != nil:
		case n == 0:
			r.fail(at, "the key is empty (length %d, at least %d)", 0, 1)
		case n > maxKeyBytes:
			r.fail(at, "the key has %d bytes, at most %d are allowed", n, maxKeyBytes)
		}
		if r.err != nil {
			return r.err
		}
		e := entry{key: string(key)}
		r.what = e.key
		if first, dup := seen[e.key]; dup {
			r.fail(at, "key %d has the name of key %d", uint64(i), uint64(first))
		}
		seen[e.key] = i
		e.read(r)
		if r.err != nil {
			return r.err
		}
		p.entries = append(p.entries, e)
		if e.key == "general.alignment" {
			p.readAlignment(r, e)
		}
	}
	return r.err
}

func (p *part) readAlignment(r *reader, e entry) {
	n, err := e.uint(p.path)
	switch {
	case err != nil:
		r.err = err
	case bits.OnesCount64(n) != 1 || n > maxAlignment:
		r.fail(e.at, "alignment is %d, it must be a power of two up to %d", n, maxAlignment)
	default:
		p.alignment = n
	}
}

// extent is where a tensor's data lies within the data section.
type extent struct {
	tensor    int
	at        int // offset in the file of the offset field
	off, size uint64
}

func (p *part) directory(r *reader, count int) error {
	p.tensors = make([]Tensor, count)
	p.named = make([]int, count)
	extents := make([]extent, count)
	for i := range count {
		p.named[i] = r.pos
		p.tensors[i], extents[i] = p.tensor(r, i)
		if r.err != nil {
			return r.err
		}
	}
	if count == 0 {
		return nil
	}
	// Padding follows the directory even when the file is cut right there.
	start := (uint64(r.pos) + p.alignment - 1) &^ (p.alignment - 1)
	size := uint64(len(p.data)) - min(uint64(len(p.data)), start)
	for i, x := range extents {
		r.what = p.tensors[i].Name
		switch {
		case x.off%p.alignment != 0:
			r.fail(x.at, "data offset %d is not a multiple of the alignment %d", x.off, p.alignment)
		case x.off > size:
			r.fail(x.at, "data offset %d lies past the end: the data section has %d bytes", x.off, size)
		case x.size > size-x.off:
			r.fail(x.at, "needs %d bytes, the file has %d of them at data offset %d: it is cut short", x.size, size-x.off, x.off)
		}
		if r.err != nil {
			return r.err
		}
		lo := start + x.off
		p.tensors[i].Offset = int64(lo)
		p.tensors[i].Data = p.data[lo : lo+x.size : lo+x.size]
	}
	return p.disjoint(r, extents)
}

func (p *part) disjoint(r *reader, extents []extent) error {
	slices.SortFunc(extents, func(a, b extent) int {
		if a.off != b.off {
			if a.off < b.off {
				return -1
			}
			return 1
		}
		return a.tensor - b.tensor
	})
	for i := 1; i < len(extents); i++ {
		a, b := extents[i-1], extents[i]
		if a.off+a.size > b.off {
			r.what = p.tensors[b.tensor].Name
			r.fail(b.at, "data offset %[1]d lies within tensor %[3]s, which ends at %[2]d", b.off, a.off+a.size, p.tensors[a.tensor].Name)
			return r.err
		}
	}
	return nil
}

// tensor reads one entry of the directory.
func (p *part) tensor(r *reader, i int) (Tensor, extent) {
	r.what = fmt.Sprintf("tensor %d", i)
	at := r.pos
	name := r.str()
	switch n := uint64(len(name)); {
	case r.err != nil:
	case n == 0:
		r.fail(at, "the name is empty (length %d, at least %d)", 0, 1)
	case n > maxTensorBytes:
		r.fail(at, "the name has %d bytes, at most %d are allowed", n, maxTensorBytes)
	}
	if r.err != nil {
		return Tensor{}, extent{}
	}
	t := Tensor{Name: string(name)}
	r.what = t.Name
	size := p.shape(r, &t)
	x := extent{tensor: i, at: r.pos, size: size}
	x.off = r.u64()
	return t, x
}

// shape reads dimensions and type, and returns the size of the data in bytes.
func (p *part) shape(r *reader, t *Tensor) uint64 {
	at := r.pos
	n := r.u32()
	if n > maxDims {
		r.fail(at, "%d dimensions, at most %d are allowed", uint64(n), maxDims)
	}
	if r.err != nil {
		return 0
	}
	t.Dims = make([]int64, n, maxDims)
	elements := uint64(1)
	for d := range t.Dims {
		dim := r.u64()
		hi, lo := bits.Mul64(elements, dim)
		switch {
		case r.err != nil:
			return 0
		case dim == 0:
			r.fail(r.pos-8, "dimension %[2]d is %[1]d", 0, uint64(d))
		case hi != 0 || lo > 1<<62:
			r.fail(r.pos-8, "dimension %[3]d is %[1]d, with %[2]d elements in those before it: too many", dim, elements, d)
		}
		t.Dims[d], elements = int64(dim), lo
	}
	if n == 0 { // a scalar: one row of one
		t.Dims = append(t.Dims, 1)
	}
	at = r.pos
	t.Type = Type(r.u32())
	if r.err != nil {
		return 0
	}
	block, bytes := uint64(t.Type.BlockLen()), uint64(t.Type.BlockBytes())
	switch row := uint64(t.Dims[0]); {
	case block == 0 && t.Type.info().name != "":
		r.fail(at, "tensor type %[1]d (%[3]s) was withdrawn from the format: convert the model again", uint64(t.Type), uint64(len(types)-1), t.Type)
		return 0
	case block == 0:
		r.fail(at, "tensor type %d is not known, types end at %d", uint64(t.Type), uint64(len(types)-1))
		return 0
	case row%block != 0:
		r.fail(at, "a row has %d elements, not a multiple of the %d of a %s block", row, block, t.Type)
		return 0
	}
	hi, size := bits.Mul64(elements/block, bytes)
	if hi != 0 || size > 1<<62 {
		r.fail(at, "%d elements of %[3]s (%[2]d bytes a block) are too large", elements, bytes, t.Type)
		return 0
	}
	return size
}
