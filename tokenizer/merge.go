package tokenizer

import "slices"

// A word starts as the tokens of its bytes. Of all neighbours that can merge, those of the lowest
// rank do so first, the leftmost of equals, until none are left.

// maxShort is the length up to which looking at every pair beats a queue.
const maxShort = 24

// merge appends the tokens of a word of at least one byte.
func (e *bpeEncoder) merge(dst []int32, word string) []int32 {
	if len(word) <= maxShort {
		return e.mergeShort(dst, word)
	}
	return e.mergeLong(dst, word)
}

// mergeShort keeps the tokens and the ranks of the merges between them in two arrays.
func (b *byteBPE) mergeShort(dst []int32, word string) []int32 {
	var ids [maxShort]int32
	var ranks [maxShort]uint32 // ranks[i] is that of ids[i] with ids[i+1]
	n := len(word)
	for i := range n {
		ids[i] = b.bytes[word[i]]
		if i > 0 {
			ranks[i-1] = b.merges.rank(ids[i-1], ids[i])
		}
	}
	for n > 1 {
		best, at := noMerge, 0
		for i, rank := range ranks[:n-1] {
			if rank < best {
				best, at = rank, i
			}
		}
		if best == noMerge {
			break
		}
		ids[at] = b.merges.made[best]
		copy(ids[at+1:n-1], ids[at+2:n])
		copy(ranks[at:n-1], ranks[at+1:n-1])
		n--
		if at > 0 {
			ranks[at-1] = b.merges.rank(ids[at-1], ids[at])
		}
		if at+1 < n {
			ranks[at] = b.merges.rank(ids[at], ids[at+1])
		}
	}
	for _, id := range ids[:n] {
		dst = b.emit(dst, id)
	}
	return dst
}

// emit appends a token. What merges made of bytes without being a token falls apart into bytes again,
// and bytes for which there is no token are left out.
func (b *byteBPE) emit(dst []int32, id int32) []int32 {
	if uint(id) < uint(b.size) {
		return append(dst, id)
	}
	if id < 0 {
		return dst
	}
	for _, c := range b.phantoms[int(id)-b.size] {
		if token := b.bytes[c]; uint(token) < uint(b.size) {
			dst = append(dst, token)
		}
	}
	return dst
}

// symbol is one token of a long word in a linked list; -1 ends it.
type symbol struct {
	id         int32
	rank       uint32 // of the merge with the next symbol
	prev, next int32
}

// mergeLong takes the next merge from a queue: n bytes cost n log n. The queue's entries are rank and
// position; one whose symbol has another rank by now is stale.
func (e *bpeEncoder) mergeLong(dst []int32, word string) []int32 {
	symbols := slices.Grow(e.symbols[:0], len(word))[:len(word)]
	e.symbols, e.queue = symbols, slices.Grow(e.queue[:0], len(word))
	for i := range symbols {
		symbols[i] = symbol{id: e.bytes[word[i]], prev: int32(i) - 1, next: int32(i) + 1}
	}
	symbols[len(symbols)-1].next = -1
	for i := range symbols {
		e.pair(int32(i))
	}
	for len(e.queue) > 0 {
		top := e.pop()
		at := int32(uint32(top))
		s := &symbols[at]
		if s.rank != uint32(top>>32) {
			continue
		}
		gone := &symbols[s.next]
		s.id, s.next = e.merges.made[s.rank], gone.next
		gone.rank = noMerge
		if s.next >= 0 {
			symbols[s.next].prev = at
		}
		if s.prev >= 0 {
			e.pair(s.prev)
		}
		e.pair(at)
	}
	for i := int32(0); i >= 0; i = symbols[i].next {
		dst = e.emit(dst, symbols[i].id)
	}
	return dst
}

// pair finds the merge of a symbol with its next, and queues it.
func (e *bpeEncoder) pair(at int32) {
	s := &e.symbols[at]
	s.rank = noMerge
	if s.next < 0 {
		return
	}
	if s.rank = e.merges.rank(s.id, e.symbols[s.next].id); s.rank != noMerge {
		e.push(uint64(s.rank)<<32 | uint64(uint32(at)))
	}
}

// push and pop keep the queue a binary heap, smallest first.
func (e *bpeEncoder) push(item uint64) {
	if len(e.queue) == cap(e.queue) {
		e.compact()
	}
	q := append(e.queue, item)
	i := len(q) - 1
	for i > 0 {
		parent := (i - 1) / 2
		if q[parent] <= item {
			break
		}
		q[i], i = q[parent], parent
	}
	q[i] = item
	e.queue = q
}

func (e *bpeEncoder) pop() uint64 {
	q := e.queue
	top, item := q[0], q[len(q)-1]
	q = q[:len(q)-1]
	if len(q) > 0 {
		sink(q, 0, item)
	}
	e.queue = q
	return top
}

// compact drops the stale entries of a full queue. There are no more others than symbols that are
// left, so the queue never grows beyond the word: memory is bounded, and as merges go on there is
// ever more room until the next time.
func (e *bpeEncoder) compact() {
	q := e.queue[:0]
	for _, item := range e.queue {
		if e.symbols[uint32(item)].rank == uint32(item>>32) {
			q = append(q, item)
		}
	}
	slices.Sort(q) // a sorted list is a heap
	e.queue = slices.Compact(q)
}

// sink puts an item into the heap q, from position i on downwards.
func sink(q []uint64, i int, item uint64) {
	for {
		child := 2*i + 1
		if child >= len(q) {
			break
		}
		if child+1 < len(q) && q[child+1] < q[child] {
			child++
		}
		if q[child] >= item {
			break
		}
		q[i], i = q[child], child
	}
	q[i] = item
}

// trim lets go of the memory of an unusually long word.
func (e *bpeEncoder) trim() {
	const keep = 1 << 14
	if cap(e.symbols) > keep || cap(e.queue) > 4*keep {
		e.symbols, e.queue = nil, nil
	}
}
