package runtime

import (
	"context"
	"time"
)

// echo is the prompt as the events of all choices share it.
func (r *request) echo() echo {
	e := echo{prompt: r.Prompt, decoder: r.decoder}
	if s, ok := r.output.(*scores); ok {
		e.probs = s.logProbs()
	}
	return e
}

// stall notes that a choice has more unread than its share, and has the loop
// look again when that may have lasted too long.
func (e *Engine) stall(q *sequence) {
	q.stalled = time.Now()
	switch {
	case e.options.StallTimeout < 0:
	case q.alarm == nil:
		q.alarm = time.AfterFunc(e.options.StallTimeout, e.wake)
	default:
		q.alarm.Reset(e.options.StallTimeout)
	}
}

// expire ends the requests whose context has ended, and the choices that nobody
// reads; all of them when the engine closes.
func (e *Engine) expire(abandoned []*request, closed bool) {
	s := e.sched
	for _, r := range abandoned {
		reason := FinishCancelled
		if context.Cause(r.ctx) == errTimedOut {
			reason = FinishTimeout
		}
		e.finishAll(r, reason)
	}
	if closed {
		for s.waiting.head != nil {
			e.finishAll(s.waiting.head.req, FinishCancelled)
		}
		for len(s.running) > 0 {
			e.finishAll(s.running[0].req, FinishCancelled)
		}
		return
	}
	if e.options.StallTimeout < 0 {
		return
	}
	now := time.Now()
	late := func(q *sequence) bool {
		return !q.stalled.IsZero() && q.paused() && now.Sub(q.stalled) >= e.options.StallTimeout
	}
	for i := 0; i < len(s.running); {
		if q := s.running[i]; late(q) {
			e.finish(q, "", FinishTimeout)
		} else {
			i++
		}
	}
	for q := s.waiting.head; q != nil && q.preempted; {
		next := q.next
		if late(q) {
			e.finish(q, "", FinishTimeout)
		}
		q = next
	}
}

// finishAll ends the choices of a request that have not ended.
func (e *Engine) finishAll(r *request, reason string) {
	for len(r.sequences) > 0 {
		e.finish(r.sequences[0], "", reason)
	}
}

// finish ends a choice. Choices that have not begun end with the first.
func (e *Engine) finish(q *sequence, text, reason string) {
	r := q.req
	e.remove(q)
	now := time.Now()
	if reason == FinishCancelled || reason == FinishTimeout {
		text = q.flush()
	}
	usage := Usage{PromptTokens: len(r.Prompt), CachedTokens: r.cached}
	ended := 1
	if q.choice == 0 {
		for ; r.forks > 0; r.forks-- {
			r.stream.end(r.forks, "", ending{reason: reason, usage: usage})
			ended++
		}
	}
	usage.CompletionTokens = q.generated()
	r.stream.end(q.choice, text, ending{reason, usage, q.timings(now)})
	e.count(func(s *Stats) { s.Finished[reason] += uint64(ended) })
	e.endChoices(r, ended)
}

// fail ends a request, all its choices, with an error.
func (e *Engine) fail(r *request, err error) {
	e.log.Error("a request failed", "error", err)
	for len(r.sequences) > 0 {
		e.remove(r.sequences[0])
	}
	e.count(func(s *Stats) { s.Failed += uint64(r.open) })
	r.stream.fail(err)
	e.endChoices(r, r.open)
}

// remove takes a choice out of the engine.
func (e *Engine) remove(q *sequence) {
	e.sched.remove(q)
	if q.alarm != nil {
		q.alarm.Stop()
	}
	r := q.req
	for i, other := range r.sequences {
		if other == q {
			last := len(r.sequences) - 1
			r.sequences[i], r.sequences[last] = r.sequences[last], nil
			r.sequences = r.sequences[:last]
			return
		}
	}
}

// endChoices counts choices that have ended; with the last the request has.
func (e *Engine) endChoices(r *request, choices int) {
	r.open -= choices
	if r.open == 0 {
		r.unwatch()
		r.cancel()
		r.holding.engineDone()
	}
	e.leave(choices)
}
