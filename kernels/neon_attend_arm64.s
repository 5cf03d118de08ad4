//go:build !noasm

#include "textflag.h"
#include "neon_arm64.h"
#include "neon_exp_arm64.h"

// Attention over one block of the KV cache. The order of the sums is that of
// Attention: lanes are positions for the scores, elements for the values.

// func convertF16Neon(dst *float32, src *byte, n int)
//
// n is a multiple of sixteen.
TEXT ·convertF16Neon(SB), NOSPLIT, $0-24
	MOVD dst+0(FP), R0
	MOVD src+8(FP), R1
	MOVD n+16(FP), R2

loop:
	FMOVQ (R1), F4
	FMOVQ 16(R1), F5
	ADD   $32, R1
	FCVTL(4, 0)
	FCVTL2(4, 1)
	FCVTL(5, 2)
	FCVTL2(5, 3)
	VST1.P [V0.S4, V1.S4, V2.S4, V3.S4], 64(R0)
	SUB  $16, R2
	CBNZ R2, loop
	RET

// func convertI8Neon(dst *float32, src *byte, n int)
//
// n is a multiple of sixteen.
TEXT ·convertI8Neon(SB), NOSPLIT, $0-24
	MOVD dst+0(FP), R0
	MOVD src+8(FP), R1
	MOVD n+16(FP), R2

loop:
	FMOVQ.P 16(R1), F4
	SXTL2_B(4, 5)
	SXTL_B(4, 4)
	SXTL_H(4, 0)
	SXTL2_H(4, 1)
	SXTL_H(5, 2)
	SXTL2_H(5, 3)
	SCVTF(0, 0)
	SCVTF(1, 1)
	SCVTF(2, 2)
	SCVTF(3, 3)
	VST1.P [V0.S4, V1.S4, V2.S4, V3.S4], 64(R0)
	SUB  $16, R2
	CBNZ R2, loop
	RET

// V(acc)... += element i of the query in V(q) times the keys of sixteen positions.
#define SCORE(i, q, a, b, c, d) \
	FMLA_I(i, q, 16, a) \
	FMLA_I(i, q, 17, b) \
	FMLA_I(i, q, 18, c) \
	FMLA_I(i, q, 19, d)

#define SCORES4(i) \
	VLD1.P 64(R2), [V16.S4, V17.S4, V18.S4, V19.S4] \
	SCORE(i, 20, 0, 1, 2, 3)   \
	SCORE(i, 21, 4, 5, 6, 7)   \
	SCORE(i, 22, 8, 9, 10, 11) \
	SCORE(i, 23, 12, 13, 14, 15)

// func scores4Neon(s, q, k *float32, n int)
//
// Four queries of n elements, a tile of keys [n][16]; s is [4][32], of which the
// first sixteen of each are set.
TEXT ·scores4Neon(SB), NOSPLIT, $0-32
	MOVD s+0(FP), R0
	MOVD q+8(FP), R3
	MOVD k+16(FP), R2
	MOVD n+24(FP), R7
	ADD  R7<<2, R3, R4
	ADD  R7<<2, R4, R5
	ADD  R7<<2, R5, R6
	VMOVI $0, V0.B16
	VMOVI $0, V1.B16
	VMOVI $0, V2.B16
	VMOVI $0, V3.B16
	VMOVI $0, V4.B16
	VMOVI $0, V5.B16
	VMOVI $0, V6.B16
	VMOVI $0, V7.B16
	VMOVI $0, V8.B16
	VMOVI $0, V9.B16
	VMOVI $0, V10.B16
	VMOVI $0, V11.B16
	VMOVI $0, V12.B16
	VMOVI $0, V13.B16
	VMOVI $0, V14.B16
	VMOVI $0, V15.B16

loop:
	FMOVQ.P 16(R3), F20
	FMOVQ.P 16(R4), F21
	FMOVQ.P 16(R5), F22
	FMOVQ.P 16(R6), F23
	SCORES4(0)
	SCORES4(1)
	SCORES4(2)
	SCORES4(3)
	SUB    $4, R7
	CBNZ   R7, loop
	VST1   [V0.S4, V1.S4, V2.S4, V3.S4], (R0)
	ADD    $128, R0
	VST1   [V4.S4, V5.S4, V6.S4, V7.S4], (R0)
	ADD    $128, R0
	VST1   [V8.S4, V9.S4, V10.S4, V11.S4], (R0)
	ADD    $128, R0
	VST1   [V12.S4, V13.S4, V14.S4, V15.S4], (R0)
	RET

#define SCORES1(i) \
	VLD1.P 64(R2), [V16.S4, V17.S4, V18.S4, V19.S4] \
	SCORE(i, 20, 0, 1, 2, 3) \
	VLD1.P 64(R4), [V16.S4, V17.S4, V18.S4, V19.S4] \
	SCORE(i, 20, 4, 5, 6, 7)

