package gguf

import (
	"encoding/binary"
	"encoding/csv"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
)

// Override gives a metadata key another value than the file does, or one that
// the file lacks.
type Override struct {
	Key   string
	Value Value // of type Int64, Float64, Bool or String
}

// ParseOverride reads KEY=TYPE:VALUE, where TYPE is int, float, bool or str:
// the form in which llama.cpp takes them.
func ParseOverride(s string) (Override, error) {
	key, typed, ok := strings.Cut(s, "=")
	kind, text, ok2 := strings.Cut(typed, ":")
	if !ok || !ok2 || key == "" {
		return Override{}, fmt.Errorf("%q is not of the form KEY=TYPE:VALUE", s)
	}
	o := Override{Key: key}
	var err error
	switch kind {
	case "int":
		o.Value.Type = Int64
		o.Value.Any, err = strconv.ParseInt(text, 10, 64)
	case "float":
		o.Value.Type = Float64
		o.Value.Any, err = strconv.ParseFloat(text, 64)
	case "bool":
		o.Value.Type = Bool
		o.Value.Any = text == "true"
		if text != "true" && text != "false" {
			err = strconv.ErrSyntax
		}
	case "str":
		o.Value = Value{Type: String, Any: text}
	default:
		return Override{}, fmt.Errorf("%q: the type %q is none of int, float, bool, str", s, kind)
	}
	if err != nil {
		return Override{}, fmt.Errorf("%q: %q is no value of type %s", s, text, kind)
	}
	return o, nil
}

// ParseOverrides reads overrides from texts with one or more of them each,
// KEY=TYPE:VALUE,KEY=TYPE:VALUE; one with a comma in it is put in quotes, as
// in CSV. A key must not come twice.
func ParseOverrides(texts ...string) ([]Override, error) {
	var out []Override
	seen := make(map[string]bool)
	for _, text := range texts {
		r := csv.NewReader(strings.NewReader(text))
		r.LazyQuotes = true
		fields, err := r.Read()
		if err != nil && err != io.EOF {
			return nil, fmt.Errorf("%q: %w", text, err)
		}
		for _, field := range fields {
			o, err := ParseOverride(field)
			if err != nil {
				return nil, err
			}
			if seen[o.Key] {
				return nil, fmt.Errorf("%s is overridden twice", printable(o.Key))
			}
			seen[o.Key] = true
			out = append(out, o)
		}
	}
	return out, nil
}

// overridden is the offset of a value that is not in the file.
const overridden = -1

// override puts the values into the metadata of the first part.
func (f *File) override(list []Override) error {
	p := f.parts[0]
	for _, o := range list {
		if o.Key == "general.alignment" || strings.HasPrefix(o.Key, "split.") {
			return fmt.Errorf("%s says where things lie in the file and cannot be overridden", o.Key)
		}
		e := entry{key: o.Key, typ: o.Value.Type, at: overridden}
		le := binary.LittleEndian
		switch v := o.Value.Any.(type) {
		case int64:
			e.raw = le.AppendUint64(nil, uint64(v))
		case float64:
			e.raw = le.AppendUint64(nil, math.Float64bits(v))
		case bool:
			e.raw = []byte{0}
			if v {
				e.raw[0] = 1
			}
		case string:
			e.raw = []byte(v)
		default:
			return fmt.Errorf("%s cannot be overridden by a value of type %s", printable(o.Key), o.Value.TypeName())
		}
		p.set(e)
	}
	return nil
}

// set replaces the entry of a key, or adds one.
func (p *part) set(e entry) {
	for i := range p.entries {
		if p.entries[i].key == e.key {
			p.entries[i] = e
			return
		}
	}
	p.entries = append(p.entries, e)
}
