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
type scheduler struct {
	pool       *blockPool
	copyBlock  func(dst, src int32)
	cost       costCurve
	maxRunning int // sequences
	maxTokens  int // of a step, at least maxRunning
	maxRows    int // outputs of a step, at least maxRunning
	speculate  int // longest draft

	waiting []*sequence // by arrival, the preempted among them
	running []*sequence // by arrival

	batch        model.Batch // the step's work, a span for each pick
	picks        []pick
	prompts      []*sequence // of this step
	preemptions  int
	cachedTokens int
}

// pick is one sequence's part in a step.
type pick struct {
	seq    *sequence
	tokens int // of the span, the draft included
	rows   int // outputs, of the last tokens
	out    int // index of the first
	// choices are the sequences that draw from the outputs: seq, and the other
	// choices of its request when their prompt is complete.
	choices []*sequence
	drawn   []int32        // per choice; for a draft, one after another
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
)

// next lays out the next step in batch and picks; empty when there is nothing
// to do.
func (s *scheduler) next() {
	s.batch.Spans, s.picks = s.batch.Spans[:0], s.picks[:0]
	rows := s.decode()
	s.admit()
	s.prefill(rows)
}

// decode picks the running sequences that have one token to compute. It
// returns the rows they take.
func (s *scheduler) decode() int {
	// Rows for drafts are those that no sequence needs for itself.
	spare := s.maxRows - min(s.maxRunning, len(s.running)+len(s.waiting))
	rows := 0
	for i := 0; i < len(s.running); i++ {
		q := s.running[i]
		if q.pending() != 1 {
			continue
		}
		s.propose(q, min(spare, s.maxTokens-rows-(len(s.running)-i)), rows+len(s.running)-i)
		for q.running && !s.reserve(q, 1+len(q.draft)) {
			if len(q.draft) > 0 {
				q.draft = q.draft[:0]
				continue
			}
			s.preempt(s.running[len(s.running)-1])
		}
		if !q.running {
			break // it was the youngest
		}
		spare -= len(q.draft)
		rows += 1 + len(q.draft)
		s.pick(q, 1+len(q.draft))
	}
	return rows
}

// propose sets the draft of a sequence, of at most n tokens.
func (s *scheduler) propose(q *sequence, n, rows int) {
	q.draft = q.draft[:0]
	r := q.req
	if s.speculate == 0 || r.embed != nil || r.forks > 0 || q.generated() == 0 {
		return
	}
	n = min(n, s.speculate, r.limit-len(q.tokens)-1, r.generates()-q.generated()-1)
	if n = q.guess.want(n, rows, len(s.running), &s.cost); n > 0 {
		q.draft = lookupDraft(q.draft, q.tokens, n)
		q.tokens = slices.Grow(q.tokens, len(q.draft)) // see pick
	}
}

// admit moves waiting sequences to the running ones while there is room.
func (s *scheduler) admit() {
	places := s.maxRunning - len(s.running)
	for _, q := range s.running {
		places -= s.forks(q)
	}
	for len(s.waiting) > 0 {
		q := s.waiting[0]
		places -= 1 + s.forks(q)
		if places < 0 || !s.take(q) {
			return
		}
		s.waiting = slices.Delete(s.waiting, 0, 1)
		q.running = true
		s.running = insert(s.running, q)
	}
}

// forks is the number of sequences that will come from this one.
func (s *scheduler) forks(q *sequence) int {
	if q.choice == 0 {
		return q.req.forks
	}
	return 0
}

// take gives a sequence the blocks for all its tokens, from the prefix cache
// where it has them, if that leaves one for each running sequence.
func (s *scheduler) take(q *sequence) bool {
	s.match(q)
	need := blocksFor(len(q.tokens)) - len(q.blocks)
	if s.pool.available() < need+len(s.running) {
		s.drop(q)
		return false
	}
	for range need {
		b, err := s.pool.alloc()
		if err != nil {
			s.drop(q)
			return false
		}
		q.blocks = append(q.blocks, b)
	}
	s.found(q, q.computed)
	return true
}

// match moves a sequence past the blocks that the prefix cache has next. One
// token is always left to compute.
func (s *scheduler) match(q *sequence) {
	for q.computed == q.published*blockTokens && !q.req.allRows() {
		end := q.computed + blockTokens
		if end >= len(q.tokens) {
			return
		}
		b, ok := s.pool.lookup(q.node, q.tokens[q.computed:end])
		if !ok {
			return
		}
		s.pool.retain(b)
		if q.published < len(q.blocks) {
			s.pool.release(q.blocks[q.published])
			q.blocks[q.published] = b
		} else {
			q.blocks = append(q.blocks, b)
		}
		q.node = s.pool.blocks[b].id
		q.published++
		q.computed = end
	}
}

// found counts tokens of a prompt that the prefix cache had.
func (s *scheduler) found(q *sequence, tokens int) {
	s.cachedTokens += tokens
	if !q.preempted {
		q.req.cached += tokens
	}
}

