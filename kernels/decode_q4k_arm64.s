//go:build !noasm

#include "textflag.h"
#include "neon_arm64.h"
#include "decode_arm64.h"

// Q4_K times one column, four rows side by side. A super-block starts with the
// sixteen bytes d, dmin, scales, which four TRNs and four more transpose, so
// that each word of the header is one vector of the four rows:
//
//	V12 d | dmin<<16   V8, V9 scales 0-3, 4-7   V10, V11 minimums 0-3, 4-7
//
// The 32 bytes of a pair of sub-blocks lie in V16-V23, two vectors per row, and
// the 64 activations in V24-V27. V13 is 15 in every byte, V14 255 in every word.

#define HEADER \
	FMOVQ (R4), F16                   \
	FMOVQ (R5), F17                   \
	FMOVQ (R6), F18                   \
	FMOVQ (R7), F19                   \
	VTRN1 V17.S4, V16.S4, V20.S4      \
	VTRN2 V17.S4, V16.S4, V21.S4      \
	VTRN1 V19.S4, V18.S4, V22.S4      \
	VTRN2 V19.S4, V18.S4, V23.S4      \
	VTRN1 V22.D2, V20.D2, V12.D2      \
	VTRN1 V23.D2, V21.D2, V8.D2       \
	VTRN2 V22.D2, V20.D2, V10.D2      \
	VTRN2 V23.D2, V21.D2, V9.D2       \
	VMOVI $63, V28.B16                \
	VUSHR $4, V9.B16, V11.B16         \
	VUSHR $6, V10.B16, V29.B16        \
	VUSHR $6, V8.B16, V30.B16         \
	VSLI  $4, V29.B16, V11.B16        \
	VSLI  $4, V30.B16, V9.B16         \
	VAND  V28.B16, V8.B16, V8.B16     \
	VAND  V28.B16, V10.B16, V10.B16

// V31 = byte 0, 1, 2 or 3 of the words of V(words).
#define BYTE_0(words) \
	VAND V14.B16, words.B16, V31.B16
#define BYTE_1(words) \
	VUSHR $8, words.S4, V31.S4       \
	VAND  V14.B16, V31.B16, V31.B16
#define BYTE_2(words) \
	VUSHR $16, words.S4, V31.S4      \
	VAND  V14.B16, V31.B16, V31.B16
#define BYTE_3(words) \
	VUSHR $24, words.S4, V31.S4

#define LOAD_PAIR(offset) \
	FMOVQ offset(R4), F16    \
	FMOVQ offset+16(R4), F17 \
	FMOVQ offset+0(R5), F18  \
	FMOVQ offset+16(R5), F19 \
	FMOVQ offset+0(R6), F20  \
	FMOVQ offset+16(R6), F21 \
	FMOVQ offset+0(R7), F22  \
	FMOVQ offset+16(R7), F23 \
	FMOVQ (R8), F24          \
	FMOVQ 16(R8), F25        \
	FMOVQ 32(R8), F26        \
	FMOVQ 48(R8), F27        \
	ADD   $64, R8

// V28, V29 = the low or the high nibbles of two vectors.
#define LOW(x, y) \
	VAND V13.B16, x.B16, V28.B16 \
	VAND V13.B16, y.B16, V29.B16
#define HIGH(x, y) \
	VUSHR $4, x.B16, V28.B16 \
	VUSHR $4, y.B16, V29.B16

// V4 += V7·(d·da) and V4 -= V15·(dmin·da), then on to the next super-block.
#define ACCUMULATE \
	FMOVS.P 4(R9), F23            \
	VUZP1 V12.H8, V12.H8, V28.H8  \
	VUZP2 V12.H8, V12.H8, V29.H8  \
	FCVTL(28, 28)                 \
	FCVTL(29, 29)                 \
	SCVTF(7, 7)                   \
	SCVTF(15, 15)                 \
	FMUL_0(23, 28, 28)            \
	FMUL_0(23, 29, 29)            \
	FMUL(28, 7, 7)                \
	FMUL(29, 15, 15)              \
	FADD(7, 4, 4)                 \
	FSUB(15, 4, 4)                \
	ADD   $144, R4                \
	ADD   $144, R5                \
	ADD   $144, R6                \
	ADD   $144, R7

#define DOT(acts0, acts1, acc) \
	SDOT(acts0, 28, acc) \
	SDOT(acts1, 29, acc)

// V7 += scale · (what a sub-block added to V0-V3), scale in V31. prev holds the
// sums before; cur gets those after.
#define SCALE(prev, cur) \
	VADDP V1.S4, V0.S4, V28.S4     \
	VADDP V3.S4, V2.S4, V29.S4     \
	VADDP V29.S4, V28.S4, cur.S4   \
	VSUB  prev.S4, cur.S4, V30.S4  \
	MLA_S(31, 30, 7)

// The sub-blocks 2p and 2p+1.
#define PAIR_DOT(offset, words, BYTE_EVEN, BYTE_ODD) \
	LOAD_PAIR(offset) \
	LOW(V16, V17)     \
	DOT(24, 25, 0)    \
	LOW(V18, V19)     \
	DOT(24, 25, 1)    \
	LOW(V20, V21)     \
	DOT(24, 25, 2)    \
	LOW(V22, V23)     \
	DOT(24, 25, 3)    \
	BYTE_EVEN(words)  \
	SCALE(V5, V6)     \
	HIGH(V16, V17)    \
	DOT(26, 27, 0)    \
	HIGH(V18, V19)    \
	DOT(26, 27, 1)    \
	HIGH(V20, V21)    \
	DOT(26, 27, 2)    \
	HIGH(V22, V23)    \
	DOT(26, 27, 3)    \
	BYTE_ODD(words)   \
	SCALE(V6, V5)

