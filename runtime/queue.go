package runtime

// queue is the sequences that wait, by arrival. Every change takes the same
// time however many there are, but to insert one that ran already: the others
// like it are at the front.
type queue struct {
	head, tail *sequence
	n          int
}

// insert puts a sequence in its place. From the back, unless it ran already.
func (l *queue) insert(q *sequence) {
	after := l.tail
	if q.preempted {
		for after = nil; ; {
			next := l.head
			if after != nil {
				next = after.next
			}
			if next == nil || byArrival(q, next) < 0 {
				break
			}
			after = next
		}
	} else {
		for after != nil && byArrival(q, after) < 0 {
			after = after.prev
		}
	}
	q.prev = after
	if after == nil {
		q.next, l.head = l.head, q
	} else {
		q.next, after.next = after.next, q
	}
	if q.next == nil {
		l.tail = q
	} else {
		q.next.prev = q
	}
	l.n++
}

func (l *queue) remove(q *sequence) {
	if q.prev == nil {
		l.head = q.next
	} else {
		q.prev.next = q.next
	}
	if q.next == nil {
		l.tail = q.prev
	} else {
		q.next.prev = q.prev
	}
	q.prev, q.next = nil, nil
	l.n--
}
