package runtime

import (
	"cmp"
	"math"
	"slices"
)

// candidate is a token and its logit.
type candidate struct {
	id    int32
	logit float32
}

// likelier orders by logit, greatest first, equals by id.
func likelier(a, b candidate) int {
	if c := cmp.Compare(b.logit, a.logit); c != 0 {
		return c
	}
	return cmp.Compare(a.id, b.id)
}

// scan finds the maximum of every run of logits, and returns the greatest.
func (w *workspace) scan(logits []float32) float32 {
	w.maxima = w.maxima[:0]
	for lo := 0; lo < len(logits); lo += runLength {
		w.maxima = append(w.maxima, w.max(logits[lo:min(lo+runLength, len(logits))]))
	}
	return w.max(w.maxima)
}

// first is the smallest id whose logit is top, the greatest of all.
func (w *workspace) first(logits []float32, top float32) int32 {
	for r, m := range w.maxima {
		if m != top {
			continue
		}
		for i := r * runLength; i < len(logits); i++ {
			if logits[i] == top {
				return int32(i)
			}
		}
	}
	return 0
}

// collect keeps the tokens with a logit of least or more, by id.
func (w *workspace) collect(logits []float32, least float32) {
	w.kept = w.kept[:0]
	for r, m := range w.maxima {
		if m < least {
			continue
		}
		lo := r * runLength
		for i, x := range logits[lo:min(lo+runLength, len(logits))] {
			if x >= least {
				w.kept = append(w.kept, candidate{int32(lo + i), x})
			}
		}
	}
}

// top keeps the k likeliest tokens, in order. The k-th greatest of the runs'
// maxima is a bound: k logits are no smaller.
func (w *workspace) top(logits []float32, k int) {
	least := float32(math.Inf(-1))
	if k <= len(w.maxima) {
		w.order = append(w.order[:0], w.maxima...)
		least = nthGreatest(w.order, k-1)
	}
	w.collect(logits, least)
	if len(w.kept) > 4*k {
		w.order = w.order[:0]
		for _, c := range w.kept {
			w.order = append(w.order, c.logit)
		}
		least = nthGreatest(w.order, k-1)
		n := 0
		for _, c := range w.kept {
			if c.logit >= least {
				w.kept[n] = c
				n++
			}
		}
		w.kept = w.kept[:n]
	}
	slices.SortFunc(w.kept, likelier)
	w.kept = w.kept[:min(k, len(w.kept))]
}

// nthGreatest reorders x and returns its n-th greatest value (from 0).
func nthGreatest(x []float32, n int) float32 {
	for lo, hi := 0, len(x)-1; lo < hi; {
		pivot := x[lo+(hi-lo)/2]
		i, j := lo, hi
		for i <= j {
			for x[i] > pivot {
				i++
			}
			for x[j] < pivot {
				j--
			}
			if i <= j {
				x[i], x[j] = x[j], x[i]
				i++
				j--
			}
		}
		switch {
		case n <= j:
			hi = j
		case n >= i:
			lo = i
		default:
			return x[n]
		}
	}
	return x[n]
}

// nucleus cuts the kept tokens, which are in order, after the one with which
// their probabilities reach p.
func (w *workspace) nucleus(p float32) {
	top, sum := w.kept[0].logit, 0.0
	for _, c := range w.kept {
		sum += weight(c.logit, top)
	}
	need, acc := float64(p)*sum, 0.0
	for i, c := range w.kept {
		if acc += weight(c.logit, top); acc >= need {
			w.kept = w.kept[:i+1]
			return
		}
	}
}

// logitBin holds the logits whose distance below the greatest, in units of a
// bin, begins with the same integer: their number, and the sums of the rests
// and of their squares.
type logitBin struct{ n, rest, square, mass float64 }

