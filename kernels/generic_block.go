package kernels

import (
	"encoding/binary"
	"sync"
)

// block is an unpacked block of 32 weights d·q - min.
type block struct {
	q      [32]byte // int8 values
	d, min float32
}

// blocks is the row of a format with blocks of 32 weights of size bytes; mins
// says whether they have minimums. Both the decoder and the product stand on
// unpack, which gets the bytes from the block on.
func blocks(name string, size int, mins bool, unpack func(u *block, b []byte)) Info {
	// A local block would escape through unpack.
	memory := sync.Pool{New: func() any { return new(block) }}
	return Info{
		Name: name, BlockLen: 32, Bytes: size, Act: Act32,
		Dequantize: func(dst []float32, src []byte) {
			u := memory.Get().(*block)
			defer memory.Put(u)
			for len(dst) > 0 {
				unpack(u, src)
				for i, q := range u.q {
					dst[i] = float32(float32(int8(q))*u.d) - u.min
				}
				dst, src = dst[32:], src[size:]
			}
		},
		mul: func(y []float32, stride int, w []byte, rows int, a *Acts, _ *Scratch) {
			n := a.K / 32
			u := memory.Get().(*block)
			defer memory.Put(u)
			for r := range rows {
				for c := range a.N {
					y[c*stride+r] = 0
				}
				for b := range n {
					unpack(u, w[(r*n+b)*size:])
					for c := range a.N {
						i := c*n + b
						isum := dot32(&u.q, (*[32]int8)(a.Q[32*i:]))
						acc := y[c*stride+r] + float32(float32(isum)*float32(u.d*a.D[i]))
						if mins {
							msum := -a.Bias[i] / 128
							acc -= float32(float32(msum) * float32(u.min*a.D[i]))
						}
						y[c*stride+r] = acc
					}
				}
			}
		},
	}
}

// dot16 and dot32 are Σ w·a of so many int8, written out: a loop takes
// half as long again.
func dot16(w *[16]byte, a *[16]int8) int32 {
	s0 := int32(int8(w[0]))*int32(a[0]) + int32(int8(w[1]))*int32(a[1]) + int32(int8(w[2]))*int32(a[2]) + int32(int8(w[3]))*int32(a[3])
	s1 := int32(int8(w[4]))*int32(a[4]) + int32(int8(w[5]))*int32(a[5]) + int32(int8(w[6]))*int32(a[6]) + int32(int8(w[7]))*int32(a[7])
	s2 := int32(int8(w[8]))*int32(a[8]) + int32(int8(w[9]))*int32(a[9]) + int32(int8(w[10]))*int32(a[10]) + int32(int8(w[11]))*int32(a[11])
	s3 := int32(int8(w[12]))*int32(a[12]) + int32(int8(w[13]))*int32(a[13]) + int32(int8(w[14]))*int32(a[14]) + int32(int8(w[15]))*int32(a[15])
	return s0 + s1 + s2 + s3
}

func dot32(w *[32]byte, a *[32]int8) int32 {
	s0 := int32(int8(w[0]))*int32(a[0]) + int32(int8(w[1]))*int32(a[1]) + int32(int8(w[2]))*int32(a[2]) + int32(int8(w[3]))*int32(a[3]) +
		int32(int8(w[4]))*int32(a[4]) + int32(int8(w[5]))*int32(a[5]) + int32(int8(w[6]))*int32(a[6]) + int32(int8(w[7]))*int32(a[7])
	s1 := int32(int8(w[8]))*int32(a[8]) + int32(int8(w[9]))*int32(a[9]) + int32(int8(w[10]))*int32(a[10]) + int32(int8(w[11]))*int32(a[11]) +
		int32(int8(w[12]))*int32(a[12]) + int32(int8(w[13]))*int32(a[13]) + int32(int8(w[14]))*int32(a[14]) + int32(int8(w[15]))*int32(a[15])
	s2 := int32(int8(w[16]))*int32(a[16]) + int32(int8(w[17]))*int32(a[17]) + int32(int8(w[18]))*int32(a[18]) + int32(int8(w[19]))*int32(a[19]) +
		int32(int8(w[20]))*int32(a[20]) + int32(int8(w[21]))*int32(a[21]) + int32(int8(w[22]))*int32(a[22]) + int32(int8(w[23]))*int32(a[23])
	s3 := int32(int8(w[24]))*int32(a[24]) + int32(int8(w[25]))*int32(a[25]) + int32(int8(w[26]))*int32(a[26]) + int32(int8(w[27]))*int32(a[27]) +
		int32(int8(w[28]))*int32(a[28]) + int32(int8(w[29]))*int32(a[29]) + int32(int8(w[30]))*int32(a[30]) + int32(int8(w[31]))*int32(a[31])
	return s0 + s1 + s2 + s3
}

