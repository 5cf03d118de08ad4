package kernels

// BlockTokens is the number of positions in one block of the KV cache.
const BlockTokens = 32

// KVFormat is the storage of keys and values in the cache. A block of one KV
// head with head size n (a multiple of 32) holds BlockTokens positions:
//
//	F16, F32   K [BlockTokens/16][n][16], then V [BlockTokens][n]
//	Q8_0       K int8 [BlockTokens/16][n/4][16][4], K scales float32
//	           [BlockTokens/16][n/32][16], then V int8 [BlockTokens][n] and V
//	           scales float32 [BlockTokens][n/32]
//
// Keys lie transposed in tiles of sixteen positions, so that a vector's lanes
// are positions and a score needs no horizontal sum; values lie by position,
// so that lanes are elements of the output. F16 rounds to nearest even; Q8_0
// quantizes every 32 elements of a key or value as Act32 does. All is little
// endian.
type KVFormat uint8

// The storage formats.
const (
	KVF16 KVFormat = iota
	KVF32
	KVQ8
	NumKVFormats
)

// KVTile is the number of positions side by side in the layout of the keys.
const KVTile = 16

// Attention is the running softmax of N queries of one KV head (the heads of
// its group, for one or more tokens) over the blocks that came so far, in the
// manner of online softmax (Milakov and Gimelshein, arXiv:1805.02867).
//
// For each query, a block of which the first n positions are visible does:
//
//	s[t]  = Σ_d q[d]·k[t][d]       one fma chain over d from +0      (F16, F32)
//	s[t]  = Σ_b float32(isum_b)·float32(dq_b·dk_b[t])   blocks b of 32 dims
//	        in order, product rounded, then added                    (Q8_0)
//	m'    = max(M, s[0..n))
//	c     = exp32(M - m')           (1 when M = m', 0 when M = -Inf)
//	p[t]  = exp32(s[t] - m') for t < n, +0 for the rest
//	L     = fma(L, c, sumLanes(p[0..16) + p[16..32)))
//	Acc[d] = Acc[d]·c (rounded), then for t = 0..n-1 in order
//	        Acc[d] = fma(p[t], v[t][d], Acc[d])                      (F16, F32)
//	        Acc[d] = fma(float32(p[t]·dv_b[t]), float32(vq), Acc[d]) (Q8_0)
//
// A query with visible[i] = 0 is left alone. The caller scales Q by 1/sqrt(n)
// before. All values are finite; the positions that no query sees may hold
// anything. The sign of a zero in M is free.
type Attention struct {
	N    int       // queries
	Head int       // head size n
	Q    []float32 // [N][Head]
	// QQ and QD are Q quantized as Act32 columns; set by the caller (through
	// Quantize[Act32] on an Acts of K = Head) only for KVQ8.
	QQ  []int8    // [N][Head]
	QD  []float32 // [N][Head/32]
	M   []float32 // [N], running maximum, -Inf at the start
	L   []float32 // [N], running sum of exponentials
	Acc []float32 // [N][Head], running weighted sum
	// P is scratch of at least [N][BlockTokens] and F of 2*BlockTokens*Head,
	// both 64-byte aligned.
	P, F []float32
}
