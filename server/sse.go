package server

import "net/http"

// eventWriter writes server-sent events, each at once. The header goes out
// with the first, so that a request that fails before can still be answered
// with a status.
type eventWriter struct {
	w       http.ResponseWriter
	control *http.ResponseController
	begun   bool
}

func newEventWriter(w http.ResponseWriter) *eventWriter {
	return &eventWriter{w: w, control: http.NewResponseController(w)}
}

// send writes one event. JSON has no line breaks, so one data line holds it.
func (e *eventWriter) send(v any) error {
	text, err := marshal(v)
	if err != nil {
		return err
	}
	frame := make([]byte, 0, len(text)+8)
	frame = append(append(append(frame, "data: "...), text...), "\n\n"...)
	return e.write(frame)
}

// ping writes a comment, which clients skip.
func (e *eventWriter) ping() error { return e.write([]byte(": ping\n\n")) }

func (e *eventWriter) write(b []byte) error {
	if !e.begun {
		e.begun = true
		h := e.w.Header()
		h.Set("Content-Type", "text/event-stream; charset=utf-8")
		h.Set("Cache-Control", "no-cache")
		h.Set("X-Accel-Buffering", "no") // nginx would keep the events back
		e.w.WriteHeader(http.StatusOK)
	}
	if _, err := e.w.Write(b); err != nil {
		return err
	}
	return e.control.Flush()
}
