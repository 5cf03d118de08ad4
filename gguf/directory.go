package gguf

import (
	"cmp"
	"fmt"
	"math/bits"
	"slices"
)

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
		return cmp.Or(cmp.Compare(a.off, b.off), cmp.Compare(a.tensor, b.tensor))
	})
	for i := 1; i < len(extents); i++ {
		a, b := extents[i-1], extents[i]
		if a.off+a.size > b.off {
			r.what = p.tensors[b.tensor].Name
			r.fail(b.at, "data offset %[1]d lies within tensor %[3]s, which ends at %[2]d", b.off, a.off+a.size, printable(p.tensors[a.tensor].Name))
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
