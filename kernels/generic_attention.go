package kernels

import (
	"encoding/binary"
	"math"
)

// KVBlockBytes is the size of one block of one KV head of the given head size, a
// multiple of 32.
func KVBlockBytes(f KVFormat, head int) int {
	switch f {
	case KVF32:
		return 2 * BlockTokens * head * 4
	case KVQ8:
		return 2 * BlockTokens * (head + head/32*4)
	}
	return 2 * BlockTokens * head * 2
}

// NewAttention returns room for maxN queries of the given head size, without QQ
// and QD, which belong to the caller's Acts.
func NewAttention(maxN, head int) *Attention {
	a := &Attention{
		Head: head,
		Q:    aligned[float32](maxN * head),
		M:    aligned[float32](maxN),
		L:    aligned[float32](maxN),
		Acc:  aligned[float32](maxN * head),
		P:    aligned[float32](maxN * BlockTokens),
		F:    aligned[float32](2 * BlockTokens * head),
	}
	a.Reset(maxN)
	return a
}

// Reset starts a new softmax of n queries, at most those of NewAttention.
func (a *Attention) Reset(n int) {
	a.N = n
	a.Q, a.Acc = a.Q[:n*a.Head], a.Acc[:n*a.Head]
	a.M, a.L = a.M[:n], a.L[:n]
	for i := range a.M {
		a.M[i] = float32(math.Inf(-1))
	}
	clear(a.L)
	clear(a.Acc)
}

// Part makes p the n queries of a from the first on, without copying them.
func (a *Attention) Part(p *Attention, first, n int) {
	h := a.Head
	*p = Attention{
		N: n, Head: h,
		Q: a.Q[first*h:][:n*h], Acc: a.Acc[first*h:][:n*h], M: a.M[first:][:n], L: a.L[first:][:n],
		P: a.P, F: a.F,
	}
	if a.QQ != nil {
		p.QQ, p.QD = a.QQ[first*h:][:n*h], a.QD[first*h/32:][:n*h/32]
	}
}

// keyIndex is where element d of the key in slot lies among a block's keys, and
// valueIndex where that of the value lies among its values.
func keyIndex(slot, d, head int) int   { return (slot/KVTile*head+d)*KVTile + slot%KVTile }
func valueIndex(slot, d, head int) int { return slot*head + d }

func storeF16(block []byte, slot int, k, v []float32) {
	n := len(k)
	key, value := block[2*keyIndex(slot, 0, n):], block[2*(BlockTokens*n+valueIndex(slot, 0, n)):]
	for d, v := range v[:n] {
		binary.LittleEndian.PutUint16(key[2*KVTile*d:], toFloat16(k[d]))
		binary.LittleEndian.PutUint16(value[2*d:], toFloat16(v))
	}
}

func storeF32(block []byte, slot int, k, v []float32) {
	n := len(k)
	key, value := block[4*keyIndex(slot, 0, n):], block[4*(BlockTokens*n+valueIndex(slot, 0, n)):]
	for d, v := range v[:n] {
		binary.LittleEndian.PutUint32(key[4*KVTile*d:], math.Float32bits(k[d]))
		binary.LittleEndian.PutUint32(value[4*d:], math.Float32bits(v))
	}
}

// blockQ8 cuts a Q8_0 block into its parts.
func blockQ8(block []byte, head int) (kq, kd, vq, vd []byte) {
	q, d := BlockTokens*head, BlockTokens*head/32*4
	return block[:q], block[q : q+d], block[q+d : 2*q+d], block[2*q+d : 2*q+2*d]
}

// keyQ8Index is keyIndex for Q8_0: four elements of a position lie together.
func keyQ8Index(slot, d, head int) int {
	return ((slot/KVTile*head/4+d/4)*KVTile+slot%KVTile)*4 + d%4
}

func storeQ8(block []byte, slot int, k, v []float32) {
	n := len(k)
	kq, kd, vq, vd := blockQ8(block, n)
	var q [32]int8
	for b := range n / 32 {
		d, _ := quantize32(q[:], k[32*b:32*b+32])
		binary.LittleEndian.PutUint32(kd[4*keyIndex(slot, b, n/32):], math.Float32bits(d))
		for i, q := range q {
			kq[keyQ8Index(slot, 32*b+i, n)] = byte(q)
		}
		d, _ = quantize32(q[:], v[32*b:32*b+32])
		binary.LittleEndian.PutUint32(vd[4*valueIndex(slot, b, n/32):], math.Float32bits(d))
		for i, q := range q {
			vq[valueIndex(slot, 32*b+i, n)] = byte(q)
		}
	}
}

