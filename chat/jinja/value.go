package jinja

import (
	"cmp"
	"math"
	"math/big"
	"strconv"
	"strings"
)

// The values of a template are nil (None), bool, int64, float64, Text, *List,
// *Dict, and those below. None of them changes once it is made, but namespaces.

// List is a list, a tuple, or what a generator would give.
type List struct {
	items []any
	tuple bool
	lazy  bool // a generator: always true, without a length
}

// NewList makes a list.
func NewList(items ...any) *List { return &List{items: items} }

// Dict is a mapping that keeps its order.
type Dict struct {
	keys, values []any
	index        map[string]int // by hashKey; nil while it is small
}

// smallDict is the size up to which keys are searched one by one.
const smallDict = 8

// Set gives a key its value.
func (d *Dict) Set(key, value any) {
	if i := d.find(key); i >= 0 {
		d.values[i] = value
		return
	}
	d.keys, d.values = append(d.keys, key), append(d.values, value)
	switch n := len(d.keys); {
	case d.index != nil:
		d.index[hashKey(key)] = n - 1
	case n > smallDict:
		d.index = make(map[string]int, 2*n)
		for i, k := range d.keys {
			d.index[hashKey(k)] = i
		}
	}
}

// SetText gives a key of the program's own its value.
func (d *Dict) SetText(key string, value any) { d.Set(Trusted(key), value) }

// Get is the value of a key.
func (d *Dict) Get(key string) (any, bool) {
	if i := d.findText(key); i >= 0 {
		return d.values[i], true
	}
	return nil, false
}

// Len is the number of keys.
func (d *Dict) Len() int { return len(d.keys) }

// Clone is a dict of its own with the same values.
func (d *Dict) Clone() *Dict {
	c := &Dict{}
	for i, k := range d.keys {
		c.Set(k, d.values[i])
	}
	return c
}

// Each calls f for the keys in their order.
func (d *Dict) Each(f func(key string, value any)) {
	for i, k := range d.keys {
		f(str(k).s, d.values[i])
	}
}

func (d *Dict) find(key any) int {
	if t, ok := key.(Text); ok {
		return d.findText(t.s)
	}
	h := hashKey(key)
	if d.index != nil {
		if i, ok := d.index[h]; ok {
			return i
		}
		return -1
	}
	for i, k := range d.keys {
		if hashKey(k) == h {
			return i
		}
	}
	return -1
}

func (d *Dict) findText(key string) int {
	if d.index != nil {
		if i, ok := d.index["s"+key]; ok {
			return i
		}
		return -1
	}
	for i, k := range d.keys {
		if t, ok := k.(Text); ok && t.s == key {
			return i
		}
	}
	return -1
}

// hashKey is equal for keys that are equal; "" for what cannot be a key.
func hashKey(key any) string {
	switch k := key.(type) {
	case nil:
		return "0"
	case Text:
		return "s" + k.s
	case bool:
		if k {
			return "n1"
		}
		return "n0"
	case int64:
		return "n" + strconv.FormatInt(k, 10)
	case float64:
		if k == math.Trunc(k) && math.Abs(k) < 1<<62 {
			return "n" + strconv.FormatInt(int64(k), 10)
		}
		return "f" + strconv.FormatFloat(k, 'g', -1, 64)
	case *List:
		if k.tuple {
			return "t" + repr(k)
		}
	}
	return ""
}

// undefined is what a name, an attribute or an item gives that is not there.
type undefined struct{ what string }

// namespace is the one value that templates may change.
type namespace struct{ vars *Dict }

// function is what can be called.
type function struct {
	name string
	call func(e *exec, p pos, a *callArgs) any
}

// truth is Python's bool().
func truth(v any) bool {
	switch v := v.(type) {
	case nil, undefined:
		return false
	case bool:
		return v
	case int64:
		return v != 0
	case float64:
		return v != 0
	case Text:
		return v.s != ""
	case *List:
		return v.lazy || len(v.items) > 0
	case *Dict:
		return len(v.keys) > 0
	}
	return true
}

// typeName is Python's name of a value's type, for messages.
func typeName(v any) string {
	switch v := v.(type) {
	case nil:
		return "NoneType"
	case undefined:
		return "Undefined"
	case bool:
		return "bool"
	case int64, *big.Int:
		return "int"
	case float64:
		return "float"
	case Text:
		return "str"
	case *List:
		switch {
		case v.lazy:
			return "generator"
		case v.tuple:
			return "tuple"
		}
		return "list"
	case *Dict:
		return "dict"
	case *namespace:
		return "Namespace"
	}
	return "function"
}

// number is a value as a number, if it is one.
func number(v any) (i int64, f float64, isInt, ok bool) {
	switch v := v.(type) {
	case bool:
		if v {
			return 1, 1, true, true
		}
		return 0, 0, true, true
	case int64:
		return v, float64(v), true, true
	case float64:
		return 0, v, false, true
	}
	return 0, 0, false, false
}

// equal is Python's ==.
func equal(a, b any) bool {
	if i, f, isInt, ok := number(a); ok {
		j, g, alsoInt, ok := number(b)
		return ok && (isInt && alsoInt && i == j || !(isInt && alsoInt) && f == g)
	}
	switch a := a.(type) {
	case nil:
		return b == nil
	case undefined:
		_, ok := b.(undefined)
		return ok
	case Text:
		t, ok := b.(Text)
		return ok && a.s == t.s
	case *big.Int:
		x, ok := b.(*big.Int)
		return ok && a.Cmp(x) == 0
	case *List:
		x, ok := b.(*List)
		if !ok || a.tuple != x.tuple || len(a.items) != len(x.items) || a.lazy != x.lazy {
			return false
		}
		for i := range a.items {
			if !equal(a.items[i], x.items[i]) {
				return false
			}
		}
		return true
	case *Dict:
		x, ok := b.(*Dict)
		if !ok || len(a.keys) != len(x.keys) {
			return false
		}
		for i, k := range a.keys {
			j := x.find(k)
			if j < 0 || !equal(a.values[i], x.values[j]) {
				return false
			}
		}
		return true
	}
	return a == b
}

// order compares as Python's < does; ok is false where that is a TypeError.
func order(a, b any) (c int, ok bool) {
	if i, f, isInt, ok := number(a); ok {
		j, g, alsoInt, ok := number(b)
		switch {
		case !ok:
			return 0, false
		case isInt && alsoInt:
			return cmp.Compare(i, j), true
		}
		return cmp.Compare(f, g), true
	}
	switch a := a.(type) {
	case Text:
		if t, ok := b.(Text); ok {
			return strings.Compare(a.s, t.s), true
		}
	case *List:
		x, ok := b.(*List)
		if !ok || a.tuple != x.tuple {
			return 0, false
		}
		for i := range min(len(a.items), len(x.items)) {
			if equal(a.items[i], x.items[i]) {
				continue
			}
			return order(a.items[i], x.items[i])
		}
		return cmp.Compare(len(a.items), len(x.items)), true
	}
	return 0, false
}
