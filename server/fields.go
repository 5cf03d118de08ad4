package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"cllm/runtime"
)

// maxBody is the most bytes a request's body may have.
const maxBody = 2 << 20

// fields reads the members of a JSON object one by one, each with its type and
// range. The first thing wrong stays in err; after it nothing is read.
type fields struct {
	raw     map[string]json.RawMessage
	err     error
	release func() // lets other large bodies in
}

// readFields reads the body of a request, which must be a JSON object in
// UTF-8, whole within the time that bodies have. The caller must release it.
func (s *Server) readFields(w http.ResponseWriter, r *http.Request) *fields {
	within := s.times.body
	release, err := s.bodies.admit(r, within)
	if err != nil {
		return &fields{err: err, release: func() {}}
	}
	c := http.NewResponseController(w)
	_ = c.SetReadDeadline(time.Now().Add(within)) // recorders of tests have none
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err == nil {
		_ = c.SetReadDeadline(time.Time{})
	} else {
		w.Header().Set("Connection", "close") // the rest of the body is not waited for
	}
	f := &fields{release: release}
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		f.err = &failure{status: http.StatusRequestEntityTooLarge, text: fmt.Sprintf("the body has more than %d bytes", large.Limit)}
	case errors.Is(err, os.ErrDeadlineExceeded):
		f.err = &failure{status: http.StatusRequestTimeout, text: fmt.Sprintf("the body did not arrive within %v", within)}
	case err != nil:
		f.err = badRequest("the body could not be read: %v", err)
	case !utf8.Valid(body):
		f.err = badRequest("the body is not valid UTF-8 (byte %d)", invalidByte(body))
	default:
		f.parse(body)
	}
	return f
}

func (f *fields) parse(body []byte) {
	d := json.NewDecoder(bytes.NewReader(body))
	err := d.Decode(&f.raw)
	var wrong *json.UnmarshalTypeError
	switch {
	case err == io.EOF:
		f.err = badRequest("the body is empty, want a JSON object")
	case errors.As(err, &wrong), err == nil && f.raw == nil:
		f.err = badRequest("the body is not a JSON object")
	case err != nil:
		f.err = badRequest("the body is not valid JSON: %v", err)
	default:
		if _, err := d.Token(); err != io.EOF {
			f.err = badRequest("the body goes on after the JSON object")
		}
	}
}