// weigh computes the probabilities, relative to the first token's, that the
// bins hold in all, and their sum. It takes no exponential per logit: within a
// bin the series exp(-r) = 1 - r + r²/2 is good to one part in a million.
func (w *workspace) weigh(logits []float32, top, scale float32) (sum float64) {
	clear(w.bins)
	bins := w.bins[:logitBins]
	for _, x := range logits {
		t := min((top-x)*scale*binsPerUnit, logitBins-1)
		if t != t {
			continue
		}
		i := int(t)
		r := float64(t - float32(i))
		b := &bins[i]
		b.n++
		b.rest += r
		b.square += r * r
	}
	for i := range bins[:logitBins-1] {
		if b := &bins[i]; b.n > 0 {
			b.mass = math.Exp(-float64(i)/binsPerUnit) *
				(b.n - b.rest/binsPerUnit + b.square/(2*binsPerUnit*binsPerUnit))
			sum += b.mass
		}
	}
	return sum
}

// bin is the bin of a logit.
func bin(x, top, scale float32) int {
	return int(min((top-x)*scale*binsPerUnit, logitBins-1))
}

// nucleusOfAll keeps the likeliest of all tokens that together reach
// probability p. Only those of the bin where p is reached need an order.
func (w *workspace) nucleusOfAll(logits []float32, top, p float32) {
	need := float64(p) * w.weigh(logits, top, 1)
	acc, last := 0.0, 0
	for last < logitBins-2 && acc+w.bins[last].mass < need {
		acc += w.bins[last].mass
		last++
	}
	w.collect(logits, top-float32(last+1)/binsPerUnit)
	whole := 0
	for i, c := range w.kept {
		if bin(c.logit, top, 1) < last {
			w.kept[i], w.kept[whole] = w.kept[whole], c
			whole++
		}
	}
	slices.SortFunc(w.kept[whole:], likelier)
	for i, c := range w.kept[whole:] {
		if acc += weight(c.logit, top); acc >= need {
			w.kept = w.kept[:whole+i+1]
			return
		}
	}
}

// chooseOfAll maps u, in [0, 1), to one of all tokens: first to a bin by its
// weight, then to one of its tokens.
func (w *workspace) chooseOfAll(logits []float32, top, temperature float32, u float64) int32 {
	scale := 1 / max(temperature, leastTemperature)
	u *= w.weigh(logits, top, scale)
	i := 0
	for i < logitBins-2 && (w.bins[i].n == 0 || u >= w.bins[i].mass) {
		u -= w.bins[i].mass
		i++
	}
	for i > 0 && w.bins[i].n == 0 { // rounding led past the last
		i--
	}
	w.collect(logits, top-float32(i+1)/(binsPerUnit*scale))
	n := 0
	for _, c := range w.kept {
		if bin(c.logit, top, scale) == i {
			w.kept[n] = c
			n++
		}
	}
	w.kept = w.kept[:n]
	return w.choose(top, temperature, min(u/w.bins[i].mass, 1))
}

// leastTemperature is as good as none.
const leastTemperature = 1e-6

// above keeps the tokens at least p times as likely as the first.
func (w *workspace) above(logits []float32, top, p float32) {
	w.collect(logits, least(top, p))
}

// atLeast drops kept tokens that are less than p times as likely as the first.
func (w *workspace) atLeast(top, p float32) {
	l, n := least(top, p), 0
	for _, c := range w.kept {
		if c.logit >= l {
			w.kept[n] = c
			n++
		}
	}
	w.kept = w.kept[:n]
}

// least is the smallest logit of a token p times as likely as the first.
func least(top, p float32) float32 {
	return top + float32(math.Log(float64(p)))
}

// choose maps u, in [0, 1), to one of the kept tokens by their probabilities
// at the given temperature.
func (w *workspace) choose(top, temperature float32, u float64) int32 {
	t := 1 / float64(temperature)
	sum := 0.0
	for _, c := range w.kept {
		sum += math.Exp(float64(c.logit-top) * t)
	}
	u *= sum
	id := w.kept[0].id // rounding may leave some of u: then the last possible
	for _, c := range w.kept {
		if e := math.Exp(float64(c.logit-top) * t); e > 0 {
			id = c.id
			if u -= e; u < 0 {
				break
			}
		}
	}
	return id
}

// weight is a token's probability relative to the greatest.
func weight(x, top float32) float64 { return math.Exp(float64(x - top)) }
