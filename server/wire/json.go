// Package wire writes what dialects answer: JSON, piece by piece or whole, and
// server-sent events.
package wire

import (
	"encoding/json"
	"math"
	"net/http"
	"strconv"
	"unicode/utf8"
)

const contentType = "application/json; charset=utf-8"

// WriteJSON answers with a value, <, > and & as they are.
func WriteJSON(w http.ResponseWriter, status int, v any) error {
	text, err := AppendJSON(nil, v)
	if err != nil {
		return err
	}
	return Write(w, status, append(text, '\n'))
}

// Write answers with JSON that lies in parts.
func Write(w http.ResponseWriter, status int, parts ...[]byte) error {
	length := 0
	for _, p := range parts {
		length += len(p)
	}
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Content-Length", strconv.Itoa(length))
	w.WriteHeader(status)
	for _, p := range parts {
		for len(p) > 0 { // a write has its time, whatever its size
			n := min(len(p), maxWrite)
			if _, err := w.Write(p[:n]); err != nil {
				return err
			}
			p = p[n:]
		}
	}
	return nil
}

// maxWrite is the most bytes of one write, each of which has its own deadline.
const maxWrite = 64 << 10

// AppendJSON is json.Marshal that appends, and leaves <, > and & as they are.
func AppendJSON(dst []byte, v any) ([]byte, error) {
	b := buffer(dst)
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return dst, err
	}
	return b[:len(b)-1], nil
}

type buffer []byte

func (b *buffer) Write(p []byte) (int, error) {
	*b = append(*b, p...)
	return len(p), nil
}

const hex = "0123456789abcdef"

// AppendString appends a JSON string without its quotes, so that a text can
// grow. Bytes that are no character become U+FFFD.
func AppendString[T string | []byte](dst []byte, text T) []byte {
	start := 0
	for i := 0; i < len(text); {
		c := text[i]
		if c < utf8.RuneSelf {
			if c >= ' ' && c != '"' && c != '\\' {
				i++
				continue
			}
			dst = append(dst, text[start:i]...)
			switch c {
			case '"', '\\':
				dst = append(dst, '\\', c)
			case '\n':
				dst = append(dst, '\\', 'n')
			case '\r':
				dst = append(dst, '\\', 'r')
			case '\t':
				dst = append(dst, '\\', 't')
			default:
				dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
			}
			i++
			start = i
			continue
		}
		r, n := utf8.DecodeRuneInString(string(text[i:min(i+utf8.UTFMax, len(text))]))
		switch {
		case r == utf8.RuneError && n == 1:
			dst = append(append(dst, text[start:i]...), "\ufffd"...)
			start = i + n
		case r == '\u2028' || r == '\u2029': // line ends to JavaScript
			dst = append(append(dst, text[start:i]...), '\\', 'u', '2', '0', '2', hex[r&15])
			start = i + n
		}
		i += n
	}
	return append(dst, text[start:]...)
}

// AppendFloat appends a number as encoding/json writes it, and null for what
// is none.
func AppendFloat(dst []byte, x float32) []byte {
	f := float64(x)
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return append(dst, "null"...)
	}
	if abs := math.Abs(f); abs != 0 && (float32(abs) < 1e-6 || float32(abs) >= 1e21) {
		return strconv.AppendFloat(dst, f, 'e', -1, 32)
	}
	return strconv.AppendFloat(dst, f, 'f', -1, 32)
}

// AppendEvent appends a server-sent event whose data write appends. JSON has
// no line breaks, so one line holds it.
func AppendEvent(dst []byte, write func(dst []byte) []byte) []byte {
	return append(write(append(dst, "data: "...)), "\n\n"...)
}

// AppendPing appends a comment, which readers of server-sent events skip.
func AppendPing(dst []byte) []byte { return append(dst, ": ping\n\n"...) }

// EventStream is the content type of server-sent events.
const EventStream = "text/event-stream; charset=utf-8"