// Eight bytes at a time: every, a byte in all eight; less subtracts n < 128 from
// eight bytes below 128 into int8 (the top bits stop the borrows).
const every = 0x0101010101010101

func less(x uint64, n uint64) uint64 { return (x | 0x80*every - n*every) ^ 0x80*every }

// spread has bit i of its index in byte i.
var spread = func() (t [256]uint64) {
	for b := range t {
		for i := range 8 {
			t[b] |= uint64(b) >> i & 1 << (8 * i)
		}
	}
	return t
}()

func half(b []byte) float32 { return float16(binary.LittleEndian.Uint16(b)) }

// nibbles unpacks sixteen bytes: the low halves are the first sixteen weights,
// the high halves the others. Each gets its bit of high as bit 4; then offset
// is taken off.
func (u *block) nibbles(b []byte, high uint32, offset uint64) {
	for i := range 2 {
		x := binary.LittleEndian.Uint64(b[8*i:])
		lo := x&(15*every) | spread[byte(high>>(8*i))]<<4
		hi := x>>4&(15*every) | spread[byte(high>>(8*i+16))]<<4
		binary.LittleEndian.PutUint64(u.q[8*i:], less(lo, offset))
		binary.LittleEndian.PutUint64(u.q[8*i+16:], less(hi, offset))
	}
}

// Q4_0: f16 d, 16 bytes of nibbles; w = d·(q-8).
func unpackQ4_0(u *block, b []byte) {
	u.d = half(b)
	u.nibbles(b[2:], 0, 8)
}

// Q4_1: f16 d, f16 m, 16 bytes of nibbles; w = d·q + m.
func unpackQ4_1(u *block, b []byte) {
	u.d, u.min = half(b), -half(b[2:])
	u.nibbles(b[4:], 0, 0)
}

// Q5_0: f16 d, 32 fifth bits, 16 bytes of nibbles; w = d·(q-16).
func unpackQ5_0(u *block, b []byte) {
	u.d = half(b)
	u.nibbles(b[6:], binary.LittleEndian.Uint32(b[2:]), 16)
}

// Q5_1: f16 d, f16 m, 32 fifth bits, 16 bytes of nibbles; w = d·q + m.
func unpackQ5_1(u *block, b []byte) {
	u.d, u.min = half(b), -half(b[2:])
	u.nibbles(b[8:], binary.LittleEndian.Uint32(b[4:]), 0)
}

// Q8_0: f16 d, 32 int8; w = d·q.
func unpackQ8_0(u *block, b []byte) {
	u.d = half(b)
	u.q = [32]byte(b[2:])
}

// valuesIQ4 are the sixteen steps of ggml's non-linear formats.
var valuesIQ4 = [16]int8{-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113}

// lookupIQ4 unpacks sixteen bytes of indices, in the order of nibbles.
func lookupIQ4(q *[32]byte, b *[16]byte) {
	for i, x := range b {
		q[i] = byte(valuesIQ4[x&15])
		q[i+16] = byte(valuesIQ4[x>>4])
	}
}

// IQ4_NL: f16 d, 16 bytes of nibbles; w = d·values[q].
func unpackIQ4_NL(u *block, b []byte) {
	u.d = half(b)
	lookupIQ4(&u.q, (*[16]byte)(b[2:]))
}
