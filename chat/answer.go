package chat

import "strings"

// EventKind says what a piece of an answer is.
type EventKind uint8

const (
	Text      EventKind = iota // for the user
	Thought                    // the model's reasoning
	CallStart                  // a call begins: Name
	Arguments                  // a piece of the call's arguments, a JSON object in all
	CallEnd
)

// Event is a piece of an answer.
type Event struct {
	Kind EventKind
	Call int    // which one, from 0; of calls
	Text string // of Text, Thought and Arguments; the tool's name of CallStart
}

// Answer takes what a model writes apart, as it comes. What it gives does not
// depend on how the text was cut into pieces, but for where events are cut.
//
// A call that cannot be read is text. Once its arguments have begun to go out,
// what is wrong with them ends the call, its arguments closed so that they are
// JSON, and the rest is text.
type Answer struct {
	format  format
	tools   []Tool
	state   state
	buf     string // not yet told apart
	call    callReader
	marked  string // what opened the call, in case it is text after all
	calls   int
	unended bool
	began   bool // something other than blanks was seen
	trim    bool // blanks are swallowed: after reasoning, between calls
	held    string
	events  []Event
}

type state uint8

const (
	atStart state = iota // where reasoning may begin
	inThought
	inText
	inCall
)

// format is how a family of models writes calls.
type format interface {
	// find is where in text a call is opened, and how many bytes open it; or,
	// with at < 0, how many bytes at the end of text may be the beginning of
	// that. start says that nothing came before; end, that nothing comes after.
	find(text string, start, end bool) (at, n, hold int)
	// open makes the reader of a call after it was opened by mark.
	open(mark string, tools []Tool) callReader
}

// callReader reads one opening's calls, often one.
type callReader interface {
	// read takes bytes from the beginning of text: all that it can understand
	// without those that follow. end says that nothing follows.
	read(text string, end bool) (n int, status callStatus)
	// take returns what was read since the last time, and forgets it: events
	// with Call counted from 0 for this reader.
	take() []Event
	// repair closes the arguments of a call that has begun and will not end; ""
	// where none has begun.
	repair() (rest string, began bool)
	total() int // calls so far
}

type callStatus uint8

const (
	callMore   callStatus = iota // the text is at its end, the calls are not
	callDone                     // what follows is text, or another opening
	callFailed                   // it is no call
)

const (
	thinkOpen  = "<think>"
	thinkClose = "</think>"
)

// NewAnswer reads the answer to a prompt. Without tools nothing is taken for a
// call; without split reasoning stays in the text, with its tags.
func (t *Template) NewAnswer(p *Prompt, tools []Tool, split bool) *Answer {
	a := &Answer{tools: tools, state: inText}
	if len(tools) > 0 {
		a.format = t.tools.format()
	}
	switch {
	case split && p.Thinking:
		a.state, a.trim = inThought, true
	case split:
		a.state = atStart
	case p.Thinking:
		a.add(Text, thinkOpen+"\n")
	}
	return a
}

// Push takes the next piece of the text and returns what is known of it. The
// events hold until the next call.
func (a *Answer) Push(text string) []Event {
	a.events = a.events[:0]
	a.buf += text
	for a.step(false) {
	}
	return a.events
}

// End returns what was held back, when no more text comes. cut says that the
// answer was cut off, by its length: then a call that has begun stays without an
// end, its arguments as they are.
func (a *Answer) End(cut bool) []Event {
	a.events = a.events[:0]
	for a.step(true) {
	}
	switch {
	case a.state == inCall && cut:
		if _, a.unended = a.call.repair(); a.unended {
			a.finish()
		} else {
			a.giveUp()
		}
	case a.state == inCall:
		a.giveUp()
	}
	if a.state != inThought && a.buf != "" {
		a.text(a.buf)
		a.buf = ""
	}
	return a.events
}

// Calls is the number of calls so far.
func (a *Answer) Calls() int { return a.calls }

// Open says that the last call has begun and not ended.
func (a *Answer) Open() bool { return a.unended }

// Thinking says whether the answer is within its reasoning.
func (a *Answer) Thinking() bool { return a.state == inThought }

func (a *Answer) add(kind EventKind, text string) {
	if text == "" {
		return
	}
	if n := len(a.events); n > 0 && a.events[n-1].Kind == kind && kind <= Thought {
		a.events[n-1].Text += text
		return
	}
	a.events = append(a.events, Event{Kind: kind, Text: text})
}

// text adds text for the user. Blanks that may stand before or after calls and
// reasoning are held until something else follows.
func (a *Answer) text(s string) {
	if a.trim {
		if s = strings.TrimLeft(s, " \t\r\n"); s == "" {
			return
		}
		a.trim = false
	}
	s = a.held + s
	a.held = ""
	if a.format != nil {
		kept := strings.TrimRight(s, " \t\r\n")
		s, a.held = kept, s[len(kept):]
	}
	if s != "" {
		a.began = true
	}
	a.add(Text, s)
}

