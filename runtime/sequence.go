package runtime

import (
	"cmp"
	"context"
	"slices"
	"time"
)

// request is a Request on its way through the engine: one sequence until its
// prompt is computed, then one per choice.
type request struct {
	Request
	ctx       context.Context
	cancel    context.CancelFunc
	stream    *Stream
	embed     *embedding // instead of text; nil for a Request
	arrival   uint64     // order of Submit
	limit     int        // tokens that a sequence can have
	submitted time.Time
	deadline  time.Time // zero: none
	admitted  time.Time // when the scheduler first took it
	cached    int       // tokens of the prompt found in the prefix cache
	forks     int       // choices that still share the first one's sequence
	open      int       // choices that have not ended
	vocab     vocabulary
	withheld  []int32 // tokens suppressed always (ignore_eos)
	early     []int32 // tokens suppressed before MinTokens
}

// allRows says whether the outputs of every position of the prompt are
// wanted, so that the prefix cache is of no use.
func (r *request) allRows() bool {
	if r.embed != nil {
		return r.embed.pooling == PoolMean
	}
	return r.Echo && r.LogProbs
}

// silent says that nothing is to be drawn.
func (r *request) silent() bool {
	return r.embed != nil || r.PromptOnly || len(r.Prompt) >= r.limit
}

// ends says whether a token ends the text.
func (r *request) ends(id int32) bool {
	return !r.IgnoreEOS && r.vocab.End(id) || slices.Contains(r.StopTokens, id)
}

// vocabulary is what the engine needs of a tokenizer.
type vocabulary interface {
	Size() int
	End(id int32) bool
	EndTokens() []int32
	Decoder(special bool) textDecoder
}

// textDecoder turns tokens into whole characters.
type textDecoder interface {
	Push(id int32) string
	Flush() string
}

// sequence is one choice of a request: its tokens, the blocks with the keys
// and values of those that are computed, and the state of its text. Prompt and
// generated tokens are alike: what is not computed is computed next, and when
// the last token is, its logits give one more.
type sequence struct {
	req      *request
	choice   int
	tokens   []int32 // the prompt, then what was drawn; elements never change
	computed int     // tokens whose keys and values are in the cache
	blocks   []int32
	// The first shared blocks are published in the prefix cache (or came from
	// it); node names the last of them.
	published int
	node      uint64
	collected int // positions whose outputs were taken, when all are wanted
	preempted bool
	running   bool

	sampler *sampler
	text    textDecoder
	stop    stopFilter
	guess   speculation
	draft   []int32
	chunk   int            // of the prompt, in this step
	probs   []TokenLogProb // of the prompt, when they are wanted
	started time.Time      // of the first token
}

func newSequence(r *request, choice int) *sequence {
	q := &sequence{req: r, choice: choice, tokens: slices.Clone(r.Prompt)}
	q.dress()
	return q
}

// dress gives a sequence the state that choices do not share.
func (q *sequence) dress() {
	if q.req.embed == nil {
		q.sampler = newSampler(&q.req.Sampling, q.choice)
		q.text = q.req.vocab.Decoder(q.req.Special)
		q.stop = stopFilter{stops: q.req.Stop}
	}
}

// fork makes the sequence of another choice, with the same blocks. The
// references to them are the caller's business.
func (q *sequence) fork(choice int) *sequence {
	f := *q
	f.choice = choice
	f.tokens = slices.Clone(q.tokens)
	f.blocks = slices.Clone(q.blocks)
	f.draft, f.probs = nil, nil
	f.dress()
	return &f
}

// pending is the number of tokens to compute before the next can be drawn.
func (q *sequence) pending() int { return len(q.tokens) - q.computed }

// generated is the number of tokens drawn so far.
func (q *sequence) generated() int { return len(q.tokens) - len(q.req.Prompt) }

// suppressed are the tokens that may not be drawn as the n-th one generated.
func (q *sequence) suppressed(n int) []int32 {
	if n < q.req.MinTokens {
		return q.req.early
	}
	return q.req.withheld
}

// rowsFrom is the first position whose outputs are wanted of a span that ends
// at end: all that were not taken yet, or those of the last token alone.
func (q *sequence) rowsFrom(start, end int) int {
	switch {
	case q.req.allRows():
		return min(max(start, q.collected), end)
	case end >= len(q.tokens):
		return len(q.tokens) - 1
	}
	return end
}

// byArrival orders sequences: first come, first served.
func byArrival(a, b *sequence) int {
	if c := cmp.Compare(a.req.arrival, b.req.arrival); c != 0 {
		return c
	}
	return cmp.Compare(a.choice, b.choice)
}

// accept appends a drawn token, and sends its text. It returns the reason when
// it is the last, with the event that is still to be sent.
func (q *sequence) accept(id int32, probs LogProbs) (ev Event, reason string) {
	r := q.req
	ev.Choice = q.choice
	if r.ends(id) && q.generated() >= r.MinTokens {
		ev.Text = q.flush()
		return ev, FinishStop
	}
	q.tokens = append(q.tokens, id)
	n := len(q.tokens)
	ev.Tokens, ev.LogProbs = q.tokens[n-1:n:n], probs
	ev.Text = q.text.Push(id)
	if q.generated() > r.MinTokens {
		var found bool
		if ev.Text, found = q.stop.push(ev.Text); found {
			return ev, FinishStop
		}
	}
	if q.generated() >= r.generates() || n >= r.limit {
		ev.Text += q.flush()
		return ev, FinishLength
	}
	return ev, ""
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
