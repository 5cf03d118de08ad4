//go:build !noasm

#include "textflag.h"
#include "neon_arm64.h"
#include "decode_arm64.h"

// Q6_K times one column, four rows side by side. A super-block is two halves of
// 128 weights; a step takes sixteen bytes of a half's low nibbles, the sixteen
// 32 bytes on, and sixteen bytes of bit pairs, of all four rows (V16-V27, three
// vectors per row), which make one group of sixteen weights in each quarter of
// the half. The weights are unpacked as 0 to 63; 32 times the sum of scale and
// activations is taken off at the start.
//
//	V12 15 in every byte  V13 48 in every byte  V14 activations  V28 weights

#define LOAD_STEP(low, high) \
	FMOVQ low(R4), F16    \
	FMOVQ low+32(R4), F17 \
	FMOVQ high(R4), F18   \
	FMOVQ low(R5), F19    \
	FMOVQ low+32(R5), F20 \
	FMOVQ high(R5), F21   \
	FMOVQ low(R6), F22    \
	FMOVQ low+32(R6), F23 \
	FMOVQ high(R6), F24   \
	FMOVQ low(R7), F25    \
	FMOVQ low+32(R7), F26 \
	FMOVQ high(R7), F27

// V28 = the weights of a quarter, of low nibbles (two vectors) and bit pairs.
#define QUARTER_0(low0, low1, high) \
	VAND V12.B16, low0.B16, V28.B16 \
	VSHL $4, high.B16, V29.B16      \
	VBIT V13.B16, V29.B16, V28.B16
#define QUARTER_1(low0, low1, high) \
	VAND V12.B16, low1.B16, V28.B16 \
	VSHL $2, high.B16, V29.B16      \
	VBIT V13.B16, V29.B16, V28.B16
#define QUARTER_2(low0, low1, high) \
	VUSHR $4, low0.B16, V28.B16      \
	VBIT  V13.B16, high.B16, V28.B16
#define QUARTER_3(low0, low1, high) \
	VUSHR $4, low1.B16, V28.B16     \
	VUSHR $2, high.B16, V29.B16     \
	VBIT  V13.B16, V29.B16, V28.B16

// V4 += V7·(d·da), then on to the next super-block.
#define ACCUMULATE \
	MOVHU 208(R4), R11   \
	MOVHU 208(R5), R12   \
	MOVHU 208(R6), R13   \
	MOVHU 208(R7), R14   \
	HALVES               \
	FMOVS.P 4(R9), F23   \
	SCVTF(7, 7)          \
	FMUL_0(23, 22, 22)   \
	FMUL(22, 7, 7)       \
	FADD(7, 4, 4)        \
	ADD   $210, R4       \
	ADD   $210, R5       \
	ADD   $210, R6       \
	ADD   $210, R7       \
	PRFM  (R24), PLDL1KEEP \
	ADD   $72, R24       \
	ADD   $256, R8

// V31 = byte 0, 1, 2 or 3 of the words of V(words), with sign.
#define BYTE_0(words) \
	VSHL $24, words.S4, V31.S4 \
	SSHR_S(24, 31, 31)
#define BYTE_1(words) \
	VSHL $16, words.S4, V31.S4 \
	SSHR_S(24, 31, 31)
#define BYTE_2(words) \
	VSHL $8, words.S4, V31.S4  \
	SSHR_S(24, 31, 31)
#define BYTE_3(words) \
	VORR words.B16, words.B16, V31.B16 \
	SSHR_S(24, 31, 31)

// V7 += scale (byte BYTE of words) · the sums of a group; V5 or V6 holds the
// running sums before and after it.
#define GROUP_DOT(QUARTER, offset, words, BYTE, prev, cur) \
	FMOVQ offset(R8), F14         \
	QUARTER(V16, V17, V18)        \
	SDOT(14, 28, 0)               \
	QUARTER(V19, V20, V21)        \
	SDOT(14, 28, 1)               \
	QUARTER(V22, V23, V24)        \
	SDOT(14, 28, 2)               \
	QUARTER(V25, V26, V27)        \
	SDOT(14, 28, 3)               \
	BYTE(words)                   \
	VADDP V1.S4, V0.S4, V28.S4    \
	VADDP V3.S4, V2.S4, V29.S4    \
	VADDP V29.S4, V28.S4, cur.S4  \
	VSUB  prev.S4, cur.S4, V30.S4 \
	MLA_S(31, 30, 7)

// Groups 8h+s, 8h+2+s, 8h+4+s and 8h+6+s.
#define STEP_DOT(h, s, words0, words1, BYTE_EVEN, BYTE_ODD) \
	LOAD_STEP(64*h+16*s, 128+32*h+16*s)                               \
	GROUP_DOT(QUARTER_0, 128*h+16*s, words0, BYTE_EVEN, V5, V6)       \
	GROUP_DOT(QUARTER_1, 128*h+32+16*s, words0, BYTE_ODD, V6, V5)     \
	GROUP_DOT(QUARTER_2, 128*h+64+16*s, words1, BYTE_EVEN, V5, V6)    \
	GROUP_DOT(QUARTER_3, 128*h+96+16*s, words1, BYTE_ODD, V6, V5)

// func decodeQ6_KDotprod(y *float32, w *byte, rowBytes, groups, blocks int, q *int8, d *float32, sums *int16)
//
// sums has the activations' sums of 16 as splitSums16 leaves them. V8-V11 are
// the scales, four of each row to a vector.
TEXT ·decodeQ6_KDotprod(SB), NOSPLIT, $0-64
	ARGS
	VMOVI $15, V12.B16
	VMOVI $48, V13.B16

