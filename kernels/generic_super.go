package kernels

import (
	"encoding/binary"
	"sync"
)

// superBlock is an unpacked super-block of 256 weights in sixteen groups:
// d·scale[i/16]·q[i] - min·mins[i/16]. Formats with groups of 32 have each
// scale twice.
type superBlock struct {
	q           [256]byte // int8 values
	scale, mins [16]int8
	d, min      float32
}

// superBlocks is the row of a format with super-blocks of 256 weights of size
// bytes; mins says whether they have minimums. Both the decoder and the product
// stand on unpack, which gets the bytes from the block on.
func superBlocks(name string, size int, mins bool, unpack func(u *superBlock, b []byte)) Info {
	memory := sync.Pool{New: func() any { return new(superBlock) }}
	return Info{
		Name: name, BlockLen: 256, Bytes: size, Act: Act256,
		Dequantize: func(dst []float32, src []byte) {
			u := memory.Get().(*superBlock)
			defer memory.Put(u)
			for len(dst) > 0 {
				unpack(u, src)
				for g := range 16 {
					d, min := u.d*float32(u.scale[g]), float32(u.min*float32(u.mins[g]))
					for i, q := range u.q[16*g : 16*g+16] {
						dst[16*g+i] = float32(d*float32(int8(q))) - min
					}
				}
				dst, src = dst[256:], src[size:]
			}
		},
		mul: func(y []float32, stride int, w []byte, rows int, a *Acts, _ *Scratch) {
			n := a.K / 256
			u := memory.Get().(*superBlock)
			defer memory.Put(u)
			for r := range rows {
				for c := range a.N {
					y[c*stride+r] = 0
				}
				for b := range n {
					unpack(u, w[(r*n+b)*size:])
					for c := range a.N {
						i := c*n + b
						isum := dotGroups(u, (*[256]int8)(a.Q[256*i:]))
						acc := y[c*stride+r] + float32(float32(isum)*float32(u.d*a.D[i]))
						if mins {
							msum := int32(0)
							for g, s := range (*[16]int16)(a.Sum[16*i:]) {
								msum += int32(u.mins[g]) * int32(s)
							}
							acc -= float32(float32(msum) * float32(u.min*a.D[i]))
						}
						y[c*stride+r] = acc
					}
				}
			}
		},
	}
}

// dotGroups is Σ scale·Σ q·a. It stays below 2^28 in every format.
func dotGroups(u *superBlock, a *[256]int8) (sum int32) {
	for g, scale := range u.scale {
		sum += int32(scale) * dot16((*[16]byte)(u.q[16*g:]), (*[16]int8)(a[16*g:]))
	}
	return sum
}

// scalesQ4_K unpacks the eight scales and eight minimums, of six bits each, that
// Q4_K and Q5_K hold in twelve bytes, and what stands before them.
func scalesQ4_K(u *superBlock, src []byte) {
	u.d, u.min = half(src), half(src[2:])
	b := (*[12]byte)(src[4:])
	for j := range 4 {
		u.scale[2*j] = int8(b[j] & 63)
		u.mins[2*j] = int8(b[j+4] & 63)
		u.scale[2*j+8] = int8(b[j+8]&15 | b[j]>>6<<4)
		u.mins[2*j+8] = int8(b[j+8]>>4 | b[j+4]>>6<<4)
	}
	for j := 0; j < 16; j += 2 {
		u.scale[j+1], u.mins[j+1] = u.scale[j], u.mins[j]
	}
}

// Q2_K: 16 bytes of scales (low nibble) and minimums (high), 64 bytes of two
// bits, f16 d, f16 dmin. Bit pair j of the 32 bytes of a half is quarter j.
func unpackQ2_K(u *superBlock, b []byte) {
	scalesQ2_K(u, b)
	for i := 0; i < 64; i += 8 {
		x := binary.LittleEndian.Uint64(b[16+i:])
		q := u.q[i/32*128+i%32:]
		for j := range 4 {
			binary.LittleEndian.PutUint64(q[32*j:], x>>(2*j)&(3*every))
		}
	}
}

func scalesQ2_K(u *superBlock, b []byte) {
	u.d, u.min = half(b[80:]), half(b[82:])
	for g, s := range b[:16] {
		u.scale[g], u.mins[g] = int8(s&15), int8(s>>4)
	}
}

