// Package kernels holds the leaf arithmetic of the forward pass on plain
// slices: quantized matrix products, activation quantization, attention over
// one block of the KV cache, and the element-wise functions between them.
//
// Each instruction set is one [Impl] in a named registry; generic Go is always
// there and is the definition. Every implementation gives the same bits as
// generic Go, because the order of all floating-point operations is fixed:
//
//   - Block formats. For an output y = Σ_k w[k]·a[k] there is one float32
//     accumulator that starts at +0 and takes the blocks (32 weights, or the
//     256 of a super-block) in their order. The integer sums within a block
//     are exact, so their order is free. A block adds
//     acc = acc + float32(float32(isum)·float32(d·da)) and, in formats with
//     minimums, then
//     acc = acc - float32(float32(msum)·float32(dmin·da)),
//     every product rounded by itself (no fused multiply-add); d and dmin are
//     the row's scales, da the activation's. In blocks of 32, isum = Σ q·a with
//     the stored offset taken off q (Q4_0: -8, Q5_0: -16), Q4_1 and Q5_1 take q
//     as stored, msum = Σ a and dmin = -m. In super-blocks, isum = Σ_j sc_j·Σ q·a
//     over the groups j, with the offsets taken off q and sc (Q6_K: q-32, Q3_K:
//     q-4 and sc-32, IQ4_XS: sc-32), and msum = Σ_j min_j·Σ a.
//   - F32, F16 and BF16 weights. Sixteen accumulators, lane i mod 16, each
//     lane = fma(w, a, lane) in order of i; then the lanes are added in the
//     tree of [sumLanes].
//   - Attention and the element-wise functions say their order where they are
//     declared. They use fused multiply-adds where the text says fma; generic
//     Go computes these exactly with [fma32].
package kernels

// Format is the layout of a matrix's weights in the file, after ggml's types.
type Format uint8

// The formats, in the order of the table [Formats].
const (
	F32 Format = iota
	F16
	BF16
	Q4_0
	Q4_1
	Q5_0
	Q5_1
	Q8_0
	Q2_K
	Q3_K
	Q4_K
	Q5_K
	Q6_K
	IQ4_NL
	IQ4_XS
	NumFormats
)

// ActKind says how a format wants its activations.
type ActKind uint8

const (
	ActF32 ActKind = iota // as they are
	Act32                 // int8 in blocks of 32 (ggml's Q8_0)
	Act256                // int8 in super-blocks of 256 (ggml's Q8_K)
	NumActKinds
)

// Info is one row of the table of formats.
type Info struct {
	Name     string // ggml's name, as "Q4_K"
	BlockLen int    // weights in a block
	Bytes    int    // bytes of a block
	Act      ActKind
	// Dequantize sets dst to the weights of src: len(dst) is a multiple of
	// BlockLen, len(src) = len(dst)/BlockLen*Bytes. Bit-exact with the
	// reference decoder of ggml.
	Dequantize func(dst []float32, src []byte)

	mul MulFunc // the generic product
}

// Acts is a batch of N columns of K activations. Which fields are set depends
// on Kind. The slices are taken once for the largest batch and resliced, so
// len(Q) may exceed N*K.
type Acts struct {
	Kind ActKind
	N, K int
	X    []float32 // ActF32: [N][K], the values
	Q    []int8    // Act32, Act256: [N][K], the quantized values, |q| <= 127
	D    []float32 // Act32: [N][K/32], Act256: [N][K/256], the scales
	// Bias is, for Act32, [N][K/32]: -128 times the sum of the block's Q. A
	// product whose weights are stored with an offset of 128 starts its
	// integer sum here; other multiples of the sum are exact shifts of it.
	Bias []int32
	// Sum is, for Act256, [N][K/16]: the sums of 16 values of Q each.
	Sum []int16
	// Start is what sums of 16 bits begin with in products whose weights are
	// stored with an offset, two for each 32 (Act32) or 16 (Act256) values of Q,
	// since products of bytes are added up in pairs: minus 16 (32) times the sum
	// of the values whose index mod 4 is 0 or 1, and of those where it is 2 or 3.
	// Only generic Go and the levels of AVX2 set and read it.
	Start []int16
}

// Scratch is the working memory of one worker. Implementations lay their
// unpacked weights in Panel and whatever else they need in F and I.
type Scratch struct {
	Panel []byte    // 64-byte aligned
	F     []float32 // 64-byte aligned
	I     []int32   // 64-byte aligned
}

// MulFunc computes y[c*stride+r] = Σ_k w[r][k]·a[c][k] for the rows r in
// [0, rows) of w and every column c of a. w holds the rows one after another
// in the function's format, each a.K weights (a multiple of the block length);
// a is of the format's ActKind.
type MulFunc func(y []float32, stride int, w []byte, rows int, a *Acts, s *Scratch)

// QuantizeFunc sets column col of a (Q, D, Start and Bias or Sum) from x, len(x) = a.K.
//
// Act32, per block of 32: amax = max|x|, D = float32(float16(amax/127)),
// q = round-to-even(x · (1/(amax/127))) (ggml's Q8_0).
// Act256, per 256: amax = max|x|, iscale = 127/amax, D = 1/iscale,
// q = round-to-even(x·iscale) (ggml's Q8_K, but for the sign that its q and D
// share, which no product sees).
// Every step is rounded to float32. A block with amax under 0x1p-100 is all
// zero, D too. A block with a NaN or infinity gets q = 0 and D = NaN, so that
// every product with it is NaN.
type QuantizeFunc func(a *Acts, col int, x []float32)

// AttendFunc folds one block of one KV head into the queries of a.
type AttendFunc func(a *Attention, block []byte, visible []Range)

// Impl is the arithmetic of one instruction set. A nil field is filled in from
// generic Go when the registry is built, so that every field can be called.
// The functions run on the caller's goroutine and never allocate.
type Impl struct {
	Name string // "generic", "avx2", "avxvnni", "avx512", "neon", "dotprod", "i8mm"
	// Missing names the CPU feature that this machine lacks, or is empty.
	Missing string
	// Rank orders the available implementations; the highest is the default.
	Rank int

	Mul      [NumFormats]MulFunc
	Quantize [NumActKinds]QuantizeFunc // ActF32: nil

	// RMSNorm sets dst = x / sqrt(mean(x²) + eps) · w. The squares are summed
	// like a dot product of F32 weights (sixteen lanes, fma, [sumLanes]);
	// then s = 1/sqrt(sum/n + eps) in float32 and dst = (x·s)·w. dst may be x.
	RMSNorm func(dst, x, w []float32, eps float32)
	// Rope rotates one head in place (NEOX: element i with i+n/2, n =
	// 2·len(cos)); elements past n stay. Each result is two products and one
	// sum: x0·c - x1·s and x0·s + x1·c, products rounded by themselves.
	Rope func(x, cos, sin []float32)
	// SiLUMul sets dst = (g / (1 + exp(-g))) · u, with [exp32]. dst may be g.
	SiLUMul func(dst, g, u []float32)
	// Add sets dst = dst + x.
	Add func(dst, x []float32)
	// Max returns the greatest value of x (ignoring NaN; -Inf when empty). The
	// sign of a zero is free.
	Max func(x []float32) float32

	// StoreKV writes one token's key and value of one head into slot of a
	// block (see [KVFormat] for the layout); len(k) = len(v) = head size.
	StoreKV [NumKVFormats]func(block []byte, slot int, k, v []float32)
	// Attend folds one block of one KV head into the running softmax of the
	// queries in a, visible[i] being what query i sees of it. See [Attention].
	Attend [NumKVFormats]AttendFunc
}
