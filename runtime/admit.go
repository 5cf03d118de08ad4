package runtime

import (
	"slices"

	"cllm/model"
)

// mostLookups bounds the blocks of a prompt that are looked up in the prefix
// cache at a time, some 50 microseconds' worth.
const mostLookups = 256

// admit moves waiting sequences to the running ones while there is room.
func (s *scheduler) admit() {
	places := s.maxRunning - len(s.running)
	for _, q := range s.running {
		places -= s.forks(q)
	}
	for q := s.waiting.head; q != nil; {
		next := q.next
		if q.preempted && q.paused() {
			if q.displaced == 0 {
				places-- // what it has given is still there
			}
			q = next
			continue
		}
		for places < 1+s.forks(q) && s.displace() {
			places++
		}
		if places < 1+s.forks(q) || !s.claim(q) {
			return
		}
		places -= 1 + s.forks(q)
		s.waiting.remove(q)
		s.refundDisplaced(q)
		q.running, q.passed = true, false
		s.running = insert(s.running, q)
		q = next
	}
}

// forks is the number of sequences that will come from this one.
func (s *scheduler) forks(q *sequence) int {
	if q.choice == 0 {
		return q.req.forks
	}
	return 0
}

// claim gives a sequence what the prefix cache has of its tokens, and promises
// it blocks for the others, if that leaves one for each running sequence.
func (s *scheduler) claim(q *sequence) bool {
	if s.pool.available() < q.lacking+len(s.running) && !s.anyPaused() {
		return false
	}
	s.match(q)
	need := model.BlocksFor(q.tokens.len()) - len(q.blocks)
	for s.pool.available() < need+len(s.running) && s.displace() {
	}
	if s.pool.available() < need+len(s.running) {
		s.drop(q)
		q.lacking = need
		return false
	}
	q.lacking = 0
	q.promised = need
	s.pool.promised += need
	s.countFound(q, q.computed)
	return true
}

// match moves a sequence past the blocks that the prefix cache has next. One
// token is always left to compute. It returns whether there may be more.
func (s *scheduler) match(q *sequence) (more bool) {
	for n := 0; q.computed == q.published*blockTokens && !q.req.output.everyRow(); n++ {
		if q.computed+blockTokens >= q.tokens.len() || q.published < len(q.blocks) {
			return false
		}
		if n == mostLookups {
			return true
		}
		b, ok := s.pool.lookup(q.node, q.tokens.block(q.published))
		if !ok {
			return false
		}
		s.pool.retain(b)
		s.keepPromise(q)
		q.blocks = append(q.blocks, b)
		q.node = s.pool.blocks[b].id
		q.published++
		q.computed += blockTokens
	}
	return false
}

// keepPromise notes that a sequence has one of the blocks it was promised, or
// needs it no more.
func (s *scheduler) keepPromise(q *sequence) {
	if q.promised > 0 {
		q.promised--
		s.pool.promised--
	}
}

// countFound counts tokens of a prompt that the prefix cache had.
func (s *scheduler) countFound(q *sequence, tokens int) {
	s.cachedTokens += tokens
	if !q.preempted {
		q.req.cached += tokens
	}
}

// reserve makes the blocks for the next n tokens of a sequence its own to
// write: those that it was promised, or others while there are any.
func (s *scheduler) reserve(q *sequence, n int) bool {
	if s.mustCopy(q) {
		b, err := s.allocate(q)
		if err != nil {
			return false
		}
		i := q.computed / blockTokens
		s.copyBlock(b, q.blocks[i])
		s.copied++
		s.pool.release(q.blocks[i])
		q.blocks[i] = b
	}
	for len(q.blocks) < model.BlocksFor(q.computed+n) {
		b, err := s.allocate(q)
		if err != nil {
			return false
		}
		q.blocks = append(q.blocks, b)
	}
	return true
}

// allocate takes a block for a sequence.
func (s *scheduler) allocate(q *sequence) (int32, error) {
	if q.promised == 0 && s.pool.available() == 0 {
		return -1, errNoBlocks
	}
	b, err := s.pool.alloc()
	if err == nil {
		s.keepPromise(q)
	}
	return b, err
}

// mustCopy says that the block which a sequence writes next is not its alone.
func (s *scheduler) mustCopy(q *sequence) bool {
	i := q.computed / blockTokens
	return i < len(q.blocks) && s.pool.shared(q.blocks[i])
}

// victim is the index of the running sequence that gives up its blocks when
// there are none: the youngest of those that nobody reads, or of all.
func (s *scheduler) victim() int {
	for i := len(s.running) - 1; i >= 0; i-- {
		if s.running[i].passed && s.running[i].paused() {
			return i
		}
	}
	return len(s.running) - 1
}

// displace sends away the youngest sequence that nobody reads, so that another
// can have its place and its blocks. What it has given stays in memory, and is
// charged to the requests.
func (s *scheduler) displace() bool {
	for i := len(s.running) - 1; i >= 0; i-- {
		q := s.running[i]
		if !q.passed || !q.paused() || s.forks(q) > 0 {
			continue
		}
		if s.requests.charge(0, s.placeBytes) != nil {
			return false
		}
		q.displaced = s.placeBytes
		s.preempt(q)
		return true
	}
	return false
}

// anyPaused says whether displace may help.
func (s *scheduler) anyPaused() bool {
	return slices.ContainsFunc(s.running, func(q *sequence) bool { return q.passed && q.paused() })
}

// refundDisplaced gives back what a displaced sequence was charged.
func (s *scheduler) refundDisplaced(q *sequence) {
	s.requests.refund(q.displaced)
	q.displaced = 0
}

// preempt sends a running sequence back to wait, without its blocks.
func (s *scheduler) preempt(q *sequence) {
	s.remove(q)
	q.preempted = true
	s.waiting.insert(q)
	s.preemptions++
}

// remove takes a sequence out, and gives its blocks back.
func (s *scheduler) remove(q *sequence) {
	if q.running {
		if i, ok := slices.BinarySearchFunc(s.running, q, byArrival); ok {
			s.running = slices.Delete(s.running, i, i+1)
		}
		q.running = false
	} else {
		s.waiting.remove(q)
		s.refundDisplaced(q)
	}
	s.drop(q)
}

// drop gives a sequence's blocks back, the last first (see [blockPool]), and
// what it was promised.
func (s *scheduler) drop(q *sequence) {
	for i := len(q.blocks) - 1; i >= 0; i-- {
		s.pool.release(q.blocks[i])
	}
	q.blocks = q.blocks[:0]
	s.pool.promised -= q.promised
	q.promised = 0
	q.computed, q.published, q.node = 0, 0, q.req.root
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
