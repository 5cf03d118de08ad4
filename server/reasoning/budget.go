// Package reasoning bounds how long models think before they answer.
package reasoning

import (
	"bytes"
	"unicode/utf8"

	"cllm/runtime"
)

const (
	open   = "<think>"
	closed = "</think>"
)

// Closing is what ends a model's reasoning for it.
const Closing = "\n" + closed + "\n\n"

// Budget is a constraint that lets an answer think for so many tokens and then
// has it close its reasoning. Elsewhere it allows everything.
type Budget struct {
	tokens  int                // of reasoning
	text    func(int32) []byte // what a token is shown as
	closing []int32            // the tokens of [Closing]

	state state
	spent int    // tokens of reasoning so far
	next  int    // of closing
	tail  []byte // the text's end, in which a tag may have begun
}

type state uint8

const (
	before   state = iota // where reasoning may begin
	thinking              // within it
	ending                // closing is being said
	after                 // the answer itself
)

// NewBudget makes the constraint of an answer whose reasoning has tokens, from
// 0 on. began says that the prompt has opened it.
func NewBudget(tokens int, began bool, text func(int32) []byte, closing []int32) *Budget {
	b := &Budget{tokens: tokens, text: text, closing: closing}
	if began {
		b.state = thinking
		b.endWhenSpent()
	}
	return b
}

// Mask allows everything, or the one token that closes the reasoning.
func (b *Budget) Mask(allowed []uint64) {
	if b.state != ending {
		for i := range allowed {
			allowed[i] = ^uint64(0)
		}
		return
	}
	clear(allowed)
	id := b.closing[b.next]
	allowed[id/64] |= 1 << (id % 64)
}

// Accept takes the token that was drawn.
func (b *Budget) Accept(id int32) {
	switch b.state {
	case before:
		b.tail = append(b.tail, b.text(id)...)
		said := bytes.TrimLeft(b.tail, " \t\r\n")
		switch {
		case bytes.HasPrefix(said, []byte(open)):
			b.state, b.tail = thinking, append(b.tail[:0], said[len(open):]...)
			b.endWhenSpent()
		case len(said) == 0:
			b.tail = b.tail[:0]
		case !bytes.HasPrefix([]byte(open), said):
			b.state, b.tail = after, nil
		}
	case thinking:
		b.spent++
		b.tail = append(b.tail, b.text(id)...)
		if bytes.Contains(b.tail, []byte(closed)) {
			b.state, b.tail = after, nil
			return
		}
		b.tail = append(b.tail[:0], b.tail[max(0, len(b.tail)-len(closed)):]...)
		b.endWhenSpent()
	case ending:
		if b.next++; b.next == len(b.closing) {
			b.state, b.tail = after, nil
		}
	}
}

// endWhenSpent closes the reasoning when its budget is spent, but not within a
// character.
func (b *Budget) endWhenSpent() {
	if b.spent >= b.tokens && (!cut(b.tail) || b.spent >= b.tokens+utf8.UTFMax) {
		b.state = ending
	}
}

// cut says whether a text ends within a character.
func cut(text []byte) bool {
	for i := len(text) - 1; i >= max(0, len(text)-utf8.UTFMax+1); i-- {
		if utf8.RuneStart(text[i]) {
			return !utf8.FullRune(text[i:])
		}
	}
	return false
}

// Clone returns a constraint in the same state.
func (b *Budget) Clone() runtime.Constraint {
	c := *b
	c.tail = bytes.Clone(b.tail)
	return &c
}
