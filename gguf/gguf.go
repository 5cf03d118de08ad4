// Package gguf reads model files in the GGUF format, versions 2 and 3.
//
// A file is mapped, not read: tensors are views on the mapping, and metadata
// is decoded when it is asked for. Everything a file states is checked when
// it is opened, in bounded time and memory; what breaks the format is refused
// with a *FormatError that names the field, its offset and the numbers.
package gguf

import (
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
)

// File is an open model file, or the parts of one that is split. It may be
// read from many goroutines; Close must come after all use of it.
type File struct {
	parts   []*part
	keys    map[string]*entry
	tensors []Tensor
	byName  map[string]int

	reading sync.WaitGroup // reads ahead, see Advise
	closing atomic.Bool    // stops them
}

// Tensor is one entry of the tensor directory with its data.
type Tensor struct {
	Name string
	Type Type
	// Dims has one to four sizes in ggml's order: Dims[0] is the length of a
	// row, whose elements lie next to each other.
	Dims []int64
	// Data is a view on the mapping, valid until the file is closed. A read
	// of it faults when the file is truncated meanwhile: see File.Guard.
	Data   []byte
	Offset int64 // of Data in its file
	Part   int   // index of its file, see File.Parts
}

// Elements is the number of elements.
func (t Tensor) Elements() int64 {
	n := int64(1)
	for _, d := range t.Dims {
		n *= d
	}
	return n
}

