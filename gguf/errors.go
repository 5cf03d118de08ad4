package gguf

import (
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
	"unsafe"
)

// ErrMissing is wrapped by the error of a getter whose key is not in the file.
var ErrMissing = errors.New("not in the file")

// FormatError says where a file breaks the format, or has a value that its
// reader cannot use.
type FormatError struct {
	Path    string
	Field   string // metadata key, tensor name or header field, with the part of it that is wrong
	Offset  int64  // of the wrong bytes, from the start of the file; -1 for a value that an Override gave
	Problem string // what is wrong, with Got and Limit spelled out where they matter
	Got     uint64 // what the file says
	Limit   uint64 // what it was held against
}

func (e *FormatError) Error() string {
	if e.Offset == overridden {
		return fmt.Sprintf("%s: %s as overridden %s", e.Path, printable(e.Field), e.Problem)
	}
	return fmt.Sprintf("%s: %s at byte %d: %s", e.Path, printable(e.Field), e.Offset, e.Problem)
}

// printable makes a name from a file safe to show: names can be long, and
// hold line breaks and what steers a terminal.
func printable(name string) string {
	const most = 100
	if len(name) > most {
		name = strings.ToValidUTF8(name[:most], "") + "…"
	}
	if strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) || r == utf8.RuneError }) {
		return strconv.Quote(name)
	}
	return name
}

// FaultError says that mapped bytes of a file could not be read: the file
// was truncated under the mapping, or its device failed.
type FaultError struct {
	Path   string
	Offset int64
}

func (e *FaultError) Error() string {
	return fmt.Sprintf("%s: cannot read byte %d: the file was truncated or its disk failed after it was opened", e.Path, e.Offset)
}

// Wrap says which file an error is about: its path once, then the problems on
// one line. A reader of a model uses it for errors of its own and of the
// getters alike, joined or not; nil stays nil.
func (f *File) Wrap(err error) error {
	if err == nil {
		return nil
	}
	return &fileError{f.Path(), err}
}

type fileError struct {
	path string
	err  error
}

func (e *fileError) Error() string {
	problems := strings.Split(e.err.Error(), "\n")
	for i, p := range problems {
		problems[i] = strings.TrimPrefix(p, e.path+": ")
	}
	return e.path + ": " + strings.Join(problems, "; ")
}

func (e *fileError) Unwrap() error { return e.err }

// Guard runs fn, which reads views of the file (tensor data), and returns a
// *FaultError if the file can no longer be read there: without it, such a
// read ends the process. It covers the calling goroutine only. The getters of
// File guard themselves.
func (f *File) Guard(fn func() error) error { return guard(f.parts, fn) }

func guard(parts []*part, fn func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if r := recover(); r != nil {
			fault := faultIn(parts, r)
			if fault == nil {
				panic(r)
			}
			err = fault
		}
	}()
	return fn()
}

// faultIn gives the error for a recovered panic that was a fault inside one
// of the mappings, or nil for any other panic.
func faultIn(parts []*part, r any) *FaultError {
	fault, ok := r.(interface {
		runtime.Error
		Addr() uintptr
	})
	if !ok {
		return nil
	}
	for _, p := range parts {
		base := uintptr(unsafe.Pointer(unsafe.SliceData(p.data)))
		if off := fault.Addr() - base; off < uintptr(len(p.data)) {
			return &FaultError{Path: p.path, Offset: int64(off)}
		}
	}
	return nil
}
