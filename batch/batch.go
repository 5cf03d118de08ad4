// Package batch answers files of requests in OpenAI's batch format, by the
// handler that answers them over HTTP.
package batch

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync"
)

// Batch answers files.
type Batch struct {
	Handler  http.Handler
	Parallel int // requests at once, 1 or more
	// Healthy is why the handler cannot answer at all, nil while it can. It
	// ends a batch whose requests would all fail.
	Healthy func() error
	// Progress is told of each request that has ended, one after another; it may
	// be nil.
	Progress func(Progress)
}

// Progress is how far a batch has come.
type Progress struct {
	Total        int // lines of the input that are not blank
	Earlier      int // of these, answered in the output before
	Ended        int // now
	Failed       int // of Earlier and Ended
	PromptTokens int // now
	Completion   int // tokens generated now
}

// ErrInterrupted says that the context ended before the batch did. Its output
// can be continued.
var ErrInterrupted = errors.New("interrupted: the same command goes on")

// run is a batch at work.
type run struct {
	*Batch
	out   *output
	alone sync.RWMutex // held for writing by a request that wants the handler for itself
	stop  context.CancelCauseFunc

	mu       sync.Mutex
	progress Progress
}

// Run answers the lines of the file in whose custom_id does not stand in the
// file out, and appends an answer for each, in the order in which they end.
// When ctx ends no request begins any more, and those that run are finished.
// An error says that not all lines have an answer; requests that fail are
// counted.
func (b *Batch) Run(ctx context.Context, in, out string) (Progress, error) {
	input, err := os.Open(in)
	if err != nil {
		return Progress{}, err
	}
	defer input.Close()
	total, err := check(in, input)
	if err != nil {
		return Progress{}, err
	}
	o, err := openOutput(out, input)
	if err != nil {
		return Progress{}, err
	}
	stopped, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	r := &run{Batch: b, out: o, stop: stop, progress: Progress{Total: total}}
	err = r.answerAll(stopped, input)
	if cause := context.Cause(stopped); cause != nil && ctx.Err() == nil {
		err = cause // of a worker
	}
	return r.progress, errors.Join(err, o.close())
}

// answerAll has the lines answered by as many workers as there may be.
func (r *run) answerAll(ctx context.Context, input io.ReadSeeker) error {
	lines := make(chan *line)
	var workers sync.WaitGroup
	defer workers.Wait()
	defer close(lines)
	for range r.Parallel {
		workers.Go(func() {
			for l := range lines {
				if err := r.answer(context.WithoutCancel(ctx), l); err != nil {
					r.stop(err)
				}
			}
		})
	}
	for l, err := range readLines(input) {
		if err != nil {
			return err
		}
		if failed, ok := r.out.answered[l.key()]; ok {
			r.count(func(p *Progress) {
				p.Earlier++
				p.Failed += failed
			})
			continue
		}
		select { // of two that are ready, either may be taken
		case <-ctx.Done():
			return ErrInterrupted
		default:
		}
		select {
		case lines <- l:
		case <-ctx.Done():
			return ErrInterrupted
		}
	}
	return nil
}

// count changes the progress and reports it.
func (r *run) count(change func(p *Progress)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	change(&r.progress)
	if r.Batch.Progress != nil {
		r.Batch.Progress(r.progress)
	}
}

// answer writes the answer of a line. The error ends the batch.
func (r *run) answer(ctx context.Context, l *line) error {
	a := &answer{ID: newID("batch_req_"), CustomID: l.id}
	if l.err != nil {
		a.Error = &lineError{Code: "invalid_request", Message: l.err.Error(), Line: l.number}
	} else {
		w, err := r.send(ctx, l)
		if err != nil {
			return err
		}
		a.Response = &response{Status: w.status, RequestID: newID("req_"), Body: w.body.Bytes()}
	}
	if err := r.out.write(a); err != nil {
		return err
	}
	var used struct {
		Usage struct {
			Prompt     int `json:"prompt_tokens"`
			Completion int `json:"completion_tokens"`
		}
	}
	if a.Response != nil {
		_ = json.Unmarshal(a.Response.Body, &used) // errors have none
	}
	r.count(func(p *Progress) {
		p.Ended++
		p.Failed += a.failed()
		p.PromptTokens += used.Usage.Prompt
		p.Completion += used.Usage.Completion
	})
	return nil
}

// send asks the handler. What is refused for want of room beside the others is
// asked again without them: then there is no more room to come.
func (r *run) send(ctx context.Context, l *line) (*recorder, error) {
	r.alone.RLock()
	w, err := r.post(ctx, l)
	r.alone.RUnlock()
	if err == nil && (w.status == http.StatusTooManyRequests || w.status == http.StatusServiceUnavailable) {
		r.alone.Lock()
		w, err = r.post(ctx, l)
		r.alone.Unlock()
	}
	if err == nil && w.status >= http.StatusInternalServerError {
		err = r.Healthy()
	}
	return w, err
}

func (r *run) post(ctx context.Context, l *line) (*recorder, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://localhost"+l.url, bytes.NewReader(l.body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	w := &recorder{header: http.Header{}}
	r.Handler.ServeHTTP(w, req)
	if !json.Valid(w.body.Bytes()) {
		return nil, fmt.Errorf("%s answered %d with what is no JSON", l.url, w.status)
	}
	return w, nil
}

// recorder is a whole answer in memory.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (w *recorder) Header() http.Header { return w.header }

func (w *recorder) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
}

func (w *recorder) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.body.Write(p)
}
