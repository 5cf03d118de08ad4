package gguf

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"text/tabwriter"
	"unicode/utf8"
)

// How much of a value WriteText shows unless verbose.
const (
	shownElements = 5
	shownRunes    = 72
)

// WriteText writes the metadata and the tensors for people to read. Arrays
// and texts are cut short unless verbose.
func (f *File) WriteText(w io.Writer, verbose bool) error {
	out := bufio.NewWriter(w)
	fmt.Fprintf(out, "%s: GGUF version %d, %d bytes", f.Path(), f.Version(), f.Size())
	if n := len(f.parts); n > 1 {
		fmt.Fprintf(out, " in %d parts", n)
	}
	fmt.Fprintf(out, "\n\n%d metadata keys\n", len(f.Keys()))

	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, key := range f.Keys() {
		v, err := get(f, key, (*entry).value)
		if err != nil {
			return err
		}
		fmt.Fprintf(table, "  %s\t%s\t%s\n", printable(key), describe(v), abbreviate(v, verbose))
	}
	if err := table.Flush(); err != nil {
		return err
	}

	fmt.Fprintf(out, "\n%d tensors", len(f.tensors))
	for _, line := range f.summary() {
		fmt.Fprintf(out, "\n  %s", line)
	}
	fmt.Fprint(out, "\n\n")
	table = tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "type\trows × columns\tbytes\toffset\t  name")
	for _, t := range f.tensors {
		fmt.Fprintf(table, "%s\t%s\t%d\t%d\t  %s\n", t.Type, shape(t.Dims), len(t.Data), t.Offset, printable(t.Name))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	return out.Flush()
}

// summary counts tensors, elements and bytes of each type.
func (f *File) summary() []string {
	var count [len(types)]int
	var elements, size [len(types)]int64
	for _, t := range f.tensors {
		count[t.Type]++
		elements[t.Type] += t.Elements()
		size[t.Type] += int64(len(t.Data))
	}
	var lines []string
	for i, n := range count {
		if n > 0 {
			lines = append(lines, fmt.Sprintf("%d of %s: %d elements, %d bytes", n, Type(i), elements[i], size[i]))
		}
	}
	return lines
}

// shape writes dimensions as rows × columns, the row length last.
func shape(dims []int64) string {
	sizes := make([]string, len(dims))
	for i, d := range dims {
		sizes[len(dims)-1-i] = strconv.FormatInt(d, 10)
	}
	return strings.Join(sizes, " × ")
}

// describe is the type, and for arrays the number of elements.
func describe(v Value) string {
	if v.Type != Array {
		return v.Type.String()
	}
	return fmt.Sprintf("%s × %d", v.Elem, reflect.ValueOf(v.Any).Len())
}

func abbreviate(v Value, verbose bool) string {
	switch x := v.Any.(type) {
	case string:
		if !verbose && utf8.RuneCountInString(x) > shownRunes {
			return fmt.Sprintf("%q… (%d bytes)", string([]rune(x)[:shownRunes]), len(x))
		}
		return strconv.Quote(x)
	case float32:
		return strconv.FormatFloat(float64(x), 'g', -1, 32)
	}
	if v.Type != Array {
		return fmt.Sprint(v.Any)
	}
	list := reflect.ValueOf(v.Any)
	shown := list.Len()
	if !verbose {
		shown = min(shown, shownElements)
	}
	texts := make([]string, shown, shown+1)
	for i := range texts {
		element, ok := list.Index(i).Interface().(Value)
		if !ok {
			element = Value{Any: list.Index(i).Interface()}
		}
		texts[i] = abbreviate(element, verbose)
	}
	if shown < list.Len() {
		texts = append(texts, "…")
	}
	return "[" + strings.Join(texts, ", ") + "]"
}

// WriteJSON writes everything but tensor data as one JSON object:
//
//	{"version", "alignment", "parts": [file names],
//	 "metadata": {key: {"type", "value"}},
//	 "tensors": [{"name", "type", "dims", "offset", "bytes", "file"}]}
//
// Keys and tensors stand in the order of the file, dims in ggml's (the row
// length first); offset is from the start of the tensor's file. Numbers that
// JSON lacks (NaN, infinities) are strings.
func (f *File) WriteJSON(w io.Writer) error {
	names := make([]string, len(f.parts))
	for i, p := range f.parts {
		names[i] = filepath.Base(p.path)
	}
	out := &jsonWriter{w: bufio.NewWriter(w)}
	out.text("{\n  \"version\": ").value(f.Version())
	out.text(",\n  \"alignment\": ").value(f.alignment())
	out.text(",\n  \"parts\": ").value(names)
	out.text(",\n  \"metadata\": {")
	for i, key := range f.Keys() {
		v, err := get(f, key, (*entry).value)
		if err != nil {
			return err
		}
		out.next(i).value(key)
		out.text(": {\"type\": ").value(v.TypeName())
		out.text(", \"value\": ").value(plain(v.Any)).text("}")
	}
	out.text("\n  },\n  \"tensors\": [")
	for i, t := range f.tensors {
		out.next(i).value(struct {
			Name   string  `json:"name"`
			Type   string  `json:"type"`
			Dims   []int64 `json:"dims"`
			Offset int64   `json:"offset"`
			Bytes  int     `json:"bytes"`
			File   string  `json:"file"`
		}{t.Name, t.Type.String(), t.Dims, t.Offset, len(t.Data), names[t.Part]})
	}
	out.text("\n  ]\n}\n")
	if out.err != nil {
		return out.err
	}
	return out.w.Flush()
}

func (f *File) alignment() uint64 {
	if len(f.parts) == 0 {
		return 0
	}
	return f.parts[0].alignment
}

// jsonWriter writes an object whose order of keys is that of the calls.
type jsonWriter struct {
	w   *bufio.Writer
	err error
}

func (j *jsonWriter) text(s string) *jsonWriter {
	j.w.WriteString(s) // an error stays until Flush
	return j
}

// next starts item i of a list.
func (j *jsonWriter) next(i int) *jsonWriter {
	if i > 0 {
		j.text(",")
	}
	return j.text("\n    ")
}

// value writes v with < and > as they are: tokens are full of them.
func (j *jsonWriter) value(v any) *jsonWriter {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil && j.err == nil {
		j.err = err
	}
	j.w.Write(bytes.TrimSuffix(b.Bytes(), []byte("\n")))
	return j
}

// plain makes a metadata value fit for json.Marshal.
func plain(v any) any {
	switch x := v.(type) {
	case float32:
		if f := float64(x); math.IsNaN(f) || math.IsInf(f, 0) {
			return fmt.Sprint(x)
		}
	case float64:
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return fmt.Sprint(x)
		}
	case []float32:
		return plains(x)
	case []float64:
		return plains(x)
	case []uint8: // would become base64
		return plains(x)
	case []Value:
		out := make([]any, len(x))
		for i, inner := range x {
			out[i] = plain(inner.Any)
		}
		return out
	}
	return v
}

func plains[T any](list []T) []any {
	out := make([]any, len(list))
	for i, x := range list {
		out[i] = plain(x)
	}
	return out
}
