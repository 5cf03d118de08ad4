package runtime

import (
	"slices"
	"sync/atomic"
	"time"
)

// The ways in which a choice ends.
const (
	FinishStop      = "stop"      // end token, stop token or stop string
	FinishLength    = "length"    // max_tokens, or the context is full
	FinishTimeout   = "timeout"   // Request.Timeout ran out, or nobody read the stream
	FinishCancelled = "cancelled" // the context of Submit or the engine ended
)

// Event is what one choice has given since it was last read.
type Event struct {
	Choice int
	// Text is whole characters; it may be empty while a character or a
	// possible stop string is incomplete.
	Text     string
	Tokens   []int32  // read-only
	LogProbs LogProbs // of Tokens, when the request asks for them
	// Echo says that this is a part of the prompt. All parts come before the
	// choice's own text.
	Echo bool
	Done bool // the choice's last event
	// FinishReason, Usage and Timings are set in the last event.
	FinishReason string
	Usage        Usage
	Timings      Timings
}

// Usage counts the tokens of a choice; of all choices in a [Result].
type Usage struct {
	PromptTokens     int
	CachedTokens     int // of the prompt, found in the prefix cache
	CompletionTokens int // generated, without an end token
}

// Timings are the parts of a choice's life.
type Timings struct {
	Queued   time.Duration // from Submit until the scheduler took it
	Prompt   time.Duration // then until the first token
	Generate time.Duration // then until the last
	// Drafted and Accepted count the tokens that prompt lookup proposed, and
	// those that the sampler then drew.
	Drafted, Accepted int
}

// Result is everything that a request gave.
type Result struct {
	Choices []Choice
	Usage   Usage
}

// Choice is one continuation.
type Choice struct {
	Text         string
	Tokens       []int32
	LogProbs     LogProbs
	FinishReason string
	Timings      Timings
}

// mailbox holds what a choice has given since it was last read. Its buffers
// stay, so that the engine does not allocate in the long run.
type mailbox struct {
	prompt bool // comes first
	text   []byte
	tokens []int32
	probs  []TokenLogProb
	ended  bool
	ending ending
	queued bool        // in the stream's order
	over   atomic.Bool // holds more than its share
}

// ending is the last event's part.
type ending struct {
	reason  string
	usage   Usage
	timings Timings
}

func (b *mailbox) add(text string, tokens []int32, probs LogProbs) {
	b.text = append(b.text, text...)
	b.tokens = append(b.tokens, tokens...)
	b.probs = append(b.probs, probs.entries...)
}

// bytes is the size of what is unread, the prompt aside.
func (b *mailbox) bytes() int { return len(b.text) + 4*len(b.tokens) + 8*len(b.probs) }

// event empties the mailbox.
func (b *mailbox) event(choice, width int) Event {
	ev := Event{Choice: choice, Text: string(b.text), Tokens: slices.Clone(b.tokens)}
	if len(b.probs) > 0 {
		ev.LogProbs = LogProbs{slices.Clone(b.probs), width}
	}
	if b.ended {
		ev.Done, ev.FinishReason, ev.Usage, ev.Timings = true, b.ending.reason, b.ending.usage, b.ending.timings
		b.text, b.tokens, b.probs = nil, nil, nil
	}
	b.text, b.tokens, b.probs = b.text[:0], b.tokens[:0], b.probs[:0]
	return ev
}

// echo is the prompt as events show it. Its text is made when it is read, by
// the reader.
type echo struct {
	prompt  []int32
	probs   LogProbs // empty when they are not wanted
	decoder func() textDecoder
}

// echoPiece is an echo that is being read.
type echoPiece struct {
	echo
	choice int
	at     int // tokens of the prompt that were read
	text   textDecoder
}

// echoTokens is the number of tokens of an event.
const echoTokens = 256

func (e echo) read(choice int) *echoPiece {
	return &echoPiece{echo: e, choice: choice, text: e.decoder()}
}

// next returns the next event of the prompt, and whether there are more.
func (p *echoPiece) next() (ev Event, more bool) {
	lo, hi := p.at, min(p.at+echoTokens, len(p.prompt))
	ev = Event{Choice: p.choice, Tokens: p.prompt[lo:hi:hi], Echo: true}
	var text []byte
	for _, id := range ev.Tokens {
		text = append(text, p.text.Push(id)...)
	}
	if p.at = hi; hi == len(p.prompt) {
		text = append(text, p.text.Flush()...)
	}
	ev.Text = string(text)
	if p.probs.Len() > 0 {
		ev.LogProbs = p.probs.Slice(lo, hi)
	}
	return ev, hi < len(p.prompt)
}
