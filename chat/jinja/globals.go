package jinja

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// globals are the functions that every template can call.
var globals map[string]*function

// maxRange is the most items of range, as in Jinja2's sandbox.
const maxRange = 100_000

func init() {
	globals = map[string]*function{
		"range":           {"range", callRange},
		"namespace":       {"namespace", func(e *exec, p pos, a *callArgs) any { return &namespace{dictOf(e, p, a)} }},
		"dict":            {"dict", func(e *exec, p pos, a *callArgs) any { return dictOf(e, p, a) }},
		"raise_exception": {"raise_exception", callRaise},
		"strftime_now":    {"strftime_now", callStrftime},
	}
}

func dictOf(e *exec, p pos, a *callArgs) *Dict {
	d := &Dict{}
	if len(a.list) > 0 {
		from, ok := a.list[0].(*Dict)
		if !ok {
			e.fail(p, "expected a mapping, not %s", typeName(a.list[0]))
		}
		d = from.Clone()
	}
	for i, name := range a.names {
		d.Set(Trusted(name), a.named[i])
	}
	return d
}

func callRange(e *exec, p pos, a *callArgs) any {
	lo, hi, step := int64(0), e.integer(p, a, 0, "stop", 0), int64(1)
	if len(a.list) > 1 {
		lo, hi = hi, e.integer(p, a, 1, "stop", 0)
	}
	if len(a.list) > 2 {
		step = e.integer(p, a, 2, "step", 1)
	}
	if step == 0 {
		e.fail(p, "range() arg 3 must not be zero")
	}
	out := &List{}
	for i := lo; step > 0 && i < hi || step < 0 && i > hi; i += step {
		if len(out.items) == maxRange {
			e.limit(p, "range has more than %d items", maxRange)
		}
		out.items = append(out.items, i)
		if i > 0 && step > math.MaxInt64-i || i < 0 && step < math.MinInt64-i {
			break
		}
	}
	e.step(len(out.items))
	return out
}

func callRaise(e *exec, p pos, a *callArgs) any {
	panic(&Error{Line: p.line, Column: p.col, Message: str(a.at(0)).s, Raised: true})
}

// callStrftime writes the time as C's strftime does in the C locale.
func callStrftime(e *exec, p pos, a *callArgs) any {
	return Trusted(strftime(e.now(), e.text(p, a, 0, "format", "").s))
}

func strftime(t time.Time, format string) string {
	layouts := map[byte]string{
		'a': "Mon", 'A': "Monday", 'b': "Jan", 'B': "January", 'h': "Jan", 'c': "Mon Jan _2 15:04:05 2006", 'd': "02", 'D': "01/02/06",
		'e': "_2", 'F': "2006-01-02", 'H': "15", 'I': "03", 'j': "002", 'm': "01", 'M': "04", 'p': "PM", 'S': "05", 'T': "15:04:05",
		'x': "01/02/06", 'X': "15:04:05", 'y': "06", 'Y': "2006", 'z': "-0700", 'Z': "MST", 'R': "15:04", 'n': "\n", 't': "\t", '%': "%",
	}
	var b strings.Builder
	for i := 0; i < len(format); i++ {
		if format[i] != '%' || i+1 == len(format) {
			b.WriteByte(format[i])
			continue
		}
		i++
		bare := format[i] == '-' && i+1 < len(format) // no padding
		if bare {
			i++
		}
		var s string
		switch c := format[i]; c {
		case 'f':
			s = fmt.Sprintf("%06d", t.Nanosecond()/1000)
		case 'u':
			s = strconv.Itoa((int(t.Weekday())+6)%7 + 1)
		case 'w':
			s = strconv.Itoa(int(t.Weekday()))
		case 'U':
			s = fmt.Sprintf("%02d", (t.YearDay()+6-int(t.Weekday()))/7)
		case 'W':
			s = fmt.Sprintf("%02d", (t.YearDay()+6-(int(t.Weekday())+6)%7)/7)
		case 's':
			s = strconv.FormatInt(t.Unix(), 10)
		default:
			layout, ok := layouts[c]
			if !ok {
				s = "%" + string(c)
				break
			}
			s = t.Format(layout)
		}
		if bare {
			if trimmed := strings.TrimLeft(s, "0 "); trimmed != "" {
				s = trimmed
			} else if s != "" {
				s = "0"
			}
		}
		b.WriteString(s)
	}
	return b.String()
}

