package runtime

import "strings"

// stopFilter holds back text that may turn out to be a stop string.
type stopFilter struct {
	stops   []string
	pending string
}

// push adds text and returns what can be shown. found says that a stop string
// was met, the first that is complete: the text before it is returned, the
// rest is gone.
func (f *stopFilter) push(text string) (shown string, found bool) {
	if len(f.stops) == 0 {
		return text, false
	}
	f.pending += text
	start, end := 0, len(f.pending)+1
	for _, stop := range f.stops {
		i := strings.Index(f.pending, stop)
		if e := i + len(stop); i >= 0 && (e < end || e == end && i < start) {
			start, end, found = i, e, true
		}
	}
	if found {
		shown, f.pending = f.pending[:start], ""
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
