package wire

// Growing is a text in parts, so that it grows without a copy twice its size.
type Growing struct {
	parts [][]byte
	size  int
}

const (
	leastPart = 512
	mostPart  = 32 << 10
)

// Parts are the text.
func (g *Growing) Parts() [][]byte { return g.parts }

// Size is the text's length in bytes.
func (g *Growing) Size() int { return g.size }

// next is the capacity of the next part, 0 when n bytes fit into the last.
func (g *Growing) next(n int) int {
	if last := len(g.parts) - 1; last >= 0 && n <= cap(g.parts[last])-len(g.parts[last]) {
		return 0
	}
	return max(n, min(max(g.size, leastPart), mostPart))
}

func (g *Growing) append(text []byte) {
	if n := g.next(len(text)); n > 0 {
		g.parts = append(g.parts, make([]byte, 0, n))
	}
	if last := len(g.parts) - 1; last >= 0 {
		g.parts[last] = append(g.parts[last], text...)
		g.size += len(text)
	}
}

// Room is the memory that a whole answer takes while it grows, encoded as it
// will be sent: that is the form in which it is held, and charged.
type Room struct {
	charge  func(bytes int64) error // waits for room
	charged int64
	used    int64  // bytes allocated
	encoded []byte // of one piece, used again
}

// NewRoom makes the room of an answer of which some bytes are charged already.
func NewRoom(charge func(bytes int64) error, charged int64) Room {
	return Room{charge: charge, charged: charged}
}

// Grow encodes something at the end of g, once there is room. The error says
// that there is none.
func (r *Room) Grow(g *Growing, encode func(dst []byte) []byte) error {
	was := cap(r.encoded)
	r.encoded = encode(r.encoded[:0])
	r.used += int64(cap(r.encoded)-was) + int64(g.next(len(r.encoded)))
	if more := r.used - r.charged; more > 0 {
		if err := r.charge(more); err != nil {
			return err
		}
		r.charged = r.used
	}
	g.append(r.encoded)
	return nil
}