// step does what can be done with the buffer, and says whether to go on.
func (a *Answer) step(end bool) bool {
	switch a.state {
	case atStart:
		rest := strings.TrimLeft(a.buf, " \t\r\n")
		switch {
		case strings.HasPrefix(rest, thinkOpen):
			a.buf, a.state, a.trim = rest[len(thinkOpen):], inThought, true
		case !end && strings.HasPrefix(thinkOpen, rest):
			return false
		default:
			a.state = inText
		}
		return true
	case inThought:
		return a.thought(end)
	case inCall:
		return a.callOn(end)
	}
	return a.textOn(end)
}

func (a *Answer) thought(end bool) bool {
	at := strings.Index(a.buf, thinkClose)
	text := a.buf
	if at >= 0 {
		text = strings.TrimRight(a.buf[:at], " \t\r\n")
	} else if end {
		text = strings.TrimRight(text, " \t\r\n")
	} else {
		// The close, or blanks before it, may have begun.
		text = strings.TrimRight(text[:len(text)-partial(text, thinkClose)], " \t\r\n")
	}
	shown := text
	if a.trim {
		if shown = strings.TrimLeft(text, " \t\r\n"); shown != "" {
			a.trim = false
		}
	}
	a.add(Thought, shown)
	switch {
	case at >= 0:
		a.buf, a.state, a.trim = a.buf[at+len(thinkClose):], inText, true
		return true
	case end:
		a.buf = ""
	default:
		a.buf = a.buf[len(text):]
	}
	return false
}

func (a *Answer) textOn(end bool) bool {
	if a.format == nil {
		a.text(a.buf)
		a.buf = ""
		return false
	}
	at, n, hold := a.format.find(a.buf, !a.began && a.calls == 0, end)
	if at < 0 {
		hold = min(hold, len(a.buf))
		a.text(a.buf[:len(a.buf)-hold])
		a.buf = a.buf[len(a.buf)-hold:]
		if end {
			a.add(Text, a.held)
			a.held = ""
		}
		return false
	}
	a.text(a.buf[:at])
	a.marked, a.buf = a.buf[at:at+n], a.buf[at+n:]
	a.call, a.state = a.format.open(a.marked, a.tools), inCall
	return true
}

// callOn reads on in a call. What it has read is kept until the first event
// shows that it is one.
func (a *Answer) callOn(end bool) bool {
	n, status := a.call.read(a.buf, end)
	a.emit()
	if _, began := a.call.repair(); !began && status != callDone {
		a.marked += a.buf[:n]
	}
	a.buf = a.buf[n:]
	switch status {
	case callDone:
		a.finish()
		return true
	case callFailed:
		a.giveUp()
		return true
	}
	return false
}

func (a *Answer) emit() {
	for _, ev := range a.call.take() {
		if ev.Kind == CallStart {
			a.held, a.trim = "", false // the blanks before a call
		}
		ev.Call += a.calls
		if ev.Kind == CallEnd {
			a.marked = ""
		}
		if n := len(a.events); n > 0 && ev.Kind == Arguments && a.events[n-1].Kind == Arguments && a.events[n-1].Call == ev.Call {
			a.events[n-1].Text += ev.Text
			continue
		}
		a.events = append(a.events, ev)
	}
}

// finish ends the calls of an opening.
func (a *Answer) finish() {
	a.calls += a.call.total()
	a.call, a.marked, a.state, a.trim = nil, "", inText, true
}

// giveUp ends a call that is none: what was not shown yet is text.
func (a *Answer) giveUp() {
	rest, began := a.call.repair()
	n := a.call.total()
	if began {
		if rest != "" {
			a.events = append(a.events, Event{Kind: Arguments, Call: a.calls + n - 1, Text: rest})
		}
		a.events = append(a.events, Event{Kind: CallEnd, Call: a.calls + n - 1})
	} else {
		a.trim = false
		a.text(a.marked)
	}
	a.calls += n
	a.call, a.marked, a.state = nil, "", inText
}

// counter is what every callReader embeds: the events that wait, and how many
// calls there were.
type counter struct {
	waiting []Event
	count   int
	open    bool // a call has begun and not ended
}

func (c *counter) take() []Event {
	w := c.waiting
	c.waiting = nil
	return w
}

func (c *counter) begin(name string) {
	c.waiting = append(c.waiting, Event{Kind: CallStart, Call: c.count, Text: name})
	c.count++
	c.open = true
}

func (c *counter) arguments(s string) {
	if s != "" {
		c.waiting = append(c.waiting, Event{Kind: Arguments, Call: c.count - 1, Text: s})
	}
}

func (c *counter) end() {
	c.waiting = append(c.waiting, Event{Kind: CallEnd, Call: c.count - 1})
	c.open = false
}

func (c *counter) total() int { return c.count }

// partial is how many bytes at the end of text are a beginning of mark.
func partial(text, mark string) int {
	for n := min(len(mark)-1, len(text)); n > 0; n-- {
		if strings.HasSuffix(text, mark[:n]) {
			return n
		}
	}
	return 0
}