// func decodeQ4_KDotprod(y *float32, w *byte, rowBytes, groups, blocks int, q *int8, d *float32, sums *int16)
//
// sums has the activations' sums of 32 as splitSums32 leaves them. V15, the sum
// over the minimums, is two dot products of their bytes, V7 that over the scales.
TEXT ·decodeQ4_KDotprod(SB), NOSPLIT, $0-64
	ARGS
	VMOVI $15, V13.B16
	VMOVI $255, V14.B16
	VUSHR $24, V14.S4, V14.S4

group:
	GROUP
	ZERO
	MOVD sums+56(FP), R11

block:
	HEADER
	FMOVQ.P 16(R11), F31
	VMOVI   $0, V15.B16
	VMOVI   $0, V28.B16
	VMOVI   $0, V7.B16
	SDOT_0(31, 10, 15)
	SDOT_2(31, 10, 28)
	SDOT_1(31, 11, 15)
	SDOT_3(31, 11, 28)
	VSHL    $7, V28.S4, V28.S4
	VADD    V28.S4, V15.S4, V15.S4
	PREFETCH_192
	PAIR_DOT(16, V8, BYTE_0, BYTE_1)
	PREFETCH_192
	PAIR_DOT(48, V8, BYTE_2, BYTE_3)
	PREFETCH_192
	PAIR_DOT(80, V9, BYTE_0, BYTE_1)
	PAIR_DOT(112, V9, BYTE_2, BYTE_3)
	ACCUMULATE
	NEXT(group, block)

// The 32 products of a nibble and an int8 fit in int16: V(acc).8h has four in
// each lane.
#define MUL(acts0, acts1, acc) \
	SMULL_B(acts0, 28, acc)  \
	SMLAL2_B(acts0, 28, acc) \
	SMLAL_B(acts1, 29, acc)  \
	SMLAL2_B(acts1, 29, acc)

// V31's words become two equal halves.
#define TWICE VSLI $16, V31.S4, V31.S4

// (V7, V5) += scale · V0-V3: rows 0, 0, 1, 1 and 2, 2, 3, 3.
#define SCALE_MUL \
	TWICE                       \
	VADDP V1.H8, V0.H8, V28.H8  \
	VADDP V3.H8, V2.H8, V29.H8  \
	VADDP V29.H8, V28.H8, V28.H8 \
	SMLAL_H(31, 28, 7)          \
	SMLAL2_H(31, 28, 5)

// (V15, V6) += minimum · (the two sums of 16 in word i of V30).
#define MINIMUM(i) \
	TWICE                      \
	VDUP V30.S[i], V29.S4      \
	SMLAL_H(31, 29, 15)        \
	SMLAL2_H(31, 29, 6)

#define PAIR_MUL(offset, words, BYTE_EVEN, BYTE_ODD) \
	LOAD_PAIR(offset) \
	LOW(V16, V17)     \
	MUL(24, 25, 0)    \
	LOW(V18, V19)     \
	MUL(24, 25, 1)    \
	LOW(V20, V21)     \
	MUL(24, 25, 2)    \
	LOW(V22, V23)     \
	MUL(24, 25, 3)    \
	BYTE_EVEN(words)  \
	SCALE_MUL         \
	HIGH(V16, V17)    \
	MUL(26, 27, 0)    \
	HIGH(V18, V19)    \
	MUL(26, 27, 1)    \
	HIGH(V20, V21)    \
	MUL(26, 27, 2)    \
	HIGH(V22, V23)    \
	MUL(26, 27, 3)    \
	BYTE_ODD(words)   \
	SCALE_MUL

// func decodeQ4_KNeon(y *float32, w *byte, rowBytes, groups, blocks int, q *int8, d *float32, sums *int16)
//
// sums is the activations' sums of 16.
TEXT ·decodeQ4_KNeon(SB), NOSPLIT, $0-64
	ARGS
	VMOVI $15, V13.B16
	VMOVI $255, V14.B16
	VUSHR $24, V14.S4, V14.S4

group:
	GROUP
	MOVD sums+56(FP), R11

block:
	HEADER
	VMOVI   $0, V5.B16
	VMOVI   $0, V6.B16
	VMOVI   $0, V7.B16
	VMOVI   $0, V15.B16
	FMOVQ.P 16(R11), F30
	BYTE_0(V10)
	MINIMUM(0)
	BYTE_1(V10)
	MINIMUM(1)
	BYTE_2(V10)
	MINIMUM(2)
	BYTE_3(V10)
	MINIMUM(3)
	FMOVQ.P 16(R11), F30
	BYTE_0(V11)
	MINIMUM(0)
	BYTE_1(V11)
	MINIMUM(1)
	BYTE_2(V11)
	MINIMUM(2)
	BYTE_3(V11)
	MINIMUM(3)
	PREFETCH_192
	PAIR_MUL(16, V8, BYTE_0, BYTE_1)
	PREFETCH_192
	PAIR_MUL(48, V8, BYTE_2, BYTE_3)
	PREFETCH_192
	PAIR_MUL(80, V9, BYTE_0, BYTE_1)
	PAIR_MUL(112, V9, BYTE_2, BYTE_3)
	VADDP   V5.S4, V7.S4, V7.S4
	VADDP   V6.S4, V15.S4, V15.S4
	ACCUMULATE
	NEXT(group, block)
