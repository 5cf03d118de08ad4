package tokenizer

import (
	"slices"
	"strings"
)

// Encode appends the tokens of text to dst and returns it. As llama.cpp does, it finds user-defined
// tokens in the text always, and control tokens (such as <|im_end|>) if special is true; otherwise
// they are encoded as the characters they are written with. For text of which a part only may become
// such tokens there is EncodeSegments. BOS and EOS are not added. Bytes that are not UTF-8 are encoded
// as U+FFFD.
func (t *Tokenizer) Encode(dst []int32, text string, special bool) []int32 {
	s := t.userDefined
	if special {
		s = t.special
	}
	return t.encode(dst, s, text, []span{{0, len(text)}})
}

// Segment is a stretch of a prompt.
type Segment struct {
	Text string
	// Special permits that the stretch becomes control tokens, and user-defined tokens that templates
	// use as markers, as <tool_call>: any but those of white space alone.
	Special bool
}

// EncodeSegments appends the tokens of the joined text of segments to dst and returns it. It is
// encoded as one text, borders notwithstanding, but a token that needs the permission stands only
// where all its bytes have it.
func (t *Tokenizer) EncodeSegments(dst []int32, segments ...Segment) []int32 {
	text, permit := join(segments)
	return t.encode(dst, t.special, text, permit)
}

// join returns the text of segments, and where it may become special tokens.
func join(segments []Segment) (text string, permit []span) {
	var b strings.Builder
	for _, s := range segments {
		from := b.Len()
		if len(segments) == 1 {
			text = s.Text
		} else {
			b.WriteString(s.Text)
		}
		to := from + len(s.Text)
		switch last := len(permit) - 1; {
		case !s.Special || from == to:
		case last >= 0 && permit[last].to == from:
			permit[last].to = to
		default:
			permit = append(permit, span{from, to})
		}
	}
	if len(segments) > 1 {
		text = b.String()
	}
	return text, permit
}

func (t *Tokenizer) encode(dst []int32, s *specials, text string, permit []span) []int32 {
	dst = slices.Grow(dst, len(text)/4)
	c := t.cutters.Get().(*cutter)
	dst = c.encode(dst, s, text, permit)
	t.cutters.Put(c)
	return dst
}

// EncodePrompt returns the tokens of a prompt as a model wants to read it: Encode's, after BOS where
// the file asks for that and the text does not bring it itself.
func (t *Tokenizer) EncodePrompt(text string, special bool) []int32 {
	return t.begin(t.Encode(t.room(len(text)), text, special))
}

// EncodePromptSegments is EncodePrompt of segments.
func (t *Tokenizer) EncodePromptSegments(segments ...Segment) []int32 {
	size := 0
	for _, s := range segments {
		size += len(s.Text)
	}
	return t.begin(t.EncodeSegments(t.room(size), segments...))
}

// room returns an empty list for the tokens of a prompt of so many bytes, after BOS if that is wanted.
func (t *Tokenizer) room(size int) []int32 {
	ids := make([]int32, 0, size/3+2)
	if t.addBOS {
		ids = append(ids, t.bos)
	}
	return ids
}

// begin takes BOS away again from a prompt that brings its own.
func (t *Tokenizer) begin(ids []int32) []int32 {
	if t.addBOS && len(ids) > 1 && ids[1] == t.bos {
		return ids[1:]
	}
	return ids
}
