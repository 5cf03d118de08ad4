package runtime

import (
	"cmp"
	"slices"
	"time"
)

// sequence is one choice of a request: its tokens, the blocks with the keys
// and values of those that are computed, and the state of its text. Prompt and
// drawn tokens are alike: what is not computed is computed next, and when the
// last token is, its logits give one more.
type sequence struct {
	req      *request
	choice   int
	tokens   history
	computed int // tokens whose keys and values are in the cache
	blocks   []int32
	// promised is the number of blocks more that were set aside for the prompt
	// when the sequence was admitted.
	promised int
	// The first published blocks are known to the prefix cache (or came from
	// it); node names the last of them.
	published int
	node      uint64
	collected int // positions whose rows were taken, when all are wanted
	lacking   int // blocks that it lacked when it tried to be admitted
	preempted bool
	running   bool
	passed    bool  // over in this step, though it has one token to compute
	displaced int64 // bytes charged for what it keeps while another has its place

	sampler    *sampler
	constraint Constraint // nil: none
	text       textDecoder
	stop       stopFilter
	guess      speculation
	drafter    drafter // nil: nothing to draft
	draft      []int32
	chunk      int // of the prompt, in this step
	started    time.Time
	stalled    time.Time   // when it was found to have too much unread; zero: not
	alarm      *time.Timer // wakes the engine when that has lasted too long

	prev, next *sequence // in the queue of those that wait
}

func newSequence(r *request, choice int) *sequence {
	q := &sequence{req: r, choice: choice, tokens: history{prompt: r.Prompt}, node: r.root}
	r.sequences = append(r.sequences, q)
	if !r.output.draws() {
		return q
	}
	q.sampler = newSampler(&r.Sampling, choice)
	q.text = r.vocab.Decoder(r.Special)
	q.stop = newStopFilter(r.stops)
	if r.constraints != nil {
		q.constraint = r.constraints[choice]
	}
	if r.index != nil {
		q.drafter = &lookup{prompt: r.index}
	}
	return q
}

// fork makes the sequence of another choice where this one's prompt is
// computed, with the same blocks. The references to them are the caller's
// business.
func (q *sequence) fork(choice int) *sequence {
	f := newSequence(q.req, choice)
	f.computed, f.blocks = q.computed, slices.Clone(q.blocks)
	f.published, f.node, f.collected = q.published, q.node, q.collected
	f.running = q.running
	return f
}

// pending is the number of tokens to compute before the next can be drawn.
func (q *sequence) pending() int { return q.tokens.len() - q.computed }

// contiguous is how many of these come before the end of the prompt, or
// after it: a span holds tokens of one of the two.
func (q *sequence) contiguous() int {
	if left := len(q.tokens.prompt) - q.computed; left > 0 {
		return left
	}
	return q.pending()
}

// span is the next n tokens to compute, the draft among them. It is valid until
// a token is drawn.
func (q *sequence) span(n int) []int32 {
	lo, hi, p := q.computed, q.computed+n, len(q.tokens.prompt)
	if lo < p {
		return q.tokens.prompt[lo:hi]
	}
	return q.tokens.drawn[: len(q.tokens.drawn)+len(q.draft) : cap(q.tokens.drawn)][lo-p : hi-p]
}

// setDraft appends the draft behind the tokens, where a span can hold both.
func (q *sequence) setDraft(draft []int32) {
	q.draft = draft
	n := len(q.tokens.drawn)
	q.tokens.drawn = append(q.tokens.drawn, draft...)[:n]
}

// before is the tokens before the i-th that the draft may give.
func (q *sequence) before(i int) history {
	n := len(q.tokens.drawn) + i
	return history{q.tokens.prompt, q.tokens.drawn[:n:n]}
}

// generated is the number of tokens drawn so far.
func (q *sequence) generated() int { return len(q.tokens.drawn) }

// rowsFrom is the first position whose rows are wanted of a span that ends at
// end: all that were not taken yet, or those of the last token alone.
func (q *sequence) rowsFrom(start, end int) int {
	switch {
	case q.req.output.everyRow():
		return min(max(start, q.collected), end)
	case end >= q.tokens.len():
		return q.tokens.len() - 1
	}
	return end
}

// paused says that nobody reads what the choice has given.
func (q *sequence) paused() bool { return q.req.stream.over(q.choice) }

// byArrival orders sequences: first come, first served.
func byArrival(a, b *sequence) int {
	if c := cmp.Compare(a.req.arrival, b.req.arrival); c != 0 {
		return c
	}
	return cmp.Compare(a.choice, b.choice)
}

// accept appends a drawn token. It returns its text, whether the token is part
// of the answer, and the reason when the choice ends with it.
func (q *sequence) accept(id int32) (text string, kept bool, reason string) {
	r := q.req
	if r.ends(id) && q.generated() >= r.MinTokens {
		return q.flush(), false, FinishStop
	}
	q.tokens.drawn = append(q.tokens.drawn, id)
	text = q.text.Push(id)
	if q.generated() > r.MinTokens {
		var found bool
		if text, found = q.stop.push(text); found {
			return text, true, FinishStop
		}
	}
	if q.generated() >= r.generates() || q.tokens.len() >= r.limit {
		return text + q.flush(), true, FinishLength
	}
	return text, true, ""
}

// flush returns the text that was held back.
func (q *sequence) flush() string {
	if q.text == nil {
		return ""
	}
	rest, found := q.stop.push(q.text.Flush())
	if !found {
		rest += q.stop.flush()
	}
	return rest
}

// timings are the parts of the sequence's life until now.
func (q *sequence) timings(now time.Time) Timings {
	r := q.req
	t := Timings{Drafted: q.guess.drafted, Accepted: q.guess.accepted}
	switch {
	case r.admitted.IsZero():
		t.Queued = now.Sub(r.submitted)
	case q.started.IsZero():
		t.Queued, t.Prompt = r.admitted.Sub(r.submitted), now.Sub(r.admitted)
	default:
		t.Queued, t.Prompt = r.admitted.Sub(r.submitted), q.started.Sub(r.admitted)
		t.Generate = now.Sub(q.started)
	}
	return t
}
