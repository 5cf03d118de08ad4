//go:build !noasm

#include "textflag.h"
#include "neon_arm64.h"
#include "decode_arm64.h"
#include "decodeq4k_arm64.h"

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