group:
	GROUP
	ZERO
	MOVD sums+56(FP), R15

block:
	FMOVQ 192(R4), F16
	FMOVQ 192(R5), F17
	FMOVQ 192(R6), F18
	FMOVQ 192(R7), F19
	VTRN1 V17.S4, V16.S4, V20.S4
	VTRN2 V17.S4, V16.S4, V21.S4
	VTRN1 V19.S4, V18.S4, V22.S4
	VTRN2 V19.S4, V18.S4, V23.S4
	VTRN1 V22.D2, V20.D2, V8.D2
	VTRN1 V23.D2, V21.D2, V9.D2
	VTRN2 V22.D2, V20.D2, V10.D2
	VTRN2 V23.D2, V21.D2, V11.D2

	FMOVQ (R15), F28
	FMOVQ 16(R15), F29
	ADD   $32, R15
	VMOVI $0, V7.B16
	VMOVI $0, V30.B16
	SDOT_0(28, 8, 7)
	SDOT_0(29, 8, 30)
	SDOT_1(28, 9, 7)
	SDOT_1(29, 9, 30)
	SDOT_2(28, 10, 7)
	SDOT_2(29, 10, 30)
	SDOT_3(28, 11, 7)
	SDOT_3(29, 11, 30)
	VSHL  $7, V30.S4, V30.S4
	VADD  V30.S4, V7.S4, V7.S4
	VSHL  $5, V7.S4, V7.S4
	NEG_S(7, 7)

	PREFETCH_192
	STEP_DOT(0, 0, V8, V9, BYTE_0, BYTE_2)
	PREFETCH_192
	STEP_DOT(0, 1, V8, V9, BYTE_1, BYTE_3)
	PREFETCH_192
	STEP_DOT(1, 0, V10, V11, BYTE_0, BYTE_2)
	PREFETCH_192
	STEP_DOT(1, 1, V10, V11, BYTE_1, BYTE_3)
	ACCUMULATE
	NEXT(group, block)

// Row's scales of a half into V(scale).8h, and V(acc) -= 32 times their product
// with the sums of 16 in V14.
#define SCALES(row, offset, f, scale, acc, v) \
	FMOVD offset(row), f       \
	SXTL_B(scale, scale)       \
	SMULL_H(14, scale, 28)     \
	SMLAL2_H(14, scale, 28)    \
	VSHL $5, V28.S4, V28.S4    \
	VSUB V28.S4, v.S4, v.S4

#define HALF_SCALES(h) \
	FMOVQ.P 16(R15), F14                    \
	SCALES(R4, 192+8*h, F8, 8, 5, V5)       \
	SCALES(R5, 192+8*h, F9, 9, 6, V6)       \
	SCALES(R6, 192+8*h, F10, 10, 7, V7)     \
	SCALES(R7, 192+8*h, F11, 11, 15, V15)

// Four products of an int6 and an int8 fit in int16: two in each lane, then rows
// 0, 0, 0, 0, 1, 1, 1, 1. Scale i of the half multiplies them into V5, V6, V7, V15.
#define GROUP_MUL(QUARTER, offset, i) \
	FMOVQ offset(R8), F14      \
	QUARTER(V16, V17, V18)     \
	SMULL_B(14, 28, 0)         \
	SMLAL2_B(14, 28, 0)        \
	QUARTER(V19, V20, V21)     \
	SMULL_B(14, 28, 1)         \
	SMLAL2_B(14, 28, 1)        \
	QUARTER(V22, V23, V24)     \
	SMULL_B(14, 28, 2)         \
	SMLAL2_B(14, 28, 2)        \
	QUARTER(V25, V26, V27)     \
	SMULL_B(14, 28, 3)         \
	SMLAL2_B(14, 28, 3)        \
	VADDP V1.H8, V0.H8, V30.H8 \
	VADDP V3.H8, V2.H8, V31.H8 \
	SMLAL_HI(i, 8, 30, 5)      \
	SMLAL2_HI(i, 9, 30, 6)     \
	SMLAL_HI(i, 10, 31, 7)     \
	SMLAL2_HI(i, 11, 31, 15)

#define STEP_MUL(h, s) \
	LOAD_STEP(64*h+16*s, 128+32*h+16*s)           \
	GROUP_MUL(QUARTER_0, 128*h+16*s, s)           \
	GROUP_MUL(QUARTER_1, 128*h+32+16*s, (2+s))    \
	GROUP_MUL(QUARTER_2, 128*h+64+16*s, (4+s))    \
	GROUP_MUL(QUARTER_3, 128*h+96+16*s, (6+s))

// func decodeQ6_KNeon(y *float32, w *byte, rowBytes, groups, blocks int, q *int8, d *float32, sums *int16)
//
// sums is the activations' sums of 16.
TEXT ·decodeQ6_KNeon(SB), NOSPLIT, $0-64
	ARGS
	VMOVI $15, V12.B16
	VMOVI $48, V13.B16

group:
	GROUP
	MOVD sums+56(FP), R15

block:
	VMOVI $0, V5.B16
	VMOVI $0, V6.B16
	VMOVI $0, V7.B16
	VMOVI $0, V15.B16
	HALF_SCALES(0)
	PREFETCH_192
	STEP_MUL(0, 0)
	PREFETCH_192
	STEP_MUL(0, 1)
	HALF_SCALES(1)
	PREFETCH_192
	STEP_MUL(1, 0)
	PREFETCH_192
	STEP_MUL(1, 1)
	VADDP V6.S4, V5.S4, V5.S4
	VADDP V15.S4, V7.S4, V7.S4
	VADDP V7.S4, V5.S4, V7.S4
	ACCUMULATE
	NEXT(group, block)