// func scores1Neon(s, q, k *float32, n int)
//
// One query, two tiles of keys; s is [32].
TEXT ·scores1Neon(SB), NOSPLIT, $0-32
	MOVD s+0(FP), R0
	MOVD q+8(FP), R3
	MOVD k+16(FP), R2
	MOVD n+24(FP), R7
	ADD  R7<<6, R2, R4
	VMOVI $0, V0.B16
	VMOVI $0, V1.B16
	VMOVI $0, V2.B16
	VMOVI $0, V3.B16
	VMOVI $0, V4.B16
	VMOVI $0, V5.B16
	VMOVI $0, V6.B16
	VMOVI $0, V7.B16

loop:
	FMOVQ.P 16(R3), F20
	SCORES1(0)
	SCORES1(1)
	SCORES1(2)
	SCORES1(3)
	SUB  $4, R7
	CBNZ R7, loop
	VST1.P [V0.S4, V1.S4, V2.S4, V3.S4], 64(R0)
	VST1 [V4.S4, V5.S4, V6.S4, V7.S4], (R0)
	RET

// func softmaxNeon(s, m, l, acc *float32, head int)
//
// The scores s [32], -Inf where nothing is visible, become weights; m, l and the
// output acc [head] go over to the new maximum. V0-V7 hold the scores, V13 the
// maximum, V14 the factor.
TEXT ·softmaxNeon(SB), NOSPLIT, $0-40
	MOVD s+0(FP), R0
	MOVD m+8(FP), R1
	MOVD l+16(FP), R2
	MOVD acc+24(FP), R3
	MOVD head+32(FP), R4
	EXP_CONSTANTS
	VLD1.P 64(R0), [V0.S4, V1.S4, V2.S4, V3.S4]
	VLD1   (R0), [V4.S4, V5.S4, V6.S4, V7.S4]
	SUB    $64, R0
	FMOVS  (R1), F14
	VDUP   V14.S[0], V14.S4
	FMAX(1, 0, 8)
	FMAX(3, 2, 9)
	FMAX(5, 4, 10)
	FMAX(7, 6, 11)
	FMAX(9, 8, 8)
	FMAX(11, 10, 10)
	FMAX(10, 8, 8)
	FMAX(14, 8, 8)
	FMAXV(8, 13)
	VDUP   V13.S[0], V13.S4
	FMOVS  F13, (R1)
	FSUB(13, 14, 14)
	FSUB(13, 0, 0)
	FSUB(13, 1, 1)
	FSUB(13, 2, 2)
	FSUB(13, 3, 3)
	FSUB(13, 4, 4)
	FSUB(13, 5, 5)
	FSUB(13, 6, 6)
	FSUB(13, 7, 7)
	EXP(V14, 14, V8, 8, V9, 9, V10, 10, V11, 11)
	EXP(V0, 0, V8, 8, V9, 9, V10, 10, V11, 11)
	EXP(V1, 1, V8, 8, V9, 9, V10, 10, V11, 11)
	EXP(V2, 2, V8, 8, V9, 9, V10, 10, V11, 11)
	EXP(V3, 3, V8, 8, V9, 9, V10, 10, V11, 11)
	EXP(V4, 4, V8, 8, V9, 9, V10, 10, V11, 11)
	EXP(V5, 5, V8, 8, V9, 9, V10, 10, V11, 11)
	EXP(V6, 6, V8, 8, V9, 9, V10, 10, V11, 11)
	EXP(V7, 7, V8, 8, V9, 9, V10, 10, V11, 11)
	VST1.P [V0.S4, V1.S4, V2.S4, V3.S4], 64(R0)
	VST1   [V4.S4, V5.S4, V6.S4, V7.S4], (R0)
	FADD(4, 0, 0)
	FADD(5, 1, 1)
	FADD(6, 2, 2)
	FADD(7, 3, 3)
	SUM_LANES(V0, 0, 1, 2, 3, V8, 8)
	FMOVS  (R2), F15
	VFMLA  V14.S4, V15.S4, V0.S4
	FMOVS  F0, (R2)

scale:
	VLD1   (R3), [V0.S4, V1.S4, V2.S4, V3.S4]
	FMUL_0(14, 0, 0)
	FMUL_0(14, 1, 1)
	FMUL_0(14, 2, 2)
	FMUL_0(14, 3, 3)
	VST1.P [V0.S4, V1.S4, V2.S4, V3.S4], 64(R3)
	SUB    $16, R4
	CBNZ   R4, scale
	RET

