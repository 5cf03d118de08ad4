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

// Range is the positions [Lo, Hi) of a block, 0 <= Lo and Hi <= BlockTokens. It is
// empty when Lo >= Hi.
type Range struct{ Lo, Hi int32 }

// Empty says whether no position is in r.
func (r Range) Empty() bool { return r.Lo >= r.Hi }

// Attention is the running softmax of N queries of one KV head (the heads of
// its group, for one or more tokens) over the blocks that came so far, in the
// manner of online softmax (Milakov and Gimelshein, arXiv:1805.02867).
//
// For each query, a block of which the positions [lo, hi) are visible does:
//
//	s[t]  = Σ_d q[d]·k[t][d]       one fma chain over d from +0      (F16, F32)
//	s[t]  = Σ_b float32(isum_b)·float32(dq_b·dk_b[t])   blocks b of 32 dims
//	        in order, product rounded, then added                    (Q8_0)
//	m'    = max(M, s[lo..hi))
//	c     = exp32(M - m')           (1 when M = m', 0 when M = -Inf)
//	p[t]  = exp32(s[t] - m') for lo <= t < hi, +0 for the rest
//	L     = fma(L, c, sumLanes(p[0..16) + p[16..32)))
//	Acc[d] = Acc[d]·c (rounded), then for t = lo..hi-1 in order
//	        Acc[d] = fma(p[t], v[t][d], Acc[d])                      (F16, F32)
//	        Acc[d] = fma(float32(p[t]·dv_b[t]), float32(vq), Acc[d]) (Q8_0)
//
// A query whose range is empty is left alone. The caller scales Q by 1/sqrt(n)
// before. What a query does not see never touches its sums: it may hold anything.
// A NaN or +Inf among the scores of a query makes its L and Acc NaN for good, and
// its M is free then. The sign of a zero in M is free.
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
