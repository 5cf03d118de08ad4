package runtime

import (
	"slices"

	"cllm/model"
)

// scheduler decides what each step computes.
//
// Every step takes one token of each running sequence that has its prompt
// behind it (and a draft, where that pays), and fills up with chunks of
// prompts: half of the room to the oldest, so that none starves, the other
// half to the shortest, so that a short prompt does not wait for a long one.
// How much room there is follows from measured step times, so that running
// sequences go on at a bounded pace while a long prompt is read.
//
// A sequence is admitted in order of arrival when the blocks for all its
// tokens are there. When a running one needs a block more and none is left,
// the youngest gives up its own, and starts over later with its prompt and
// the tokens it has drawn: they are computed again, not drawn again.
//
// A sequence whose reader has too much to read is passed over, and makes way
// for others. What one request costs in a step, beside its tokens, is bounded:
// the blocks that are looked up, the copies that its choices make.
type scheduler struct {
	pool       *blockPool
	copyBlock  func(dst, src int32)
	copies     int // of blocks in a step, while there is somebody to disturb
	cost       costCurve
	others     func() bool // whether somebody else computes on the same workers
	requests   *account
	placeBytes int64 // that a sequence which nobody reads keeps
	maxRunning int   // sequences
	maxTokens  int   // of a step, at least maxRunning
	maxRows    int   // outputs of a step, at least maxRunning
	speculate  int   // longest draft

	waiting queue       // the preempted among them
	running []*sequence // by arrival

	batch        model.Batch // the step's work, a span for each pick
	picks        []pick
	prompts      []*sequence // of this step
	copied       int         // blocks, in this step
	preemptions  int
	cachedTokens int
}

// pick is one sequence's part in a step.
type pick struct {
	seq    *sequence
	tokens int // of the span, the draft included
	rows   int // outputs, of the last tokens
	out    int // index of the first
	// choices are the sequences that draw from the last rows: seq, and the other
	// choices of its request when their prompt is complete.
	choices []*sequence
	drawn   []int32        // one for each choice; for a draft, one after another
	probs   []TokenLogProb // of those, when they are wanted
	err     error
}

// prob is the log-probability of the i-th drawn token, if wanted. It is valid
// until the next step.
func (p *pick) prob(i int) LogProbs {
	r := p.seq.req
	if !r.LogProbs {
		return LogProbs{}
	}
	return LogProbs{p.probs, 1 + r.TopLogProbs}.Slice(i, i+1)
}

const (
	// stretch bounds a step with chunks of prompts, relative to one without.
	stretch = 2
	// longestStep bounds, in seconds, a step that makes nobody wait, so that
	// arrivals and cancellations are seen.
	longestStep = 0.5
	// leastChunk is computed even when it takes too long by these bounds.
	leastChunk = 8
	// firstChunk is the room for prompts before any step was measured.
	firstChunk = 64
	// copiedBytes is about what a step may copy of the KV cache while there is
	// somebody to disturb, some 100 microseconds' worth.
	copiedBytes = 1 << 20
)

// next lays out the next step in batch and picks; empty when there is nothing
// to do.
func (s *scheduler) next() {
	s.batch.Spans, s.picks, s.copied = s.batch.Spans[:0], s.picks[:0], 0
	tokens := s.decode()
	s.admit()
	for s.prefill(tokens) && len(s.picks) == 0 {
		// Nobody waits while a long prompt is looked up.
	}
}

// decode picks the running sequences that have one token to compute. It
// returns the tokens of their spans.
func (s *scheduler) decode() int {
	// Rows for drafts are those that no sequence needs for itself.
	spare := s.maxRows - min(s.maxRunning, len(s.running)+s.waiting.n)
	tokens := 0
	for i := 0; i < len(s.running); i++ {
		q := s.running[i]
		q.passed = q.pending() == 1 && (q.paused() || s.mustCopy(q) && s.copied >= s.copies && s.disturbs(q))
		if q.passed || q.pending() != 1 {
			continue
		}
		s.propose(q, min(spare, s.maxTokens-tokens-(len(s.running)-i)), tokens+len(s.running)-i)
		for q.running && !s.reserve(q, 1+len(q.draft)) {
			if len(q.draft) > 0 {
				q.draft = q.draft[:0]
				continue
			}
			at := s.victim()
			s.preempt(s.running[at])
			if at < i {
				i--
			}
		}
		if !q.running {
			break // it was the youngest
		}
		spare -= len(q.draft)
		tokens += 1 + len(q.draft)
		s.pick(q, 1+len(q.draft))
	}
	return tokens
}

// propose sets the draft of a sequence, of at most n tokens.
func (s *scheduler) propose(q *sequence, n, tokens int) {
	q.draft = q.draft[:0]
	r := q.req
	if q.drafter == nil || r.forks > 0 || q.generated() == 0 {
		return
	}
	n = min(n, s.speculate, r.limit-q.tokens.len()-1, r.generates()-q.generated()-1)
	if n = q.guess.want(n, tokens, len(s.running), &s.cost); n > 0 {
		q.setDraft(q.drafter.draft(q.draft, q.tokens, n))
	}
}

