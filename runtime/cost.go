package runtime

import (
	"math/bits"
	"time"
)

// costCurve learns how long a step takes by the number of its tokens,
// as moving averages over classes of row counts: 1, 2, 3-4, 5-8 and so on. The
// scheduler reads from it how long a prompt's chunk may be, and speculation
// whether it pays.
type costCurve struct {
	classes [costClasses]costClass
}

type costClass struct {
	tokens, seconds float64 // 0: never seen
}

const (
	costClasses = 16
	// costWeight is how much a new measurement counts.
	costWeight = 0.25
)

func costClassOf(tokens int) int {
	return min(bits.Len(uint(max(tokens, 1)-1)), costClasses-1)
}

func (c *costCurve) observe(tokens int, d time.Duration) {
	k, s := &c.classes[costClassOf(tokens)], d.Seconds()
	if k.tokens == 0 {
		k.tokens, k.seconds = float64(tokens), s
		return
	}
	// A stall of the machine is not the step's cost.
	s = min(s, 4*k.seconds)
	k.tokens += costWeight * (float64(tokens) - k.tokens)
	k.seconds += costWeight * (s - k.seconds)
}

// seen says whether steps of about so many tokens were measured.
func (c *costCurve) seen(tokens int) bool { return c.classes[costClassOf(tokens)].tokens > 0 }

// predict estimates the seconds of a step: between the nearest classes seen,
// beyond them in proportion; 0 when nothing was seen.
func (c *costCurve) predict(tokens int) float64 {
	n := float64(tokens)
	var below, above *costClass
	for i := range c.classes {
		k := &c.classes[i]
		switch {
		case k.tokens == 0:
		case k.tokens <= n:
			below = k
		case above == nil:
			above = k
		}
	}
	switch {
	case below == nil && above == nil:
		return 0
	case above == nil:
		return below.seconds * n / below.tokens
	case below == nil:
		// Short steps cost more per token: the weights are read all the same.
		return above.seconds * max(n/above.tokens, 0.25)
	}
	t := (n - below.tokens) / (above.tokens - below.tokens)
	return below.seconds + t*(above.seconds-below.seconds)
}

// tokensWithin is the greatest number of tokens, up to most, that a step of at
// most the given seconds is expected to take.
func (c *costCurve) tokensWithin(seconds float64, most int) int {
	lo, hi := 0, most
	for lo < hi {
		mid := lo + (hi-lo+1)/2
		if c.predict(mid) <= seconds {
			lo = mid
		} else {
			hi = mid - 1
		}
	}
	return lo
}

// any says whether any step was measured.
func (c *costCurve) any() bool { return c.predict(1) > 0 }