func invalidByte(b []byte) int {
	for i := 0; i < len(b); {
		r, n := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
	return len(b)
}

// take returns the member and forgets it; what is left in the end is unknown.
// A null is a member that is not there.
func (f *fields) take(name string) (json.RawMessage, bool) {
	if f.err != nil {
		return nil, false
	}
	raw, ok := f.raw[name]
	delete(f.raw, name)
	return raw, ok && !bytes.Equal(raw, []byte("null"))
}

// wrong notes that the member is not of its type.
func (f *fields) wrong(name, want string, raw json.RawMessage) {
	found := string(raw)
	if len(found) > 40 {
		found = string(bytes.ToValidUTF8(raw[:40], nil)) + "…"
	}
	f.err = badRequest("%s must be %s, found %s", name, want, found)
}

// str sets dst to a text and says whether the member was there.
func (f *fields) str(name string, dst *string) bool {
	raw, ok := f.take(name)
	if ok && json.Unmarshal(raw, dst) != nil {
		f.wrong(name, "a string", raw)
	}
	return ok && f.err == nil
}

// boolean sets dst to true or false.
func (f *fields) boolean(name string, dst *bool) {
	if raw, ok := f.take(name); ok && json.Unmarshal(raw, dst) != nil {
		f.wrong(name, "true or false", raw)
	}
}

// integer sets dst to a whole number in [lo, hi].
func (f *fields) integer(name string, dst *int, lo, hi int) {
	raw, ok := f.take(name)
	if !ok {
		return
	}
	n, isInt := wholeNumber(raw)
	switch {
	case !isInt:
		f.wrong(name, "an integer", raw)
	case n < float64(lo) || n > float64(hi):
		f.err = badRequest("%s is %s, must be from %d to %d", name, raw, lo, hi)
	default:
		*dst = int(n)
	}
}

// isNumber says whether a valid JSON value is a number.
func isNumber(raw json.RawMessage) bool {
	return raw[0] == '-' || raw[0] >= '0' && raw[0] <= '9'
}

// wholeNumber reads a JSON number without a fraction; 5e1 is one.
func wholeNumber(raw json.RawMessage) (float64, bool) {
	if !isNumber(raw) {
		return 0, false
	}
	x, err := strconv.ParseFloat(string(raw), 64)
	if errors.Is(err, strconv.ErrRange) {
		return x, true // infinite: out of any range
	}
	return x, err == nil && x == math.Trunc(x)
}

// number sets dst to a number in [lo, hi].
func (f *fields) number(name string, dst *float32, lo, hi float64) {
	raw, ok := f.take(name)
	if !ok {
		return
	}
	if !isNumber(raw) {
		f.wrong(name, "a number", raw)
		return
	}
	x, err := strconv.ParseFloat(string(raw), 64)
	if err != nil || x < lo || x > hi {
		f.err = badRequest("%s is %s, must be from %v to %v", name, raw, lo, hi)
		return
	}
	*dst = float32(x)
}

// positive sets dst to a number in (0, hi].
func (f *fields) positive(name string, dst *float32, hi float64) {
	x := *dst
	f.number(name, &x, 0, hi)
	switch {
	case f.err != nil:
	case x == 0:
		f.err = badRequest("%s is 0, must be above 0, to %v", name, hi)
	default:
		*dst = x
	}
}

// seed sets dst to a whole number of 64 bits; -1 stands for a random one.
func (f *fields) seed(name string, dst *runtime.Seed) {
	raw, ok := f.take(name)
	if !ok || string(raw) == "-1" {
		return
	}
	n, err := strconv.ParseUint(string(raw), 10, 64)
	if err == nil {
		*dst = runtime.FixedSeed(n)
		return
	}
	if _, isInt := wholeNumber(raw); !isInt {
		f.wrong(name, "an integer", raw)
		return
	}
	f.err = badRequest("%s is %s, must be from 0 to %d, or -1 for a random one", name, raw, uint64(math.MaxUint64))
}

// strs sets dst to a list of texts; one text alone is a list of one.
func (f *fields) strs(name string, dst *[]string) {
	raw, ok := f.take(name)
	if !ok {
		return
	}
	var one string
	if json.Unmarshal(raw, &one) == nil {
		*dst = []string{one}
	} else if list, ok := listOf[string](raw); ok {
		*dst = list
	} else {
		f.wrong(name, "a string or a list of strings", raw)
	}
}

// ids sets dst to a list of token ids and says whether the member was there.
func (f *fields) ids(name string, dst *[]int32) bool {
	raw, ok := f.take(name)
	if !ok {
		return false
	}
	list, ok := listOf[int32](raw)
	if !ok {
		f.wrong(name, "a list of token ids", raw)
		return false
	}
	*dst = list
	return true
}

// listOf reads a JSON list. An element that is null makes it none: to
// encoding/json it would be a zero, which is a token like any other.
func listOf[T any](raw json.RawMessage) ([]T, bool) {
	var elements []*T
	if json.Unmarshal(raw, &elements) != nil || slices.Contains(elements, nil) {
		return nil, false
	}
	list := make([]T, len(elements))
	for i, e := range elements {
		list[i] = *e
	}
	return list, true
}

// biases sets dst to an object of token ids and the numbers added to them.
func (f *fields) biases(name string, dst *map[int32]float32) {
	raw, ok := f.take(name)
	if !ok {
		return
	}
	var biases map[int32]*float32
	err := json.Unmarshal(raw, &biases)
	*dst = make(map[int32]float32, len(biases))
	for id, b := range biases {
		switch {
		case err != nil:
		case b == nil:
			err = errors.New("null")
		case *b < -100 || *b > 100:
			f.err = badRequest("%s of token %d is %v, must be from -100 to 100", name, id, *b)
		default:
			(*dst)[id] = *b
		}
	}
	if err != nil {
		f.wrong(name, `an object of token ids and numbers, as {"42": -1.5}`, raw)
	}
}

// done returns what was wrong, or else reports the members that nobody took.
func (f *fields) done(unknown func(name string)) error {
	if f.err == nil {
		for name := range f.raw {
			unknown(name)
		}
	}
	return f.err
}
