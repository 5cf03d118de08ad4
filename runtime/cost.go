package runtime

import (
	"math/bits"
	"time"
)

// costCurve learns how long a step takes by the number of its rows (tokens),
// as moving averages over classes of row counts: 1, 2, 3-4, 5-8 and so on. The
// scheduler reads from it how long a prompt's chunk may be, and speculation
// whether it pays.
type costCurve struct {
	classes [costClasses]costClass
}

type costClass struct {
	rows, seconds float64 // 0: never seen
}

const (
	costClasses = 16
	// costWeight is how much a new measurement counts.
	costWeight = 0.25
)

func costClassOf(rows int) int {
	return min(bits.Len(uint(max(rows, 1)-1)), costClasses-1)
}

func (c *costCurve) observe(rows int, d time.Duration) {
	k, s := &c.classes[costClassOf(rows)], d.Seconds()
	if k.rows == 0 {
		k.rows, k.seconds = float64(rows), s
		return
	}
	// A stall of the machine is not the step's cost.
	s = min(s, 4*k.seconds)
	k.rows += costWeight * (float64(rows) - k.rows)
	k.seconds += costWeight * (s - k.seconds)
}

// seen says whether steps of about so many rows were measured.
func (c *costCurve) seen(rows int) bool { return c.classes[costClassOf(rows)].rows > 0 }

// predict estimates the seconds of a step: between the nearest classes seen,
// beyond them in proportion; 0 when nothing was seen.
func (c *costCurve) predict(rows int) float64 {
	r := float64(rows)
	var below, above *costClass
	for i := range c.classes {
		k := &c.classes[i]
		switch {
		case k.rows == 0:
		case k.rows <= r:
			below = k
		case above == nil:
			above = k
		}
	}
	switch {
	case below == nil && above == nil:
		return 0
	case above == nil:
		return below.seconds * r / below.rows
	case below == nil:
		// Short steps cost more per row: the weights are read all the same.
		return above.seconds * max(r/above.rows, 0.25)
	}
	t := (r - below.rows) / (above.rows - below.rows)
	return below.seconds + t*(above.seconds-below.seconds)
}

// rowsWithin is the greatest number of rows, up to most, that a step of at
// most the given seconds is expected to take.
func (c *costCurve) rowsWithin(seconds float64, most int) int {
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
