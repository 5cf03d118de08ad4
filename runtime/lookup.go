package runtime

// drafter proposes the tokens that may follow a choice's. Whether it pays to
// ask, and for how many, is speculation's business.
type drafter interface {
	// draft appends up to n tokens to dst that may follow h. h is the same
	// choice's each time, with more drawn.
	draft(dst []int32, h history, n int) []int32
}

// lookup drafts what followed the longest earlier occurrence of a choice's last
// tokens, the latest of equals (prompt lookup decoding).
type lookup struct {
	prompt *trigrams // of the prompt, shared by the choices
	own    trigrams  // of what was drawn
}

const (
	// longestMatch is the number of equal tokens beyond which more do not make
	// a better guess.
	longestMatch = 16
	// mostCandidates bounds the earlier occurrences that are looked at.
	mostCandidates = 64
	// mostIndexed bounds the tokens that are indexed at a time.
	mostIndexed = 1024
)

// trigrams finds the positions from first on whose token, with the two before
// it, is equal to three given ones: a chain for each hash, latest first.
type trigrams struct {
	first int
	heads []int32 // by hash: a position, counted from first, plus 1
	links []int32 // of each position: the one before in its chain
}

// ownHeads is the number of chains for what a choice draws.
const ownHeads = 4096

// newTrigrams makes an empty index of the positions from first on, in chains
// that are a power of two in number.
func newTrigrams(first, chains int) trigrams {
	return trigrams{first: first, heads: make([]int32, chains)}
}

// indexPrompt makes the index that the choices of a request share.
func indexPrompt(prompt []int32) *trigrams {
	chains := 64
	for chains < len(prompt) {
		chains *= 2
	}
	t := newTrigrams(0, chains)
	t.links = make([]int32, 0, len(prompt))
	t.index(history{prompt: prompt}, len(prompt))
	return &t
}

// indexBytes is the most memory of indexPrompt.
func indexBytes(prompt int) int64 { return 12*int64(prompt) + 256 }

// index adds the positions before end.
func (t *trigrams) index(h history, end int) {
	for i := t.first + len(t.links); i < end; i++ {
		if i < 2 {
			t.links = append(t.links, 0)
			continue
		}
		head := &t.heads[t.chain(h, i)]
		t.links = append(t.links, *head)
		*head = int32(i-t.first) + 1
	}
}

// chain is the hash of the three tokens that end at position i.
func (t *trigrams) chain(h history, i int) int {
	x := uint64(uint32(h.at(i)))
	x = x*0x9e3779b97f4a7c15 + uint64(uint32(h.at(i-1)))
	x = x*0x9e3779b97f4a7c15 + uint64(uint32(h.at(i-2)))
	return int(x*0x9e3779b97f4a7c15>>32) & (len(t.heads) - 1)
}

func (l *lookup) draft(dst []int32, h history, n int) []int32 {
	end := h.len()
	if end < 4 {
		return dst
	}
	if l.own.heads == nil {
		l.own = newTrigrams(len(h.prompt), ownHeads)
	}
	known := l.own.first + len(l.own.links)
	l.own.index(h, min(end-1, known+mostIndexed))
	if known+mostIndexed < end-1 {
		return dst // more than one step's worth was drawn without a draft
	}
	best, from, candidates := 2, 0, mostCandidates
	for _, t := range [...]*trigrams{&l.own, l.prompt} {
		for next := t.heads[t.chain(h, end-1)]; next > 0 && candidates > 0 && best < longestMatch; candidates-- {
			i := t.first + int(next) - 1
			if i < end-1 {
				if m := matching(h, i, end-1); m > best {
					best, from = m, i+1
				}
			}
			next = t.links[next-1]
		}
	}
	if from == 0 {
		return dst
	}
	for i := from; i < min(from+n, end); i++ {
		dst = append(dst, h.at(i))
	}
	return dst
}

// matching is the number of tokens that are the same up to i and up to j, as
// far as it matters.
func matching(h history, i, j int) int {
	n := 0
	for n < longestMatch && n <= i && h.at(i-n) == h.at(j-n) {
		n++
	}
	return n
}
