package model

import (
	"errors"
	"fmt"
	"strings"

	"cllm/gguf"
	"cllm/tensor"
)

// maxProblems bounds how many faults of a file one error lists.
const maxProblems = 20

// binder looks tensors up by name, checks their shapes and gathers what is
// missing or wrong.
type binder struct {
	file    *gguf.File
	used    map[string]bool
	missing []string
	errs    []error
}

func newBinder(f *gguf.File) *binder {
	return &binder{file: f, used: make(map[string]bool, len(f.Tensors()))}
}

func (b *binder) has(name string) bool {
	_, ok := b.file.Tensor(name)
	return ok
}

func (b *binder) tensor(name string) (gguf.Tensor, bool) {
	t, ok := b.file.Tensor(name)
	if !ok {
		b.missing = append(b.missing, name)
	}
	b.used[name] = true
	return t, ok
}

func (b *binder) matrix(name string, rows, cols int) tensor.Matrix {
	t, ok := b.tensor(name)
	if !ok {
		return tensor.Matrix{}
	}
	m, err := tensor.NewMatrix(t)
	if err == nil && (m.Rows != rows || m.Cols != cols) {
		err = fmt.Errorf("tensor %q is %d x %d, the metadata says %d x %d", name, m.Rows, m.Cols, rows, cols)
	}
	if err != nil {
		b.errs = append(b.errs, err)
	}
	return m
}

func (b *binder) vector(name string, n int) []float32 {
	t, ok := b.tensor(name)
	if !ok {
		return nil
	}
	v, err := tensor.Vector(t)
	if err == nil && len(v) != n {
		err = fmt.Errorf("tensor %q has %d values, the metadata says %d", name, len(v), n)
	}
	if err != nil {
		b.errs = append(b.errs, err)
	}
	return v
}

// err is what is wrong. A tensor that the architecture does not know is an
// error too: leaving it out would give wrong answers in silence.
func (b *binder) err(arch string) error {
	errs := b.errs
	if len(b.missing) > 0 {
		errs = append(errs, fmt.Errorf("the file lacks the tensors %s", list(b.missing)))
	}
	if len(errs) == 0 {
		var unknown []string
		for _, t := range b.file.Tensors() {
			if !b.used[t.Name] {
				unknown = append(unknown, t.Name)
			}
		}
		if len(unknown) > 0 {
			errs = append(errs, fmt.Errorf("architecture %s has no use for the tensors %s", arch, list(unknown)))
		}
	}
	if len(errs) > maxProblems {
		errs = append(errs[:maxProblems:maxProblems], errors.New("and more"))
	}
	return errors.Join(errs...)
}

func list(names []string) string {
	if n := len(names) - maxProblems; n > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:maxProblems], ", "), n)
	}
	return strings.Join(names, ", ")
}