// prefill gives the room that the given decode rows leave to prompts.
func (s *scheduler) prefill(rows int) {
	s.prompts = s.prompts[:0]
	picked := 0 // picks are in the order of running
	for _, q := range s.running {
		if picked < len(s.picks) && s.picks[picked].seq == q {
			picked++
			continue
		}
		q.chunk, q.draft = 0, q.draft[:0]
		before := q.computed
		s.match(q)
		s.found(q, q.computed-before)
		s.prompts = append(s.prompts, q)
	}
	if len(s.prompts) == 0 {
		return
	}
	// Each prompt may need one row for its last token; who wants all of them
	// shares what is left.
	spare := s.maxRows - rows - len(s.prompts)
	room := s.room(rows)
	give := func(q *sequence, n int) {
		n = min(n, room, q.pending()-q.chunk)
		if q.req.allRows() && n > 0 {
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
}

// room is the number of tokens of prompts that this step takes beside the
// given rows of running sequences.
func (s *scheduler) room(rows int) int {
	most := s.maxTokens - rows
	if !s.cost.any() {
		return min(firstChunk, most)
	}
	seconds := longestStep
	if rows > 0 {
		seconds = min(seconds, stretch*s.cost.predict(rows))
	}
	return min(max(s.cost.rowsWithin(seconds, s.maxTokens)-rows, leastChunk), most)
}

// pick adds the next n tokens of a sequence, its draft among them, to the step.
func (s *scheduler) pick(q *sequence, n int) {
	end := q.computed + n
	from := q.rowsFrom(q.computed, end)
	all := q.tokens
	if len(q.draft) > 0 {
		all = append(all, q.draft...) // beyond the length of tokens
	}
	out := 0
	if k := len(s.picks); k > 0 {
		out = s.picks[k-1].out + s.picks[k-1].rows
	}
	s.batch.Spans = append(s.batch.Spans, model.Span{
		Tokens: all[q.computed:end],
		Pos:    q.computed,
		Blocks: q.blocks,
		Logits: end - from,
		Hidden: q.req.embed != nil,
	})
	if len(s.picks) < cap(s.picks) { // keep the slices of the step before
		s.picks = s.picks[:len(s.picks)+1]
	} else {
		s.picks = append(s.picks, pick{})
	}
	p := &s.picks[len(s.picks)-1]
	*p = pick{seq: q, tokens: n, rows: end - from, out: out, choices: p.choices[:0], drawn: p.drawn[:0], probs: p.probs[:0]}
}

// reserve makes the blocks for the next n tokens of a sequence its own to
// write.
func (s *scheduler) reserve(q *sequence, n int) bool {
	if i := q.computed / blockTokens; i < len(q.blocks) && s.pool.shared(q.blocks[i]) {
		b, err := s.pool.alloc()
		if err != nil {
			return false
		}
		s.copyBlock(b, q.blocks[i])
		s.pool.release(q.blocks[i])
		q.blocks[i] = b
	}
	for len(q.blocks) < blocksFor(q.computed+n) {
		b, err := s.pool.alloc()
		if err != nil {
			return false
		}
		q.blocks = append(q.blocks, b)
	}
	return true
}

// advance notes that the next n tokens of a sequence are computed, and
// publishes the blocks that they fill.
func (s *scheduler) advance(q *sequence, n int) {
	q.computed += n
	q.collected = max(q.collected, q.computed)
	for s.pool.keep && (q.published+1)*blockTokens <= q.computed {
		i := q.published
		q.blocks[i], q.node = s.pool.publish(q.blocks[i], q.node, q.tokens[i*blockTokens:(i+1)*blockTokens])
		q.published++
	}
}

// split appends to list a sequence, and those of its request's other choices,
// which now come to be: they share its blocks.
func (s *scheduler) split(q *sequence, list []*sequence) []*sequence {
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

// preempt sends a running sequence back to wait, without its blocks.
func (s *scheduler) preempt(q *sequence) {
	s.remove(q)
	q.preempted = true
	s.waiting = insert(s.waiting, q)
	s.preemptions++
}

// remove takes a sequence out, and gives its blocks back.
func (s *scheduler) remove(q *sequence) {
	list := &s.waiting
	if q.running {
		list = &s.running
	}
	if i, ok := slices.BinarySearchFunc(*list, q, byArrival); ok {
		*list = slices.Delete(*list, i, i+1)
	}
	q.running = false
	s.drop(q)
}

// drop gives a sequence's blocks back, the last first (see [blockPool]).
func (s *scheduler) drop(q *sequence) {
	for i := len(q.blocks) - 1; i >= 0; i-- {
		s.pool.release(q.blocks[i])
	}
	q.blocks = q.blocks[:0]
	q.computed, q.published, q.node = 0, 0, 0
}

// tables are the block tables in use, for blockPool.check.
func (s *scheduler) tables() [][]int32 {
	var t [][]int32
	for _, q := range s.running {
		t = append(t, q.blocks)
	}
	return t
}

func insert(list []*sequence, q *sequence) []*sequence {
	i, _ := slices.BinarySearchFunc(list, q, byArrival)
	return slices.Insert(list, i, q)
}

// blocksFor is the number of blocks that n tokens need.
func blocksFor(n int) int { return (n + blockTokens - 1) / blockTokens }
