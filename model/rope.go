package model

import (
	"math"

	"cllm/kernels"
)

// RopeScaling stretches the rotary embedding beyond the context that a model
// was trained for.
type RopeScaling struct {
	Type string // "none", "linear" or "yarn"
	// Factor is by how much the context grows, 1 when there is no scaling.
	Factor float64
	// OrigContext is the context of the training, for yarn.
	OrigContext int
	// AttnFactor multiplies the rotated heads, beside what yarn itself does.
	AttnFactor float64
}

// Rotations per original context beyond which yarn leaves a dimension as it
// is, and below which it interpolates it fully; llama.cpp's defaults.
const (
	yarnBetaFast = 32
	yarnBetaSlow = 1
)

func readRopeScaling(d *metadata, context int) RopeScaling {
	s := RopeScaling{Type: "linear"}
	if t, err := d.file.String(d.key("rope.scaling.type")); err == nil {
		s.Type = t
	} else {
		d.note("rope.scaling.type", err, true)
	}
	if s.Type != "none" && s.Type != "linear" && s.Type != "yarn" {
		d.errs = append(d.errs, d.errorf("rope.scaling.type", "%q is not supported; supported are none, linear, yarn", s.Type))
	}
	s.Factor = d.scale("rope.scaling.factor", "rope.scale_linear")
	if s.Type == "none" {
		s.Factor = 1
	}
	s.OrigContext = d.int("rope.scaling.original_context_length", context, maxContext)
	s.AttnFactor = d.float("rope.scaling.attn_factor", 1)
	return s
}

// scale reads a factor, under its name or its old one; absent or 0 means 1.
func (d *metadata) scale(keys ...string) float64 {
	for _, key := range keys {
		v, err := d.file.Float(d.key(key))
		switch {
		case err == nil && v == 0:
			return 1
		case err == nil && v > 0 && v < 1e9:
			return v
		case err == nil:
			d.errs = append(d.errs, d.errorf(key, "%g is not a positive factor", v))
			return 1
		case !d.note(key, err, true):
			return 1
		}
	}
	return 1
}

// layout says which two elements of a head rotate together.
type layout int

const (
	neox  layout = iota // element i and that half the rotated dimensions on
	pairs               // neighbours: elements 2i and 2i+1
)

// rotation is a rotary embedding: angle i of position p is p·freq[i], and the
// rotated values are multiplied by mscale. It may rotate the leading elements
// of a head alone, or (freq is empty) none.
type rotation struct {
	layout layout
	freq   []float64 // [RopeDims/2]
	mscale float64
	first  int // where its angles begin among those of a position
}

// rotate turns the head x. Pairs come out apart, the first elements of all and
// then the second ones: a score does not change with the order of elements, if
// it is that of queries and keys alike. spare has room for half of the head.
func (t *rotation) rotate(k *kernels.Impl, x, cos, sin, spare []float32) {
	if t.layout == pairs {
		n := len(cos)
		second := spare[:n]
		for i := range second {
			x[i], second[i] = x[2*i], x[2*i+1]
		}
		copy(x[n:2*n], second)
	}
	k.Rope(x, cos, sin)
}

// newRotation computes the frequencies as llama.cpp does, yarn included (Peng
// et al., arXiv:2309.00071): dimensions that turn often within the original
// context stay, those that turn less than once are interpolated, and between
// them there is a ramp. Each is divided by its factor where there are any.
func newRotation(c Config, l layout, factors []float32) *rotation {
	n := c.RopeDims
	s := c.RopeScale
	r := &rotation{layout: l, freq: make([]float64, n/2), mscale: s.AttnFactor}
	// The dimension that turns rotations times within the original context.
	dim := func(rotations float64) float64 {
		return float64(n) * math.Log(float64(s.OrigContext)/(rotations*2*math.Pi)) / (2 * math.Log(c.RopeTheta))
	}
	low := max(0, math.Floor(dim(yarnBetaFast)))
	high := min(float64(n-1), math.Ceil(dim(yarnBetaSlow)))
	for i := range r.freq {
		keep := 0.0 // of the frequency as it was trained
		if s.Type == "yarn" {
			keep = 1 - min(1, max(0, (float64(i)-low)/max(0.001, high-low)))
		}
		r.freq[i] = math.Pow(c.RopeTheta, -2*float64(i)/float64(n)) * ((1-keep)/s.Factor + keep)
		if factors != nil {
			r.freq[i] /= float64(factors[i])
		}
	}
	if s.Type == "yarn" && s.Factor > 1 {
		r.mscale *= 1 + 0.1*math.Log(s.Factor)
	}
	return r
}

// angles sets cos and sin for position pos, and the same times scale in qcos
// and qsin: queries carry the 1/sqrt(head size) of attention.
func (t *rotation) angles(pos int, scale float64, cos, sin, qcos, qsin []float32) {
	for i, f := range t.freq {
		s, c := math.Sincos(float64(pos) * f)
		s, c = s*t.mscale, c*t.mscale
		cos[i], sin[i] = float32(c), float32(s)
		qcos[i], qsin[i] = float32(c*scale), float32(s*scale)
	}
}
