//go:build !noasm

#include "textflag.h"
#include "neon_arm64.h"
#include "decode_arm64.h"
#include "decodeq6k_arm64.h"

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
