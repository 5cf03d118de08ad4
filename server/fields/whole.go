package fields

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
	"strings"
)

// isNumber says whether a valid JSON value is a number.
func isNumber(raw json.RawMessage) bool {
	return raw[0] == '-' || raw[0] >= '0' && raw[0] <= '9'
}

// whole is a JSON number without a fraction, exact: 42, 42.0 and 4.2e1 are
// one number.
type whole struct {
	negative  bool
	magnitude uint64
	huge      bool // the magnitude is above 64 bits
}

// wholeNumber reads a valid JSON value; false says that it is no whole number.
func wholeNumber(raw json.RawMessage) (w whole, ok bool) {
	if !isNumber(raw) {
		return w, false
	}
	text, negative := strings.CutPrefix(string(raw), "-")
	mantissa, exponent, _ := strings.Cut(strings.ToLower(text), "e")
	before, after, _ := strings.Cut(mantissa, ".")
	digits := strings.TrimLeft(before+after, "0")
	if digits == "" {
		return whole{}, true // no negative zero
	}
	w.negative = negative
	shift := 0
	if exponent != "" {
		var err error
		if shift, err = strconv.Atoi(exponent); err != nil { // beyond any range
			w.huge = exponent[0] != '-'
			return w, w.huge
		}
	}
	shift -= len(after)
	significant := strings.TrimRight(digits, "0")
	shift += len(digits) - len(significant)
	switch {
	case shift < 0:
		return w, false
	case len(significant)+shift > 20:
		w.huge = true
		return w, true
	}
	n, err := strconv.ParseUint(significant+strings.Repeat("0", shift), 10, 64)
	w.magnitude, w.huge = n, err != nil
	return w, true
}

// in says whether the number is in a range, and returns it.
func (w whole) in(lo, hi int64) (int64, bool) {
	var n int64
	switch {
	case w.huge:
		return 0, false
	case !w.negative && w.magnitude <= math.MaxInt64:
		n = int64(w.magnitude)
	case w.negative && w.magnitude <= 1<<63:
		n = int64(-w.magnitude)
	default:
		return 0, false
	}
	return n, n >= lo && n <= hi
}

// Integer sets dst to a whole number in [lo, hi].
func (o *Object) Integer(name string, dst *int, lo, hi int) {
	o.integer(name, dst, lo, hi, "")
}

// IntegerOr sets dst to a whole number in [lo, hi], or to -1, which stands for
// what otherwise says, as "no limit".
func (o *Object) IntegerOr(name string, dst *int, lo, hi int, otherwise string) {
	o.integer(name, dst, lo, hi, otherwise)
}

func (o *Object) integer(name string, dst *int, lo, hi int, otherwise string) {
	raw, ok := o.value(name)
	if !ok {
		return
	}
	w, ok := wholeNumber(raw)
	if !ok {
		o.wrongType(name, "an integer", raw)
		return
	}
	n, ok := w.in(int64(lo), int64(hi))
	switch {
	case ok:
		*dst = int(n)
	case otherwise == "":
		o.Fail(name, "%s is %s, must be from %d to %d", name, short(raw), lo, hi)
	case n == -1:
		*dst = -1
	default:
		o.Fail(name, "%s is %s, must be from %d to %d, or -1 for %s", name, short(raw), lo, hi, otherwise)
	}
}

// Seed sets dst to a whole number of 64 bits and says whether there was one;
// -1 stands for a random one, as if the member were not there.
func (o *Object) Seed(name string, dst *uint64) bool {
	raw, ok := o.value(name)
	if !ok {
		return false
	}
	w, ok := wholeNumber(raw)
	switch {
	case !ok:
		o.wrongType(name, "an integer", raw)
	case w.negative && w.magnitude == 1 && !w.huge:
	case w.negative || w.huge:
		o.Fail(name, "%s is %s, must be from 0 to %d, or -1 for a random one", name, short(raw), uint64(math.MaxUint64))
	default:
		*dst = w.magnitude
		return true
	}
	return false
}

// TokenIDs sets dst to a list of token ids and says whether the member was
// there.
func (o *Object) TokenIDs(name string, dst *[]int32) bool {
	raw, ok := o.value(name)
	if !ok {
		return false
	}
	if raw[0] != '[' {
		o.wrongType(name, "a list of token ids", raw)
		return false
	}
	// By hand: a list of raw values would take ten times its text.
	ids := make([]int32, 0, bytes.Count(raw, []byte(","))+1)
	for rest := bytes.TrimLeft(raw[1:], " \t\r\n"); rest[0] != ']'; {
		end := bytes.IndexAny(rest, ",] \t\r\n[{\"")
		w, ok := whole{}, false
		if end > 0 {
			w, ok = wholeNumber(rest[:end])
		}
		if !ok {
			o.Fail(name, "%s must be a list of token ids, found %s at %d", name, short(rest[:len(rest)-1]), len(ids))
			return false
		}
		n, ok := w.in(0, math.MaxInt32)
		if !ok {
			o.Fail(name, "%s[%d] is %s, must be from 0 to %d", name, len(ids), short(rest[:end]), math.MaxInt32)
			return false
		}
		ids = append(ids, int32(n))
		rest = bytes.TrimLeft(rest[end:], " \t\r\n")
		if rest[0] == ',' {
			rest = bytes.TrimLeft(rest[1:], " \t\r\n")
		}
	}
	*dst = ids
	return true
}

// Biases sets dst to an object of token ids and the numbers in [-most, most]
// that are added to their logits.
func (o *Object) Biases(name string, dst *map[int32]float32, most float64) {
	const want = `an object of token ids and numbers, as {"42": -1.5}`
	raw, ok := o.value(name)
	if !ok {
		return
	}
	if raw[0] != '{' {
		o.wrongType(name, want, raw)
		return
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	biases := make(map[int32]float32)
	_, _ = d.Token() // the brace; all of it is valid JSON
	for d.More() {
		key, _ := d.Token()
		value, _ := d.Token()
		id, err := strconv.ParseInt(key.(string), 10, 32)
		number, ok := value.(json.Number)
		if err != nil || id < 0 || !ok {
			o.wrongType(name, want, raw)
			return
		}
		b, err := number.Float64()
		if err != nil || b < -most || b > most {
			o.Fail(name, "%s of token %d is %s, must be from %v to %v", name, id, short(string(number)), -most, most)
			return
		}
		if _, twice := biases[int32(id)]; twice {
			o.Fail(name, "%s names token %d twice", name, id)
			return
		}
		biases[int32(id)] = float32(b)
	}
	*dst = biases
}
