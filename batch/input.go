package batch

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"

	"cllm/server/fields"
)

// urls are those that a line may ask for.
var urls = []string{"/v1/chat/completions", "/v1/completions", "/v1/embeddings"}

// maxLine is the most bytes of a line: more than the largest body that a
// server reads, and what stands around it.
const maxLine = 4 << 20

// line is a line of the input.
type line struct {
	number int     // from 1
	id     *string // custom_id; nil when it has none that can be read
	url    string
	body   json.RawMessage
	err    error // why it cannot be asked
}

// key is what a line and its answer have in common: the custom_id, or the
// number of a line that has none.
type key struct {
	id     string
	number int
}

func (l *line) key() key { return keyOf(l.id, l.number) }

func keyOf(id *string, number int) key {
	if id != nil {
		return key{id: *id}
	}
	return key{number: number}
}

// readLines reads the lines that are not blank, from the beginning.
func readLines(input io.ReadSeeker) iter.Seq2[*line, error] {
	return func(yield func(*line, error) bool) {
		if _, err := input.Seek(0, io.SeekStart); err != nil {
			yield(nil, fmt.Errorf("the file must be one that can be read twice: %w", err))
			return
		}
		r := bufio.NewReaderSize(input, 64<<10)
		for number := 1; ; number++ {
			text, err := readLine(r, maxLine)
			if err != nil && !errors.Is(err, errLong) {
				if err != io.EOF {
					yield(nil, err)
				}
				return
			}
			if err == nil && len(bytes.TrimSpace(text)) == 0 {
				continue
			}
			l := parseLine(number, text)
			if err != nil {
				l = &line{number: number, err: fmt.Errorf("line %d has more than %d bytes", number, maxLine)}
			}
			if !yield(l, nil) {
				return
			}
		}
	}
}

var errLong = errors.New("the line is too long")

// readLine reads a line without its end, which the last may lack. One that is
// longer than limit is skipped, with errLong.
func readLine(r *bufio.Reader, limit int) (text []byte, err error) {
	for read := 0; ; {
		part, err := r.ReadSlice('\n')
		ended := err == nil
		read += len(part)
		if ended {
			part = part[:len(part)-1]
		}
		if len(text)+len(part) <= limit {
			text = append(text, part...)
		} else {
			limit, text = -1, nil
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
		case !ended && (err != io.EOF || read == 0):
			return nil, err
		case limit < 0:
			return nil, errLong
		default:
			return text, nil
		}
	}
}

// parseLine reads a line, or what is wrong with it.
func parseLine(number int, text []byte) *line {
	l := &line{number: number}
	o := fields.Parse(text)
	var id, method string
	if o.Text("custom_id", &id) {
		l.id = &id
	}
	hasMethod, hasURL := o.Text("method", &method), o.Text("url", &l.url)
	body, hasBody := o.Value("body")
	switch {
	case o.Err() != nil:
	case l.id == nil || id == "":
		l.id = nil
		o.Fail("custom_id", "custom_id is missing")
	case hasMethod && method != "POST":
		o.Fail("method", "method is %q, must be POST", method)
	case !hasURL || !slices.Contains(urls, l.url):
		o.Fail("url", "url is %q, must be %s", l.url, strings.Join(urls, ", "))
	case !hasBody || body[0] != '{':
		o.Fail("body", "body must be an object")
	case isTrue(body, "stream"):
		o.Fail("body", "stream is true, which has no meaning in a batch")
	}
	var wrong *fields.Error
	if errors.As(o.Err(), &wrong) {
		between := ": "
		about, whole := strings.CutPrefix(wrong.Text, "the body ") // so a text that is read alone is called
		if whole && wrong.Field == "" {
			between = " "
		} else {
			about = wrong.Text
		}
		l.err = fmt.Errorf("line %d%s%s", number, between, about)
	}
	l.body = body
	return l
}

func isTrue(body json.RawMessage, name string) bool {
	raw, ok := fields.Parse(body).Value(name)
	return ok && string(raw) == "true"
}

// maxShown is the most custom_ids that an error names.
const maxShown = 10

// check counts the lines, and finds custom_ids that stand twice.
func check(name string, input io.ReadSeeker) (total int, err error) {
	first := map[string]int{}
	var twice []string
	for l, err := range readLines(input) {
		if err != nil {
			return 0, fmt.Errorf("%s: %w", name, err)
		}
		total++
		if l.id == nil {
			continue
		}
		if n, ok := first[*l.id]; ok {
			twice = append(twice, fmt.Sprintf("%q on lines %d and %d", *l.id, n, l.number))
		} else {
			first[*l.id] = l.number
		}
	}
	if len(twice) > 0 {
		more := ""
		if n := len(twice) - maxShown; n > 0 {
			twice, more = twice[:maxShown], fmt.Sprintf(" and %d more", n)
		}
		return 0, fmt.Errorf("%s: each custom_id may stand once: %s%s", name, strings.Join(twice, ", "), more)
	}
	return total, nil
}
