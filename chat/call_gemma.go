package chat

import "strings"

// gemmaCalls reads calls as Gemma 4 writes them: call:name{key:value,…} between
// <|tool_call> and <tool_call|>, where strings stand between <|"|> and the keys
// have no quotes.
type gemmaCalls struct {
	counter
}

const (
	gemmaOpen  = "<|tool_call>"
	gemmaClose = "<tool_call|>"
	gemmaQuote = `<|"|>`
)

func (g *gemmaCalls) read(text string, end bool) (n int, status callStatus) {
	i := strings.Index(text, gemmaClose)
	if i < 0 {
		return 0, callMore
	}
	name, rest, found := strings.Cut(strings.TrimSpace(text[:i]), "{")
	name, called := strings.CutPrefix(strings.TrimSpace(name), "call:")
	v := gemmaValue{s: "{" + rest}
	if !found || !called || name == "" || !v.value(0) || strings.TrimSpace(v.s) != "" {
		return i + len(gemmaClose), callFailed
	}
	g.begin(strings.TrimSpace(name))
	g.arguments(v.out.String())
	g.end()
	return i + len(gemmaClose), callDone
}

func (g *gemmaCalls) repair() (string, bool) { return "", false }

// gemmaValue turns Gemma's form of a value into JSON.
type gemmaValue struct {
	s   string
	out strings.Builder
}

func (v *gemmaValue) blanks() { v.s = v.s[blanks(v.s):] }

func (v *gemmaValue) skip(prefix string) bool {
	v.blanks()
	rest, ok := strings.CutPrefix(v.s, prefix)
	if ok {
		v.s = rest
	}
	return ok
}

func (v *gemmaValue) value(depth int) bool {
	if depth > maxScanDepth {
		return false
	}
	switch {
	case v.skip(gemmaQuote):
		text, rest, ok := strings.Cut(v.s, gemmaQuote)
		v.s = rest
		v.out.WriteString(quoted(text))
		return ok
	case v.skip("{"):
		return v.items("}", func() bool {
			v.blanks()
			key, rest, ok := strings.Cut(v.s, ":")
			if quote, found := strings.CutPrefix(v.s, gemmaQuote); found {
				key, rest, ok = strings.Cut(quote, gemmaQuote)
				rest, _ = strings.CutPrefix(rest, ":")
			}
			v.s = rest
			v.out.WriteString(quoted(strings.TrimSpace(key)) + ": ")
			return ok && v.value(depth+1)
		})
	case v.skip("["):
		return v.items("]", func() bool { return v.value(depth + 1) })
	}
	i := strings.IndexAny(v.s, ",}] \n")
	if i < 0 {
		i = len(v.s)
	}
	word := v.s[:i]
	v.s = v.s[i:]
	if !isJSON(word) {
		return false
	}
	v.out.WriteString(word)
	return true
}

func (v *gemmaValue) items(close string, item func() bool) bool {
	v.out.WriteByte(close[0] - 2)
	for n := 0; !v.skip(close); n++ {
		if n > 0 {
			if !v.skip(",") {
				return false
			}
			v.out.WriteString(", ")
		}
		if !item() {
			return false
		}
	}
	v.out.WriteString(close)
	return true
}