// percent is Python's string % values, for the conversions s, r, d, i, f, x and %.
func (e *exec) percent(p pos, format Text, v any) Text {
	values := []any{v}
	if l, ok := v.(*List); ok && l.tuple {
		values = l.items
	}
	var b builder
	used := 0
	s := format.s
	for at := 0; at < len(s); {
		i := strings.IndexByte(s[at:], '%')
		if i < 0 {
			b.add(format.slice(at, len(s)))
			break
		}
		b.add(format.slice(at, at+i))
		at += i + 1
		spec := at
		for at < len(s) && strings.IndexByte("0123456789.-+ #", s[at]) >= 0 {
			at++
		}
		if at == len(s) || at-spec > 8 {
			e.fail(p, "incomplete format")
		}
		verb := s[at]
		at++
		if verb == '%' {
			b.write("%", false)
			continue
		}
		if used == len(values) {
			e.fail(p, "not enough arguments for format string")
		}
		t := e.converted(p, s[spec:at-1], verb, values[used])
		e.made(len(t.s))
		b.add(t)
		used++
	}
	if used < len(values) {
		if _, ok := v.(*Dict); !ok {
			e.fail(p, "not all arguments converted during string formatting")
		}
	}
	t := b.text()
	e.made(len(t.s))
	return t
}

func (e *exec) converted(p pos, spec string, verb byte, v any) Text {
	switch verb {
	case 's', 'r':
		t := str(v)
		if verb == 'r' {
			t = Trusted(repr(v))
		}
		if spec == "" {
			return t
		}
		e.made(1 << 16)
		return t.mapped(func(s string) string { return fmt.Sprintf("%"+bounded(spec)+"s", s) })
	case 'd', 'i', 'u', 'f', 'F', 'x', 'X', 'o', 'e', 'g':
		i, f, isInt, ok := number(v)
		if !ok {
			e.fail(p, "%%%c format: a number is required, not %s", verb, typeName(v))
		}
		switch verb {
		case 'd', 'i', 'u':
			if !isInt {
				i = int64(f)
			}
			return Trusted(fmt.Sprintf("%"+bounded(spec)+"d", i))
		case 'x', 'X', 'o':
			return Trusted(fmt.Sprintf("%"+bounded(spec)+string(verb), i))
		}
		return Trusted(fmt.Sprintf("%"+bounded(spec)+string(verb), f))
	}
	e.fail(p, "unsupported format character %q", verb)
	return Text{}
}

// bounded keeps widths and precisions below 1,000.
func bounded(spec string) string {
	digits := 0
	for _, c := range spec {
		if c < '0' || c > '9' {
			digits = 0
		} else if digits++; digits > 3 {
			return ""
		}
	}
	return spec
}

// format is Python's str.format for {}, {0} and {name}, without conversions.
func (e *exec) format(p pos, t Text, a *callArgs) Text {
	var b builder
	next := 0
	for at := 0; at < len(t.s); {
		i := strings.IndexAny(t.s[at:], "{}")
		if i < 0 {
			b.add(t.slice(at, len(t.s)))
			break
		}
		b.add(t.slice(at, at+i))
		at += i
		if at+1 < len(t.s) && t.s[at+1] == t.s[at] {
			b.add(t.slice(at, at+1))
			at += 2
			continue
		}
		end := strings.IndexByte(t.s[at:], '}')
		if t.s[at] == '}' || end < 0 {
			e.fail(p, "single %q encountered in format string", t.s[at])
		}
		name := t.s[at+1 : at+end]
		at += end + 1
		var v any
		var ok bool
		if n, err := strconv.Atoi(name); err == nil {
			v, ok = a.get(n, "")
		} else if name == "" {
			v, ok = a.get(next, "")
			next++
		} else {
			v, ok = a.get(-1, name)
		}
		if !ok {
			e.fail(p, "the replacement field {%s} has no value", name)
		}
		s := str(v)
		e.made(len(s.s))
		b.add(s)
	}
	r := b.text()
	e.made(len(r.s))
	return r
}
