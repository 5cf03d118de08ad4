package model

// hadamard multiplies each power-of-two run of x by a Hadamard matrix of
// entries ±1 (the fast Walsh-Hadamard transform, unnormalised). The run is the
// largest power of two that divides len(x), at least 32 for heads.
//
// The transform keeps scalar products but for the factor run: a quantized
// cache stores its keys so, since some models have a few elements in a key
// that are a hundred times larger than the rest and would take their block's
// whole scale. Only sums are formed, so that the bits are the same everywhere.
func hadamard(x []float32) {
	run := hadamardRun(len(x))
	for ; len(x) > 0; x = x[run:] {
		for i := 0; i < run; i += 4 { // two steps at once, here and below
			p := (*[4]float32)(x[i:])
			s, t, u, v := p[0]+p[1], p[0]-p[1], p[2]+p[3], p[2]-p[3]
			p[0], p[1], p[2], p[3] = s+u, t+v, s-u, t-v
		}
		h := 4
		for ; 4*h <= run; h *= 4 {
			for i := 0; i < run; i += 4 * h {
				for j := i; j < i+h; j += 4 {
					a, b := (*[4]float32)(x[j:]), (*[4]float32)(x[j+h:])
					c, d := (*[4]float32)(x[j+2*h:]), (*[4]float32)(x[j+3*h:])
					for e := range 4 {
						s, t, u, v := a[e]+b[e], a[e]-b[e], c[e]+d[e], c[e]-d[e]
						a[e], b[e], c[e], d[e] = s+u, t+v, s-u, t-v
					}
				}
			}
		}
		if 2*h == run {
			a, b := x[:h], x[h:run]
			for j := range a {
				a[j], b[j] = a[j]+b[j], a[j]-b[j]
			}
		}
	}
}

func hadamardRun(n int) int { return n & -n }
