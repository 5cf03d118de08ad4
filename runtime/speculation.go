package runtime

// speculation decides how many tokens to draft for one sequence.
type speculation struct {
	length            int     // next draft, 0 before the first
	rate              float64 // moving average: chance of the next draft token
	pause             int     // steps without a draft
	penalty           int     // the next pause
	trial             bool    // the first draft after a pause
	drafted, accepted int
}

const (
	firstDraft   = 4
	firstRate    = 0.5
	leastRate    = 0.2
	firstPause   = 8
	longestPause = 256
)

// want is the longest draft worth verifying now, in a step of that many tokens
// for running sequences: the cost curve says what the draft would cost, and
// what the steps cost that they may save.
func (s *speculation) want(most, tokens, running int, c *costCurve) int {
	if s.pause > 0 {
		s.pause--
		return 0
	}
	if s.length == 0 {
		s.length, s.rate, s.penalty = firstDraft, firstRate, firstPause
	}
	n := min(s.length, most)
	if n <= 0 {
		return 0
	}
	step := c.predict(tokens)
	extra := c.predict(tokens+n) - step
	expected, p := 0.0, 1.0
	for range n {
		p *= s.rate
		expected += p
	}
	// A step serves all running sequences, so a token saves this one's share.
	if step > 0 && c.seen(tokens+n) && expected*step/float64(max(running, 1)) < extra {
		s.rest()
		return 0
	}
	return n
}

// rest stops drafting for a while, longer each time.
func (s *speculation) rest() {
	s.pause = s.penalty
	s.penalty = min(2*s.penalty, longestPause)
	s.length = firstDraft
	s.rate, s.trial = firstRate, true
}

// learn takes the outcome of a draft.
func (s *speculation) learn(drafted, accepted int) {
	s.drafted += drafted
	s.accepted += accepted
	tried := min(drafted, accepted+1)
	s.rate += 0.3 * (float64(accepted)/float64(tried) - s.rate)
	switch {
	case accepted == drafted:
		s.length *= 2
		s.penalty = firstPause
	case accepted < drafted/2:
		s.length = max(s.length/2, 2)
	}
	failed := s.trial && accepted < drafted/2
	s.trial = false
	if failed || s.rate < leastRate {
		s.rest()
	}
}
