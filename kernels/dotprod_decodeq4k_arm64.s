//go:build !noasm

#include "textflag.h"
#include "neon_arm64.h"
#include "decode_arm64.h"
#include "decodeq4k_arm64.h"

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
