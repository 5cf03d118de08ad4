//go:build !noasm && (amd64 || arm64)

package kernels

// storeQ8With is StoreKV for Q8_0 with the function that quantizes 32 elements. A
// key's pass through the value's place.
func storeQ8With(block []byte, slot int, k, v []float32, quantize func(q *int8, d, x *float32)) {
	n := len(k)
	kq, kd, vq, vd := blockQ8(block, n)
	for b := range n / 32 {
		q := vq[valueIndex(slot, 32*b, n):][:32]
		quantize(int8s(q), float32s(kd[4*keyIndex(slot, b, n/32):]), &k[32*b])
		for i := 0; i < 32; i += 4 {
			copy(kq[keyQ8Index(slot, 32*b+i, n):], q[i:i+4])
		}
		quantize(int8s(q), float32s(vd[4*valueIndex(slot, b, n/32):]), &v[32*b])
	}
}