func attendF16(a *Attention, block []byte, visible []Range) {
	for i := range a.F[:2*BlockTokens*a.Head] {
		a.F[i] = float16(binary.LittleEndian.Uint16(block[2*i:]))
	}
	attendFloats(a, visible)
}

func attendF32(a *Attention, block []byte, visible []Range) {
	for i := range a.F[:2*BlockTokens*a.Head] {
		a.F[i] = math.Float32frombits(binary.LittleEndian.Uint32(block[4*i:]))
	}
	attendFloats(a, visible)
}

// attendFloats is Attend on the block unpacked in a.F.
func attendFloats(a *Attention, visible []Range) {
	n := a.Head
	keys, values := a.F[:BlockTokens*n], a.F[BlockTokens*n:2*BlockTokens*n]
	for i := range a.N {
		if visible[i].Empty() {
			continue
		}
		lo, hi := int(visible[i].Lo), int(visible[i].Hi)
		q, acc := a.Q[i*n:][:n], a.Acc[i*n:][:n]
		s := (*[BlockTokens]float32)(a.P[i*BlockTokens:])
		*s = [BlockTokens]float32{}
		for t := lo &^ (KVTile - 1); t < hi; t += KVTile {
			tile := s[t : t+KVTile]
			for d, q := range q {
				axpy(tile, q, keys[t*n+KVTile*d:])
			}
		}
		a.softmax(i, lo, hi)
		for t := lo; t < hi; t++ {
			axpy(acc, s[t], values[t*n:])
		}
	}
}

func attendQ8(a *Attention, block []byte, visible []Range) {
	n := a.Head
	kq, kd, vq, vd := blockQ8(block, n)
	for i := range a.N {
		if visible[i].Empty() {
			continue
		}
		lo, hi := int(visible[i].Lo), int(visible[i].Hi)
		q, dq, acc := a.QQ[i*n:][:n], a.QD[i*n/32:][:n/32], a.Acc[i*n:][:n]
		s := (*[BlockTokens]float32)(a.P[i*BlockTokens:])
		*s = [BlockTokens]float32{}
		for t := lo; t < hi; t++ {
			for b := range n / 32 {
				isum := int32(0)
				for d := 32 * b; d < 32*b+32; d += 4 {
					k := kq[keyQ8Index(t, d, n):][:4]
					isum += int32(q[d])*int32(int8(k[0])) + int32(q[d+1])*int32(int8(k[1])) +
						int32(q[d+2])*int32(int8(k[2])) + int32(q[d+3])*int32(int8(k[3]))
				}
				dk := math.Float32frombits(binary.LittleEndian.Uint32(kd[4*keyIndex(t, b, n/32):]))
				s[t] += float32(float32(isum) * float32(dq[b]*dk))
			}
		}
		a.softmax(i, lo, hi)
		for t := lo; t < hi; t++ {
			for b := range n / 32 {
				pd := s[t] * math.Float32frombits(binary.LittleEndian.Uint32(vd[4*valueIndex(t, b, n/32):]))
				for d := 32 * b; d < 32*b+32; d++ {
					acc[d] = fma32(pd, float32(int8(vq[t*n+d])), acc[d])
				}
			}
		}
	}
}

// softmax turns the scores of query i, of which [lo, hi) are visible, into
// weights, and scales what the query has summed so far to their maximum.
func (a *Attention) softmax(i, lo, hi int) {
	s := (*[BlockTokens]float32)(a.P[i*BlockTokens:])
	m := max(a.M[i], maximum(s[lo:hi]))
	c := exp32(a.M[i] - m)
	var lane [16]float32
	for t := range s {
		if lo <= t && t < hi {
			s[t] = exp32(s[t] - m)
		} else {
			s[t] = 0
		}
	}
	for t := range lane {
		lane[t] = s[t] + s[t+16]
	}
	a.L[i] = fma32(a.L[i], c, sumLanes(&lane))
	acc := a.Acc[i*a.Head:][:a.Head]
	for d := range acc {
		acc[d] *= c
	}
	a.M[i] = m
}