// Open maps a file and checks its metadata and tensor directory. The first
// part of a split model, name-00001-of-0000N.gguf, brings the others with it.
// The overrides stand in for what the metadata says.
func Open(path string, overrides ...Override) (*File, error) {
	first, err := openPart(path)
	if err != nil {
		return nil, err
	}
	f := &File{parts: []*part{first}}
	err = f.openRest()
	if err == nil {
		err = f.override(overrides)
	}
	if err == nil {
		err = f.index()
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// Parse reads a file that is already in memory, such as an embedded one. The
// name stands in for its path. The data must not change while it is in use.
func Parse(name string, data []byte, overrides ...Override) (*File, error) {
	p := &part{path: name, data: data}
	if err := p.parse(); err != nil {
		return nil, err
	}
	f := &File{parts: []*part{p}}
	if _, count, err := p.place(); err != nil {
		return nil, err
	} else if count > 1 {
		return nil, fmt.Errorf("%s: is one of %d parts, and only a file on disk can be split", name, count)
	}
	if err := f.override(overrides); err != nil {
		return nil, err
	}
	if err := f.index(); err != nil {
		return nil, err
	}
	return f, nil
}

func openPart(path string) (*part, error) {
	m, err := mapFile(path)
	if err != nil {
		return nil, err
	}
	p := &part{path: path, data: m, unmap: m.Unmap}
	if err := guard([]*part{p}, p.parse); err != nil {
		return nil, errors.Join(err, m.Unmap())
	}
	return p, nil
}

var partName = regexp.MustCompile(`(?s)^(.*)-(\d{5})-of-(\d{5})\.gguf$`)

func partPath(prefix string, no, count uint64) string {
	return fmt.Sprintf("%s-%05d-of-%05d.gguf", prefix, no+1, count)
}

// place is a part's number, from 0, and how many parts there are.
func (p *part) place() (no, count uint64, err error) {
	no, err = p.uintOr("split.no", 0)
	if err != nil {
		return 0, 0, err
	}
	count, err = p.uintOr("split.count", 1)
	if err != nil {
		return 0, 0, err
	}
	return no, max(count, 1), nil
}

func (f *File) openRest() error {
	first := f.parts[0]
	no, count, err := first.place()
	if err != nil {
		return err
	}
	if count == 1 {
		return f.checkCount() // a whole file, whatever its name looks like
	}
	m := partName.FindStringSubmatch(first.path)
	if m == nil {
		return fmt.Errorf("%s: is part %d of %d: it must be named like %s, as the parts find each other by name",
			first.path, no+1, count, filepath.Base(partPath("name", no, count)))
	}
	prefix := m[1]
	named, _ := strconv.ParseUint(m[3], 10, 64)
	switch {
	case named != count:
		return fmt.Errorf("%s: the name says %d parts, split.count in the file says %d", first.path, named, count)
	case no != 0:
		return fmt.Errorf("%s: is part %d of %d: open the first, %s", first.path, no+1, count, partPath(prefix, 0, count))
	}
	for i := uint64(1); i < count; i++ {
		p, err := openPart(partPath(prefix, i, count))
		if err != nil {
			return fmt.Errorf("part %d of %d: %w", i+1, count, err)
		}
		f.parts = append(f.parts, p)
		if no, n, err := p.place(); err != nil {
			return err
		} else if no != i || n != count {
			return fmt.Errorf("%s: is part %d of %d, not %d of %d", p.path, no+1, n, i+1, count)
		}
	}
	return f.checkCount()
}

// checkCount holds the tensors of all parts against what the first states.
func (f *File) checkCount() error {
	first := f.parts[0]
	total := 0
	for _, p := range f.parts {
		total += len(p.tensors)
	}
	if want, err := first.uintOr("split.tensors.count", uint64(total)); err != nil {
		return err
	} else if want != uint64(total) {
		return fmt.Errorf("%s: split.tensors.count is %d, the %d parts hold %d tensors", first.path, want, len(f.parts), total)
	}
	return nil
}

// index brings the parts together. The metadata is that of the first part.
func (f *File) index() error {
	first := f.parts[0]
	f.keys = make(map[string]*entry, len(first.entries))
	for i := range first.entries {
		f.keys[first.entries[i].key] = &first.entries[i]
	}
	total := 0
	for _, p := range f.parts {
		total += len(p.tensors)
	}
	f.tensors = make([]Tensor, 0, total)
	f.byName = make(map[string]int, total)
	for i, p := range f.parts {
		for j, t := range p.tensors {
			if other, dup := f.byName[t.Name]; dup {
				return &FormatError{
					Path: p.path, Field: t.Name, Offset: int64(p.named[j]),
					Problem: fmt.Sprintf("tensor %d has the name of tensor %d", len(f.tensors), other),
					Got:     uint64(len(f.tensors)), Limit: uint64(other),
				}
			}
			t.Part = i
			f.byName[t.Name] = len(f.tensors)
			f.tensors = append(f.tensors, t)
		}
	}
	return nil
}

// Close unmaps the file. Views of it, such as tensor data, must not be used
// any more.
func (f *File) Close() error {
	f.closing.Store(true)
	f.reading.Wait()
	var errs []error
	for _, p := range f.parts {
		if p.unmap != nil {
			errs = append(errs, p.unmap())
		}
	}
	f.parts, f.keys, f.tensors, f.byName = nil, nil, nil, nil
	return errors.Join(errs...)
}

// Path is the path the file was opened by.
func (f *File) Path() string {
	if len(f.parts) == 0 {
		return ""
	}
	return f.parts[0].path
}

// Parts are the paths of all files, in order.
func (f *File) Parts() []string {
	paths := make([]string, len(f.parts))
	for i, p := range f.parts {
		paths[i] = p.path
	}
	return paths
}

// Version is that of the format, 2 or 3.
func (f *File) Version() uint32 {
	if len(f.parts) == 0 {
		return 0
	}
	return f.parts[0].version
}

// Size is the number of bytes of all parts.
func (f *File) Size() int64 {
	var n int64
	for _, p := range f.parts {
		n += int64(len(p.data))
	}
	return n
}

// Tensors lists the tensors in the order of the file.
func (f *File) Tensors() []Tensor { return f.tensors }

// Tensor looks a tensor up by name.
func (f *File) Tensor(name string) (Tensor, bool) {
	i, ok := f.byName[name]
	if !ok {
		return Tensor{}, false
	}
	return f.tensors[i], true
}

// Advise has the system read the files ahead in the background, so that a
// cold model loads at the full speed of the disk.
func (f *File) Advise() {
	// Linux reads no more per call than the read-ahead of the device, whose
	// default is this much.
	const window = 128 << 10
	for _, p := range f.parts {
		if p.unmap == nil {
			continue // not from a file
		}
		f.reading.Go(func() {
			for data := range slices.Chunk(p.data, window) {
				if f.closing.Load() || willNeed(data) != nil {
					return // it was only advice
				}
			}
		})
	}
}
