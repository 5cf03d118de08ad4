package runtime

import "strings"

// stopFilter holds back text that may turn out to be a stop string.
type stopFilter struct {
	stops   []string
	pending string
}

// push adds text and returns what can be shown. found says that a stop string
// was met: the text before it is returned, the rest is gone.
func (f *stopFilter) push(text string) (shown string, found bool) {
	if len(f.stops) == 0 {
		return text, false
	}
	f.pending += text
	first := -1
	for _, stop := range f.stops {
		if i := strings.Index(f.pending, stop); i >= 0 && (first < 0 || i < first) {
			first = i
		}
	}
	if first >= 0 {
		shown, f.pending = f.pending[:first], ""
		return shown, true
	}
	keep := 0
	for _, stop := range f.stops {
		for n := min(len(stop)-1, len(f.pending)); n > keep; n-- {
			if strings.HasSuffix(f.pending, stop[:n]) {
				keep = n
			}
		}
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
