package kernels

import (
	"encoding/binary"
	"math"
	"testing"
)

// fuzzFloats are the float32 that data holds, repeated to n; finite ones only.
func fuzzFloats(data []byte, n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		if len(data) < 4 {
			break
		}
		at := i % (len(data) / 4) * 4
		x[i] = math.Float32frombits(binary.LittleEndian.Uint32(data[at:]))
		if x[i]-x[i] != 0 {
			x[i] = 0
		}
	}
	return x
}

// available are the implementations that this machine can run.
func available() (all []*Impl) {
	for _, k := range All() {
		if k.Missing == "" {
			all = append(all, k)
		}
	}
	return all
}

func FuzzMul(f *testing.F) {
	for i := range NumFormats {
		f.Add(uint8(i), uint8(17), uint8(i%5), uint8(3), uint64(i), []byte("any bytes are a block"))
	}
	f.Fuzz(func(t *testing.T, format, rows, columns, blocks uint8, seed uint64, bytes []byte) {
		i := &Formats[Format(format)%NumFormats]
		nr, nc, n := int(rows%36)+1, int(columns%18)+1, (int(blocks%12)+1)*i.BlockLen
		w := guarded[byte](t, nr*n/i.BlockLen*i.Bytes)
		for j := range w {
			if len(bytes) > 0 {
				w[j] = bytes[j%len(bytes)]
			}
		}
		a := data(seed%uint64(numData)).acts(t, newRand(seed), i.Act, nc, n)
		want, scratch := make([]float32, nr*nc), guardedScratch(t, (n+255)/256*256)
		i.mul(want, nr, w, nr, a, scratch)
		for _, k := range available() {
			got := guarded[float32](t, nr*nc)
			k.Mul[Format(format)%NumFormats](got, nr, w, nr, a, scratch)
			requireSame(t, want, got, "%s %s", k.Name, i.Name)
		}
	})
}

func FuzzQuantize(f *testing.F) {
	f.Add(uint8(1), []byte("\x00\x00\x80\x3f\x00\x00\x00\xc0"))
	f.Add(uint8(3), []byte("\xff\xff\x7f\x7f\x01\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, blocks uint8, bytes []byte) {
		n := (int(blocks%5) + 1) * 256
		x := atGuard(t, fuzzFloats(bytes, n), n)
		for _, kind := range []ActKind{Act32, Act256} {
			want := guardedActs(t, kind, 1, n)
			generic().Quantize[kind](want, 0, x)
			for _, k := range available() {
				got := guardedActs(t, kind, 1, n)
				k.Quantize[kind](got, 0, x)
				for i := range want.Q {
					if want.Q[i] != got.Q[i] {
						t.Fatalf("%s: Q[%d] = %d, want %d", k.Name, i, got.Q[i], want.Q[i])
					}
				}
				requireSame(t, want.D, got.D, "%s", k.Name)
			}
		}
	})
}

func FuzzAttend(f *testing.F) {
	f.Add(uint8(0), uint8(1), []byte{32, 1, 0, 31, 17}, []byte("\x00\x00\x80\x3f\x00\x00\x00\xc0"))
	f.Add(uint8(1), uint8(2), []byte{32, 33 * 5, 7, 33*6 + 20}, []byte("\x00\x00\x80\x3f"))
	f.Add(uint8(2), uint8(3), []byte{5, 16, 32}, []byte("\x00\x00\x80\x3f\x77\xcc\x01\x3e\x33\x33"))
	f.Fuzz(func(t *testing.T, format, heads uint8, seen, bytes []byte) {
		kv, head, n := KVFormat(format)%NumKVFormats, (int(heads%4)+1)*32, max(1, min(len(seen), 20))
		visible := make([]Range, n)
		for i := range min(n, len(seen)) {
			visible[i].Hi = int32(seen[i] % (BlockTokens + 1))
			if seen[i] >= 128 {
				visible[i].Lo = int32(seen[(i+1)%len(seen)] % (BlockTokens + 1))
			}
		}
		x := fuzzFloats(bytes, BlockTokens*head)
		for i := range x { // of a size that no sum overflows
			x[i] = max(-1e4, min(1e4, x[i]))
		}
		block := guarded[byte](t, KVBlockBytes(kv, head))
		for slot := range BlockTokens {
			v := x[slot*head:][:head]
			generic().StoreKV[kv](block, slot, v, v)
		}
		want := randomAttention(t, uint64(n), n, head)
		generic().Attend[kv](want, block, visible)
		generic().Attend[kv](want, block, visible)
		for _, k := range available() {
			got := randomAttention(t, uint64(n), n, head)
			k.Attend[kv](got, block, visible)
			k.Attend[kv](got, block, visible)
			requireSame(t, want.L, got.L, "%s L", k.Name)
			requireSame(t, want.Acc, got.Acc, "%s Acc", k.Name)
		}
	})
}
