package server

import (
	"context"
	"errors"
	"io"
	"net/http"

	"cllm/runtime"
	"cllm/server/api"
)

// SendStream writes the events of a stream in a dialect's form. The header
// goes out with the first, so that a request that fails before can still be
// answered with a status. A stream whose client has closed its side looks cut
// off: it may still read, and must not take what it has for whole.
func (s *Server) SendStream(w http.ResponseWriter, r *http.Request, events api.Stream, f api.Frames) error {
	out := &frameWriter{w: w, control: http.NewResponseController(w), contentType: f.ContentType()}
	for {
		ev, err := s.nextEvent(r.Context(), events)
		switch {
		case errors.Is(err, errQuiet):
			err = out.write(f.Ping(out.buffer[:0]))
		case err == io.EOF:
			return out.write(f.End(out.buffer[:0]))
		case err != nil && (!begun(w) || r.Context().Err() != nil):
			return err
		case err != nil:
			return out.write(f.Error(out.buffer[:0], s.report(r, err)))
		default:
			failed := api.Interrupted(r.Context(), ev.FinishReason)
			if failed != nil && !begun(w) && ev.Text == "" {
				return failed
			}
			if err = s.writeEvent(out, f, ev); err == nil && failed != nil && ev.FinishReason == runtime.FinishCancelled {
				return out.write(f.Error(out.buffer[:0], s.report(r, failed)))
			}
		}
		if err != nil {
			return err
		}
	}
}

// errQuiet says that nothing happened for a while.
var errQuiet = errors.New("no event yet")

// nextEvent waits for the next event, but not longer than between two signs of
// life.
func (s *Server) nextEvent(ctx context.Context, events api.Stream) (runtime.Event, error) {
	wait, cancel := context.WithTimeoutCause(ctx, s.times.ping, errQuiet)
	defer cancel()
	return events.Next(wait)
}

// maxFrameTokens is the most tokens whose log-probabilities one frame shows:
// those of a whole prompt would be a frame of megabytes.
const maxFrameTokens = 64

// writeEvent writes an event, in several frames if it is large.
func (s *Server) writeEvent(out *frameWriter, f api.Frames, ev runtime.Event) error {
	for ev.LogProbs.Len() > maxFrameTokens && ev.LogProbs.Len() == len(ev.Tokens) {
		part := ev
		part.Tokens, part.LogProbs = ev.Tokens[:maxFrameTokens], ev.LogProbs.Slice(0, maxFrameTokens)
		part.Done, part.FinishReason, part.Usage, part.Timings = false, "", runtime.Usage{}, runtime.Timings{}
		if err := out.write(f.Event(out.buffer[:0], &part)); err != nil {
			return err
		}
		ev.Text = ""
		ev.Tokens, ev.LogProbs = ev.Tokens[maxFrameTokens:], ev.LogProbs.Slice(maxFrameTokens, ev.LogProbs.Len())
	}
	return out.write(f.Event(out.buffer[:0], &ev))
}

// frameWriter writes frames, each at once.
type frameWriter struct {
	w           http.ResponseWriter
	control     *http.ResponseController
	contentType string
	buffer      []byte // of the last frame, to be used again
}

func (o *frameWriter) write(frame []byte) error {
	o.buffer = frame
	if len(frame) == 0 {
		return nil
	}
	if !begun(o.w) {
		h := o.w.Header()
		h.Set("Content-Type", o.contentType)
		h.Set("Cache-Control", "no-cache")
		h.Set("X-Accel-Buffering", "no") // nginx would keep the events back
		o.w.WriteHeader(http.StatusOK)
	}
	if _, err := o.w.Write(frame); err != nil {
		return err
	}
	return o.control.Flush()
}
