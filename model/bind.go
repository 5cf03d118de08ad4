package model

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"cllm/gguf"
	"cllm/tensor"
)

// maxProblems bounds how many faults of a file one error lists.
const maxProblems = 20

// binder looks tensors up by name, checks their shapes and keeps what is
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

// linear is the product NAME.weight, with NAME.bias when the file has that.
func (b *binder) linear(name string, rows, cols int) linear {
	return linear{Matrix: b.matrix(name+".weight", rows, cols), bias: b.optional(name+".bias", rows)}
}

// optional is a vector, or nil when the file does not have it.
func (b *binder) optional(name string, n int) []float32 {
	if !b.has(name) {
		return nil
	}
	return b.vector(name, n)
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
		if _, unknown := b.unused(); len(unknown) > 0 {
			errs = append(errs, fmt.Errorf("architecture %s has no use for the tensors %s", arch, list(unknown)))
		}
	}
	if len(errs) > maxProblems {
		errs = append(errs[:maxProblems:maxProblems], errors.New("and more"))
	}
	return errors.Join(errs...)
}

// harmless matches tensors that add nothing to what is computed here: tables
// of the rotation that some converters wrote out, though the metadata gives it,
// and the head of a reranker, which leaves the logits as they are.
var harmless = regexp.MustCompile(`^(rope_freqs|rope_factors_(long|short)|blk\.\d+\.(attn_rot_embd|rope_freqs)|cls(\.output)?)\.(weight|bias)$`)

// unused are the tensors that nobody asked for, the harmless ones apart.
func (b *binder) unused() (ignored, unknown []string) {
	for _, t := range b.file.Tensors() {
		switch {
		case b.used[t.Name]:
		case harmless.MatchString(t.Name):
			ignored = append(ignored, t.Name)
		default:
			unknown = append(unknown, t.Name)
		}
	}
	return ignored, unknown
}

// warnings names the harmless tensors that are left out.
func (b *binder) warnings() []string {
	if ignored, _ := b.unused(); len(ignored) > 0 {
		return []string{"ignored are the tensors " + list(ignored)}
	}
	return nil
}

func list(names []string) string {
	if n := len(names) - maxProblems; n > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:maxProblems], ", "), n)
	}
	return strings.Join(names, ", ")
}
