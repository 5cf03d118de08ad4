package runtime

// stopString is a text that ends a choice. back[n] is the length of the longest
// proper beginning of it that its first n bytes end with (Knuth, Morris and
// Pratt), so that a byte of text costs the same whatever came before.
type stopString struct {
	text string
	back []uint16
}

func newStopStrings(texts []string) []stopString {
	stops := make([]stopString, len(texts))
	for i, text := range texts {
		s := stopString{text, make([]uint16, len(text)+1)}
		for n, k := 1, uint16(0); n < len(text); n++ {
			k = s.next(k, text[n])
			s.back[n+1] = k
		}
		stops[i] = s
	}
	return stops
}

// next is how many bytes match after one more, of which n did before.
func (s *stopString) next(n uint16, c byte) uint16 {
	for n > 0 && (int(n) == len(s.text) || s.text[n] != c) {
		n = s.back[n]
	}
	if s.text[n] == c {
		n++
	}
	return n
}

// stopBytes is the memory of newStopStrings and of a filter's state.
func stopBytes(texts []string) (n int64) {
	for _, s := range texts {
		n += 3*int64(len(s)) + 48
	}
	return n
}

// stopFilter holds back text that may turn out to be a stop string.
type stopFilter struct {
	stops   []stopString
	matched []uint16 // of each stop string: its bytes that pending ends with
	pending string
}

func newStopFilter(stops []stopString) stopFilter {
	return stopFilter{stops: stops, matched: make([]uint16, len(stops))}
}

// push adds text and returns what can be shown. found says that a stop string
// was met, the first that is complete: the text before it is returned, the
// rest is gone.
func (f *stopFilter) push(text string) (shown string, found bool) {
	if len(f.stops) == 0 {
		return text, false
	}
	held := len(f.pending)
	f.pending += text
	for i := range len(text) {
		longest := 0
		for k := range f.stops {
			s := &f.stops[k]
			f.matched[k] = s.next(f.matched[k], text[i])
			if n := len(s.text); int(f.matched[k]) == n {
				longest = max(longest, n)
			}
		}
		if longest > 0 {
			shown, f.pending = f.pending[:held+i+1-longest], ""
			return shown, true
		}
	}
	keep := 0
	for _, n := range f.matched {
		keep = max(keep, int(n))
	}
	cut := len(f.pending) - keep
	shown, f.pending = f.pending[:cut], f.pending[cut:]
	return shown, false
}

// flush returns what was held back, when no more text comes.
func (f *stopFilter) flush() string {
	shown := f.pending
	f.pending = ""
	return shown
}
