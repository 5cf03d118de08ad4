package batch

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
)

// answer is a line of the output, as OpenAI's batches have it.
type answer struct {
	ID       string     `json:"id"`
	CustomID *string    `json:"custom_id"`
	Response *response  `json:"response"`
	Error    *lineError `json:"error"` // of a line that was not asked
}

type response struct {
	Status    int             `json:"status_code"`
	RequestID string          `json:"request_id"`
	Body      json.RawMessage `json:"body"`
}

type lineError struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Line    int    `json:"line"`
}

// failed is 1 for an answer that is an error.
func (a *answer) failed() int {
	if a.Response == nil || a.Response.Status != http.StatusOK {
		return 1
	}
	return 0
}

func newID(prefix string) string { return prefix + strings.ToLower(rand.Text()) }

// output is the file of answers.
type output struct {
	answered map[key]int // of the lines whose answers were there: 1 if it failed
	mu       sync.Mutex
	file     *os.File
	failed   error // of a write, after which the last line is torn
}

// maxAnswer is the most bytes of a line that is looked at.
const maxAnswer = 1 << 30

// answerHead is how an answer begins.
const answerHead = `{"id":"batch_req_`

// openOutput opens the file of answers, which may be there already, and reads
// which lines it answers. What a run that was killed left of its last line is
// cut off.
func openOutput(name string, input *os.File) (*output, error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return nil, err
	}
	o := &output{answered: map[key]int{}, file: f}
	if err := o.resume(input); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", name, err), f.Close())
	}
	return o, nil
}

func (o *output) resume(input *os.File) error {
	in, err := input.Stat()
	if err != nil {
		return err
	}
	out, err := o.file.Stat()
	if err != nil {
		return err
	}
	if os.SameFile(in, out) {
		return errors.New("is the input")
	}
	if !out.Mode().IsRegular() {
		return nil // nothing stands there
	}
	r := bufio.NewReaderSize(o.file, 64<<10)
	var whole int64 // bytes of whole lines
	for number := 1; whole < out.Size(); number++ {
		text, err := readLine(r, maxAnswer)
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		end := whole + int64(len(text)) + 1
		if err := o.note(text); err != nil {
			if end > out.Size() && torn(text) {
				return o.file.Truncate(whole)
			}
			return fmt.Errorf("line %d is not of a batch's answers, nothing is written there", number)
		}
		if whole = end; whole > out.Size() { // whole, but for its end
			_, err := o.file.WriteString("\n")
			return err
		}
	}
	return nil
}

// torn says whether a text is the beginning of an answer.
func torn(text []byte) bool {
	n := min(len(text), len(answerHead))
	return string(text[:n]) == answerHead[:n]
}

// note notes a line that stands in the file.
func (o *output) note(text []byte) error {
	if len(bytes.TrimSpace(text)) == 0 {
		return nil
	}
	var a struct { // an answer, without the body
		ID       string
		CustomID *string `json:"custom_id"`
		Response *struct {
			Status int `json:"status_code"`
		}
		Error *lineError
	}
	if err := json.Unmarshal(text, &a); err != nil {
		return err
	}
	number := 0
	if a.Error != nil {
		number = a.Error.Line
	}
	if a.ID == "" || a.Response == nil && a.Error == nil || a.CustomID == nil && number == 0 {
		return errors.New("not an answer")
	}
	failed := 1
	if a.Response != nil && a.Response.Status == http.StatusOK {
		failed = 0
	}
	o.answered[keyOf(a.CustomID, number)] = failed
	return nil
}

// write appends an answer at once.
func (o *output) write(a *answer) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(a); err != nil {
		return err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.failed == nil {
		_, o.failed = o.file.Write(b.Bytes())
	}
	return o.failed
}

func (o *output) close() error {
	if info, err := o.file.Stat(); err == nil && info.Mode().IsRegular() {
		return errors.Join(o.file.Sync(), o.file.Close())
	}
	return o.file.Close()
}
