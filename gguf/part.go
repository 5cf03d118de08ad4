package gguf

import (
	"encoding/binary"
	"fmt"
	"math/bits"
)

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
