package reasoning

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// pieces are the texts of a vocabulary; the last ones are bytes of "é".
var pieces = []string{"\n", "</think>", "\n\n", "<think>", "a", " b", "<th", "ink>", "</th", "<", "\xc3", "\xa9", "\n</think>\n\n"}

var closing = []int32{0, 1, 2}

func text(id int32) []byte { return []byte(pieces[id]) }

// say has an answer want what it wants, as far as the budget lets it.
func say(b *Budget, wants []int32) (said string, tokens []int32) {
	for len(wants) > 0 || b.state == ending {
		allowed := make([]uint64, 1)
		b.Mask(allowed)
		id := int32(-1)
		if allowed[0] == ^uint64(0) {
			id, wants = wants[0], wants[1:]
		} else {
			for k := range pieces {
				if allowed[0] == 1<<k {
					id = int32(k)
				}
			}
		}
		b.Accept(id)
		said += pieces[id]
		tokens = append(tokens, id)
	}
	return said, tokens
}

func TestBudget(t *testing.T) {
	for _, c := range []struct {
		name   string
		budget int
		began  bool
		wants  []int32
		said   string
	}{
		{"spent", 2, true, []int32{4, 4, 5}, "aa\n</think>\n\n b"},
		{"nothing", 0, true, []int32{4}, "\n</think>\n\na"},
		{"nothing, opened by the model", 0, false, []int32{3, 4}, "<think>\n</think>\n\na"},
		{"opened in pieces after blanks", 1, false, []int32{2, 6, 7, 4, 4}, "\n\n<think>a\n</think>\n\na"},
		{"closed in time", 5, true, []int32{4, 1, 4, 4, 4, 4, 4, 4}, "a</think>aaaaaa"},
		{"closed in pieces", 5, true, []int32{8, 7, 4, 4, 4, 4, 4}, "</think>aaaaa"},
		{"closed with more in the token", 2, true, []int32{12, 4, 4, 4}, "\n</think>\n\naaa"},
		{"an answer without reasoning", 1, false, []int32{4, 3, 4, 4, 4}, "a<think>aaa"},
		{"something like a tag", 1, false, []int32{9, 4, 4, 4}, "<aaa"},
		{"whole characters", 1, true, []int32{10, 11, 4}, "é\n</think>\n\na"},
		{"no character at all", 1, true, []int32{10, 10, 10, 10, 10, 10, 10}, "\xc3\xc3\xc3\xc3\xc3\n</think>\n\n\xc3\xc3"},
	} {
		said, _ := say(NewBudget(c.budget, c.began, text, closing), c.wants)
		require.Equal(t, c.said, said, c.name)
	}
}

// Whatever an answer wants, its reasoning has no more tokens than it may, but
// for what is left of a character and the end; and a clone goes its own way.
func TestBudgetHolds(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		budget := rapid.IntRange(0, 6).Draw(rt, "budget")
		began := rapid.Bool().Draw(rt, "began")
		wants := rapid.SliceOfN(rapid.Int32Range(0, int32(len(pieces)-1)), 0, 30).Draw(rt, "wants")
		first := NewBudget(budget, began, text, closing)
		other := first.Clone().(*Budget)
		said, tokens := say(first, wants)
		again, _ := say(other, wants)
		require.Equal(rt, said, again)

		if began {
			said, tokens = "<think>"+said, append([]int32{3}, tokens...)
		}
		if !strings.HasPrefix(strings.TrimLeft(said, "\n "), "<think>") {
			return
		}
		start, thought := "", 0
		for _, id := range tokens {
			start += pieces[id]
			if _, in, ok := strings.Cut(start, "<think>"); ok {
				if strings.Contains(in, "</think>") {
					break
				}
				thought++
			}
		}
		require.LessOrEqual(rt, thought, 1+budget+4+1, "the opening, the budget, a character, what stands before the tag: %q", said)
	})
}