// Q3_K: 32 bytes of third bits, 64 bytes of two bits as in Q2_K, 12 bytes of
// six-bit scales, f16 d; w = d·(sc-32)·(q-4).
func unpackQ3_K(u *superBlock, b []byte) {
	scalesQ3_K(u, b)
	for i := 0; i < 64; i += 8 {
		x := binary.LittleEndian.Uint64(b[32+i:])
		h := binary.LittleEndian.Uint64(b[i%32:]) >> (i / 32 * 4)
		q := u.q[i/32*128+i%32:]
		for j := range 4 {
			v := x>>(2*j)&(3*every) | h>>j&every<<2
			binary.LittleEndian.PutUint64(q[32*j:], less(v, 4))
		}
	}
}

func scalesQ3_K(u *superBlock, b []byte) {
	u.d = half(b[108:])
	scales := b[96:108]
	for g := range 16 {
		low, high := scales[g%8]>>(g/8*4)&15, scales[8+g%4]>>(g/4*2)&3
		u.scale[g] = int8(low|high<<4) - 32
	}
}

// Q4_K: f16 d, f16 dmin, 12 bytes of six-bit scales and minimums, 128 bytes of
// nibbles: of each 32 bytes, the low halves come first.
func unpackQ4_K(u *superBlock, b []byte) {
	scalesQ4_K(u, b)
	for i := 0; i < 128; i += 8 {
		x := binary.LittleEndian.Uint64(b[16+i:])
		q := u.q[i/32*64+i%32:]
		binary.LittleEndian.PutUint64(q, x&(15*every))
		binary.LittleEndian.PutUint64(q[32:], x>>4&(15*every))
	}
}

// Q5_K: as Q4_K, with 32 bytes of fifth bits before the nibbles: bit j of them
// belongs to the j-th 32 weights.
func unpackQ5_K(u *superBlock, b []byte) {
	scalesQ4_K(u, b)
	for i := 0; i < 128; i += 8 {
		x := binary.LittleEndian.Uint64(b[48+i:])
		h := binary.LittleEndian.Uint64(b[16+i%32:]) >> (i / 32 * 2)
		q := u.q[i/32*64+i%32:]
		binary.LittleEndian.PutUint64(q, x&(15*every)|h&every<<4)
		binary.LittleEndian.PutUint64(q[32:], x>>4&(15*every)|h>>1&every<<4)
	}
}

// Q6_K: 128 bytes of low nibbles, 64 bytes of high bit pairs, 16 int8 scales,
// f16 d; w = d·sc·(q-32). A half of 128 weights has 64 and 32 bytes of them;
// bit pair j is quarter j, quarters 0 and 1 are the low nibbles.
func unpackQ6_K(u *superBlock, b []byte) {
	scalesQ6_K(u, b)
	for i := 0; i < 64; i += 8 {
		l := b[i/32*64+i%32:]
		x0, x1 := binary.LittleEndian.Uint64(l), binary.LittleEndian.Uint64(l[32:])
		h := binary.LittleEndian.Uint64(b[128+i:])
		q := u.q[i/32*128+i%32:]
		binary.LittleEndian.PutUint64(q, less(x0&(15*every)|h&(3*every)<<4, 32))
		binary.LittleEndian.PutUint64(q[32:], less(x1&(15*every)|h>>2&(3*every)<<4, 32))
		binary.LittleEndian.PutUint64(q[64:], less(x0>>4&(15*every)|h>>4&(3*every)<<4, 32))
		binary.LittleEndian.PutUint64(q[96:], less(x1>>4&(15*every)|h>>6&(3*every)<<4, 32))
	}
}

func scalesQ6_K(u *superBlock, b []byte) {
	u.d = half(b[208:])
	for g, s := range b[192:208] {
		u.scale[g] = int8(s)
	}
}

// IQ4_XS: f16 d, 8 high bit pairs and 8 low nibbles of the scales of 32
// weights, 128 bytes of nibbles; w = d·(sc-32)·values[q].
func unpackIQ4_XS(u *superBlock, b []byte) {
	scalesIQ4_XS(u, b)
	for j := range 8 {
		lookupIQ4((*[32]byte)(u.q[32*j:]), (*[16]byte)(b[8+16*j:]))
	}
}

func scalesIQ4_XS(u *superBlock, b []byte) {
	u.d = half(b)
	high := binary.LittleEndian.Uint16(b[2:])
	for j := range 8 {
		low := b[4+j/2] >> (j % 2 * 4) & 15
		scale := int8(low|byte(high>>(2*j)&3)<<4) - 32
		u.scale[2*j], u.scale[2*j+1] = scale, scale
	}
}