// disturbs says whether somebody waits for the time that a sequence takes.
func (s *scheduler) disturbs(q *sequence) bool {
	return s.running[0].req != q.req || s.running[len(s.running)-1].req != q.req || s.others()
}

// prefill gives the room that the decoded tokens leave to prompts. It returns
// whether one was passed over because more of it may be in the prefix cache.
func (s *scheduler) prefill(decoded int) (passed bool) {
	s.prompts = s.prompts[:0]
	picked := 0 // picks are in the order of running
	for _, q := range s.running {
		if picked < len(s.picks) && s.picks[picked].seq == q {
			picked++
			continue
		}
		if q.passed {
			continue
		}
		q.chunk, q.draft = 0, q.draft[:0]
		before := q.computed
		more := s.match(q)
		s.countFound(q, q.computed-before)
		if more {
			passed = true
			continue
		}
		s.prompts = append(s.prompts, q)
	}
	if len(s.prompts) == 0 {
		return passed
	}
	// Each prompt may need one row for its last token; who wants all of them
	// shares what is left.
	spare := s.maxRows - decoded - len(s.prompts)
	room := s.room(decoded)
	give := func(q *sequence, n int) {
		n = min(n, room, q.contiguous()-q.chunk)
		if q.req.output.everyRow() && n > 0 {
			wanted := func(n int) int {
				end := q.computed + q.chunk + n
				return end - q.rowsFrom(q.computed, end)
			}
			before := max(wanted(0)-1, 0)
			if over := max(wanted(n)-1, 0) - before - spare; over > 0 {
				n -= over
			}
			spare -= max(wanted(n)-1, 0) - before
		}
		q.chunk += n
		room -= n
	}
	oldest := s.prompts[0]
	give(oldest, (room+1)/2)
	slices.SortStableFunc(s.prompts[1:], func(a, b *sequence) int { return a.pending() - b.pending() })
	for _, q := range s.prompts[1:] {
		give(q, room)
	}
	give(oldest, room)
	for _, q := range s.prompts {
		if q.chunk > 0 {
			s.pick(q, q.chunk)
		}
	}
	return passed
}

// room is the number of tokens of prompts that this step takes beside the
// given ones of running sequences.
func (s *scheduler) room(decoded int) int {
	most := s.maxTokens - decoded
	if !s.cost.any() {
		return min(firstChunk, most)
	}
	seconds := longestStep
	if decoded > 0 || s.others() {
		seconds = min(seconds, stretch*s.cost.predict(max(decoded, 1)))
	}
	return min(max(s.cost.tokensWithin(seconds, s.maxTokens)-decoded, leastChunk), most)
}

// pick adds the next n tokens of a sequence, its draft among them, to the step.
func (s *scheduler) pick(q *sequence, n int) {
	if !s.reserve(q, n) {
		s.preempt(q) // the blocks were promised: this cannot be
		return
	}
	end := q.computed + n
	from := q.rowsFrom(q.computed, end)
	out := 0
	if k := len(s.picks); k > 0 {
		out = s.picks[k-1].out + s.picks[k-1].rows
	}
	s.batch.Spans = append(s.batch.Spans, model.Span{
		Tokens: q.span(n),
		Pos:    q.computed,
		Blocks: q.blocks,
		Logits: end - from,
		Hidden: q.req.output.hidden(),
	})
	if len(s.picks) < cap(s.picks) { // keep the slices of the step before
		s.picks = s.picks[:len(s.picks)+1]
	} else {
		s.picks = append(s.picks, pick{})
	}
	p := &s.picks[len(s.picks)-1]
	*p = pick{seq: q, tokens: n, rows: end - from, out: out, choices: p.choices[:0], drawn: p.drawn[:0], probs: p.probs[:0]}
}

// advance notes that the next n tokens of a sequence are computed, and
// publishes the blocks that they fill.
func (s *scheduler) advance(q *sequence, n int) {
	q.computed += n
	q.collected = max(q.collected, q.computed)
	for s.pool.keep && (q.published+1)*blockTokens <= q.computed {
		i := q.published
		q.blocks[i], q.node = s.pool.publish(q.blocks[i], q.node, q.tokens.block(i))
		q.published++
	}
}

// forkChoices appends to list a sequence, and those of its request's other
// choices, which now come to be: they share its blocks.
func (s *scheduler) forkChoices(q *sequence, list []*sequence) []*sequence {
	list = append(list, q)
	for n, c := s.forks(q), 1; c <= n; c++ {
		f := q.fork(c)
		for _, b := range f.blocks {
			s.pool.retain(b)
		}
		s.running = insert(s.running, f)
		list = append(list, f)
		q.req.forks--
	}
	return list
}