// V(acc)... += the weight in F(p) times sixteen elements of a value.
#define VALUE(p, a, b, c, d) \
	FMLA_I(0, p, 16, a) \
	FMLA_I(0, p, 17, b) \
	FMLA_I(0, p, 18, c) \
	FMLA_I(0, p, 19, d)

// func values4Neon(acc, p, v *float32, width, head, count int)
//
// For four queries with acc [4][head] and p [4][32]: acc += p[t]·v[t], t in
// [0, count), for the first width elements, a multiple of sixteen; v is
// [count][head]. Count is not 0.
TEXT ·values4Neon(SB), NOSPLIT, $0-48
	MOVD acc+0(FP), R0
	MOVD v+16(FP), R2
	MOVD width+24(FP), R3
	MOVD head+32(FP), R4
	LSL  $2, R4

slab:
	MOVD R0, R5
	VLD1 (R5), [V0.S4, V1.S4, V2.S4, V3.S4]
	ADD  R4, R5
	VLD1 (R5), [V4.S4, V5.S4, V6.S4, V7.S4]
	ADD  R4, R5
	VLD1 (R5), [V8.S4, V9.S4, V10.S4, V11.S4]
	ADD  R4, R5
	VLD1 (R5), [V12.S4, V13.S4, V14.S4, V15.S4]
	MOVD p+8(FP), R1
	MOVD count+40(FP), R6
	MOVD R2, R7

position:
	VLD1    (R7), [V16.S4, V17.S4, V18.S4, V19.S4]
	ADD     R4, R7
	FMOVS   128(R1), F21
	FMOVS   256(R1), F22
	FMOVS   384(R1), F23
	FMOVS.P 4(R1), F20
	VALUE(20, 0, 1, 2, 3)
	VALUE(21, 4, 5, 6, 7)
	VALUE(22, 8, 9, 10, 11)
	VALUE(23, 12, 13, 14, 15)
	SUB  $1, R6
	CBNZ R6, position

	VST1 [V12.S4, V13.S4, V14.S4, V15.S4], (R5)
	SUB  R4, R5
	VST1 [V8.S4, V9.S4, V10.S4, V11.S4], (R5)
	SUB  R4, R5
	VST1 [V4.S4, V5.S4, V6.S4, V7.S4], (R5)
	VST1.P [V0.S4, V1.S4, V2.S4, V3.S4], 64(R0)
	ADD  $64, R2
	SUB  $16, R3
	CBNZ R3, slab
	RET

// func values1Neon(acc, p, v *float32, width, head, count int)
//
// values4Neon for one query; width is a multiple of 32.
TEXT ·values1Neon(SB), NOSPLIT, $0-48
	MOVD acc+0(FP), R0
	MOVD v+16(FP), R2
	MOVD width+24(FP), R3
	MOVD head+32(FP), R4
	LSL  $2, R4

slab:
	ADD  $64, R0, R5
	VLD1 (R0), [V0.S4, V1.S4, V2.S4, V3.S4]
	VLD1 (R5), [V4.S4, V5.S4, V6.S4, V7.S4]
	MOVD p+8(FP), R1
	MOVD count+40(FP), R6
	MOVD R2, R7

position:
	ADD     $64, R7, R8
	VLD1    (R7), [V16.S4, V17.S4, V18.S4, V19.S4]
	FMOVS.P 4(R1), F20
	VALUE(20, 0, 1, 2, 3)
	VLD1    (R8), [V16.S4, V17.S4, V18.S4, V19.S4]
	VALUE(20, 4, 5, 6, 7)
	ADD     R4, R7
	SUB     $1, R6
	CBNZ    R6, position

	VST1.P [V0.S4, V1.S4, V2.S4, V3.S4], 64(R0)
	VST1.P [V4.S4, V5.S4, V6.S4, V7.S4], 64(R0)
	ADD  $128, R2
	SUB  $32, R3
	CBNZ R3, slab
	RET

// func storeF16Neon(k16, v16 *byte, k, v *float32, n int)
//
// n elements, a multiple of four, of a key to every sixteenth half at k16, and of
// a value to v16.
TEXT ·storeF16Neon(SB), NOSPLIT, $0-40
	MOVD k16+0(FP), R0
	MOVD v16+8(FP), R1
	MOVD k+16(FP), R2
	MOVD v+24(FP), R3
	MOVD n+32(FP), R4
	MOVD $32, R5

loop:
	FMOVQ.P 16(R2), F0
	FMOVQ.P 16(R3), F1
	FCVTN(0, 0)
	FCVTN(1, 1)
	VST1.P V0.H[0], (R0)(R5)
	VST1.P V0.H[1], (R0)(R5)
	VST1.P V0.H[2], (R0)(R5)
	VST1.P V0.H[3], (R0)(R5)
	FMOVD.P F1, 8(R1)
	SUB  $4, R4
	CBNZ R4, loop
	RET
