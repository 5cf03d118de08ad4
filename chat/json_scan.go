package chat

import (
	"fmt"
	"strings"
)

// jsonScan follows one JSON value, byte by byte. It takes what models write by
// mistake and everybody understands: control characters within strings, which
// are escaped on the way.
type jsonScan struct {
	stack  []byte // '{' or '['
	state  scanState
	word   string    // what is left of true, false, null
	number string    // so far
	hex    int       // digits of \u to come
	was    scanState // before it failed
}

type scanState uint8

const (
	scanValue     scanState = iota // a value must come
	scanFirst                      // of a list: a value or its end
	scanKeyFirst                   // of an object: a key or its end
	scanKey                        // a key must come
	scanColon                      // after a key
	scanAfter                      // after a value
	scanString                     // in a string
	scanKeyString                  // in a key
	scanEscape                     // after a backslash
	scanKeyEscape
	scanNumber
	scanWord
	scanDone
	scanFailed
)

const maxScanDepth = 256

// next takes a byte and returns what to write for it. After it state says how
// the value stands; a byte that does not belong to the value any more (it can
// only follow a number) is not taken.
func (s *jsonScan) next(c byte) (write string, taken bool) {
	blank := c == ' ' || c == '\t' || c == '\n' || c == '\r'
	one := func() string { return string([]byte{c}) }
	switch s.state {
	case scanString, scanKeyString:
		switch {
		case c == '"':
			if s.state == scanString {
				s.value()
			} else {
				s.state = scanColon
			}
		case c == '\\':
			s.state += scanEscape - scanString
		case c < 0x20:
			return escapeControl(c), true
		}
		return one(), true
	case scanEscape, scanKeyEscape:
		return s.escape(c)
	case scanNumber:
		if c >= '0' && c <= '9' || strings.IndexByte("+-.eE", c) >= 0 {
			if n := s.number + one(); isJSON(n) || isJSON(n+"0") {
				s.number = n
				return one(), true
			}
			return s.fail()
		}
		if !isJSON(s.number) {
			return s.fail()
		}
		if s.value(); s.state == scanDone {
			return "", false
		}
		return s.next(c)
	case scanWord:
		if s.word[0] != c {
			return s.fail()
		}
		if s.word = s.word[1:]; s.word == "" {
			s.value()
		}
		return one(), true
	}
	if blank {
		return one(), true
	}
	switch s.state {
	case scanValue, scanFirst:
		switch {
		case c == ']' && s.state == scanFirst:
			s.pop()
		case c == '{' || c == '[':
			if len(s.stack) == maxScanDepth {
				return s.fail()
			}
			s.stack = append(s.stack, c)
			if s.state = scanFirst; c == '{' {
				s.state = scanKeyFirst
			}
		case c == '"':
			s.state = scanString
		case c == '-' || c >= '0' && c <= '9':
			s.state, s.number = scanNumber, one()
		case c == 't', c == 'f', c == 'n':
			s.word = map[byte]string{'t': "rue", 'f': "alse", 'n': "ull"}[c]
			s.state = scanWord
		default:
			return s.fail()
		}
	case scanKeyFirst, scanKey:
		switch {
		case c == '"':
			s.state = scanKeyString
		case c == '}' && s.state == scanKeyFirst:
			s.pop()
		default:
			return s.fail()
		}
	case scanColon:
		if c != ':' {
			return s.fail()
		}
		s.state = scanValue
	case scanAfter:
		in := s.stack[len(s.stack)-1]
		switch {
		case c == ',' && in == '{':
			s.state = scanKey
		case c == ',':
			s.state = scanValue
		case c == '}' && in == '{', c == ']' && in == '[':
			s.pop()
		default:
			return s.fail()
		}
	default:
		return s.fail()
	}
	return one(), true
}

func (s *jsonScan) fail() (string, bool) {
	s.was = s.state
	s.state = scanFailed
	return "", false
}

// escape takes the bytes after a backslash. The escape of an apostrophe and of
// a dollar sign, which are none, are what models write most.
func (s *jsonScan) escape(c byte) (string, bool) {
	back := scanString
	if s.state == scanKeyEscape {
		back = scanKeyString
	}
	switch {
	case s.hex > 0:
		if !strings.ContainsRune("0123456789abcdefABCDEF", rune(c)) {
			return s.fail()
		}
		if s.hex--; s.hex == 0 {
			s.state = back
		}
	case c == 'u':
		s.hex = 4
	case strings.IndexByte(`"\/bfnrt`, c) >= 0:
		s.state = back
	default:
		return s.fail()
	}
	return string([]byte{c}), true
}

func escapeControl(c byte) string {
	switch c {
	case '\n':
		return `\n`
	case '\r':
		return `\r`
	case '\t':
		return `\t`
	}
	return fmt.Sprintf(`\u%04x`, c)
}

// value notes the end of a value.
func (s *jsonScan) value() {
	if s.state = scanAfter; len(s.stack) == 0 {
		s.state = scanDone
	}
}

func (s *jsonScan) pop() {
	s.stack = s.stack[:len(s.stack)-1]
	s.value()
}

// closing is what makes what was read a whole value.
func (s *jsonScan) closing() string {
	var b strings.Builder
	state := s.state
	if state == scanFailed {
		state = s.was
	}
	switch state {
	case scanString:
		b.WriteByte('"')
	case scanKeyString:
		b.WriteString(`":null`)
	case scanEscape, scanKeyEscape:
		if s.hex > 0 {
			b.WriteString("0000"[:s.hex])
		} else {
			b.WriteByte('\\')
		}
		b.WriteByte('"')
		if state == scanKeyEscape {
			b.WriteString(":null")
		}
	case scanColon:
		b.WriteString(":null")
	case scanValue:
		b.WriteString("null")
	case scanKey:
		b.WriteString(`"":null`)
	case scanWord:
		b.WriteString(s.word)
	case scanNumber:
		if !isJSON(s.number) {
			b.WriteByte('0') // after a sign, a point or an exponent
		}
	}
	for i := len(s.stack) - 1; i >= 0; i-- {
		b.WriteByte(s.stack[i] + 2) // '{' and '}', '[' and ']' are two apart
	}
	return b.String()
}
