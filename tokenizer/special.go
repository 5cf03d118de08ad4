package tokenizer

import (
	"cmp"
	"slices"
	"sort"
	"strings"
)

// specials are the tokens that are cut out of a text before it is encoded: the longest first, of
// equals the one of the lower id, each at its leftmost occurrences.
type specials struct {
	ids   []int32
	texts []string
	// plain are tokens that any text may hold: user-defined ones of white space alone, which are no
	// marker of anything.
	plain    []bool
	anyPlain bool
	sorted   []int  // indices of the texts in their order
	firsts   []byte // the bytes that texts begin with
}

func newSpecials(t *Tokenizer, ids []int32) *specials {
	slices.SortStableFunc(ids, func(a, b int32) int { return cmp.Compare(len(t.texts[b]), len(t.texts[a])) })
	s := &specials{ids: ids}
	for i, id := range ids {
		text := t.texts[id]
		plain := t.types[id] == typeUserDefined && strings.TrimSpace(text) == ""
		s.texts, s.plain, s.sorted = append(s.texts, text), append(s.plain, plain), append(s.sorted, i)
		s.anyPlain = s.anyPlain || plain
		if !slices.Contains(s.firsts, text[0]) {
			s.firsts = append(s.firsts, text[0])
		}
	}
	slices.SortFunc(s.sorted, func(a, b int) int { return strings.Compare(s.texts[a], s.texts[b]) })
	return s
}

// span is a range of bytes.
type span struct{ from, to int }

// cutter is the working memory of one Encode call.
type cutter struct {
	encoder
	specials *specials
	text     string
	permit   []span // where tokens that are not plain may be: ascending, apart
	occurs   []bool // by index in specials
	present  []int
}

// encode appends the tokens of a text.
func (c *cutter) encode(dst []int32, s *specials, text string, permit []span) []int32 {
	c.specials, c.text, c.permit = s, text, permit
	c.occurs = slices.Grow(c.occurs[:0], len(s.ids))[:len(s.ids)]
	clear(c.occurs)
	if s.anyPlain {
		c.note(text, true)
	}
	for _, p := range permit {
		c.note(text[p.from:p.to], false)
	}
	c.present = c.present[:0]
	for i, occurs := range c.occurs {
		if occurs {
			c.present = append(c.present, i)
		}
	}
	dst = c.cut(dst, 0, len(text), c.present)
	c.text, c.permit = "", nil
	c.trim()
	return dst
}

// note finds out which tokens occur in a text, or of the plain ones alone, so that most are looked
// for just once, all together.
func (c *cutter) note(text string, plain bool) {
	for _, first := range c.specials.firsts {
		for at := 0; ; at++ {
			i := strings.IndexByte(text[at:], first)
			if i < 0 {
				break
			}
			at += i
			c.noteAt(text[at:], plain)
		}
	}
}

// noteAt notes the tokens that a text begins with: byte by byte the sorted texts become fewer.
func (c *cutter) noteAt(text string, plain bool) {
	s := c.specials
	some := s.sorted
	at := func(i, k int) byte { return s.texts[some[i]][k] }
	for k := 0; k < len(text) && len(some) > 0; k++ {
		b := text[k]
		if at(0, k) != b || at(len(some)-1, k) != b { // not all go on with it
			low := sort.Search(len(some), func(i int) bool { return at(i, k) >= b })
			some = some[low:]
			some = some[:sort.Search(len(some), func(i int) bool { return at(i, k) > b })]
		}
		if len(some) > 0 && len(s.texts[some[0]]) == k+1 { // a token; the others go on after it
			if !plain || s.plain[some[0]] {
				c.occurs[some[0]] = true
			}
			some = some[1:]
		}
	}
}

// cut cuts a range of the text at the tokens, and encodes what is between them.
func (c *cutter) cut(dst []int32, from, to int, tokens []int) []int32 {
	for i, token := range tokens {
		for {
			at := c.find(token, from, to)
			if at < 0 {
				break
			}
			dst = c.cut(dst, from, at, tokens[i+1:])
			dst = append(dst, c.specials.ids[token])
			from = at + len(c.specials.texts[token])
		}
	}
	if from == to {
		return dst
	}
	return c.encoder.encode(dst, c.text[from:to])
}

// find returns where in a range a token first stands with permission for all its bytes, or -1.
func (c *cutter) find(token, from, to int) int {
	text := c.specials.texts[token]
	if c.specials.plain[token] {
		if i := strings.Index(c.text[from:to], text); i >= 0 {
			return from + i
		}
		return -1
	}
	first := sort.Search(len(c.permit), func(i int) bool { return c.permit[i].to > from })
	for _, p := range c.permit[first:] {
		low, high := max(p.from, from), min(p.to, to)
		if low >= high {
			break
		}
		if i := strings.Index(c.text[low:high], text); i >= 0 {
			return low + i
		}
	}
	return -1
}
