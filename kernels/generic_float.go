package kernels

import (
	"encoding/binary"
	"math"
)

// floats is the row of a format of plain numbers of size bytes. load reads
// sixteen of them, or as many as b has.
func floats(name string, size int, load func(b []byte) [16]float32) Info {
	return Info{
		Name: name, BlockLen: 1, Bytes: size, Act: ActF32,
		Dequantize: func(dst []float32, src []byte) {
			for len(dst) > 0 {
				v := load(src)
				n := copy(dst, v[:])
				dst, src = dst[n:], src[n*size:]
			}
		},
		mul: func(y []float32, stride int, w []byte, rows int, a *Acts, _ *Scratch) {
			for r := range rows {
				row := w[r*a.K*size:][:a.K*size]
				for c := range a.N {
					y[c*stride+r] = dotLanes(load, size, row, a.X[c*a.K:][:a.K])
				}
			}
		},
	}
}

// dotLanes is Σ w·x in sixteen lanes, lane i mod 16.
func dotLanes(load func(b []byte) [16]float32, size int, w []byte, x []float32) float32 {
	var lane [16]float32
	for len(x) >= 16 {
		v := load(w)
		fmaLanes(&lane, &v, (*[16]float32)(x))
		w, x = w[16*size:], x[16:]
	}
	v := load(w)
	for l, x := range x {
		lane[l] = fma32(v[l], x, lane[l])
	}
	return sumLanes(&lane)
}

func loadF32(b []byte) (v [16]float32) {
	for i := range min(16, len(b)/4) {
		v[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
	}
	return v
}

func loadF16(b []byte) (v [16]float32) {
	for i := range min(16, len(b)/2) {
		v[i] = float16(binary.LittleEndian.Uint16(b[2*i:]))
	}
	return v
}

func loadBF16(b []byte) (v [16]float32) {
	for i := range min(16, len(b)/2) {
		v[i] = bfloat16(binary.LittleEndian.Uint16(b[2*i:]))
	}
	return v
}
