//go:build !noasm

#include "textflag.h"
#include "neon_arm64.h"

// Scores of one query and a tile of sixteen positions whose keys are int8,
// [n/4][16][4]: a vector has four elements of four positions.
//
//	R0 s  R1 q  R2 dq  R3 keys  R4 their scales [n/32][16]  R5 elements left
//	V0-V3 integer sums  V8-V11 scores  V20, V21 the query's block

#define SCORES_ARGS \
	MOVD s+0(FP), R0   \
	MOVD q+8(FP), R1   \
	MOVD dq+16(FP), R2 \
	MOVD k+24(FP), R3  \
	MOVD dk+32(FP), R4 \
	MOVD n+40(FP), R5  \
	VMOVI $0, V8.B16   \
	VMOVI $0, V9.B16   \
	VMOVI $0, V10.B16  \
	VMOVI $0, V11.B16

#define BLOCK \
	FMOVQ.P 16(R1), F20 \
	FMOVQ.P 16(R1), F21 \
	VMOVI $0, V0.B16    \
	VMOVI $0, V1.B16    \
	VMOVI $0, V2.B16    \
	VMOVI $0, V3.B16

#define KEYS VLD1.P 64(R3), [V16.B16, V17.B16, V18.B16, V19.B16]

#define END_BLOCK(block) \
	FMOVS.P 4(R2), F22  \
	VLD1.P  64(R4), [V16.S4, V17.S4, V18.S4, V19.S4] \
	FMUL_0(22, 16, 16)  \
	FMUL_0(22, 17, 17)  \
	FMUL_0(22, 18, 18)  \
	FMUL_0(22, 19, 19)  \
	SCVTF(0, 0)         \
	SCVTF(1, 1)         \
	SCVTF(2, 2)         \
	SCVTF(3, 3)         \
	FMUL(16, 0, 0)      \
	FMUL(17, 1, 1)      \
	FMUL(18, 2, 2)      \
	FMUL(19, 3, 3)      \
	FADD(0, 8, 8)       \
	FADD(1, 9, 9)       \
	FADD(2, 10, 10)     \
	FADD(3, 11, 11)     \
	SUB  $32, R5        \
	CBNZ R5, block      \
	VST1 [V8.S4, V9.S4, V10.S4, V11.S4], (R0) \
	RET

#define DOT4(SDOT_I, q) \
	KEYS              \
	SDOT_I(q, 16, 0)  \
	SDOT_I(q, 17, 1)  \
	SDOT_I(q, 18, 2)  \
	SDOT_I(q, 19, 3)

// func scoresQ8Dotprod(s *float32, q *int8, dq *float32, k *byte, dk *float32, n int)
TEXT ·scoresQ8Dotprod(SB), NOSPLIT, $0-48
	SCORES_ARGS

block:
	BLOCK
	DOT4(SDOT_0, 20)
	DOT4(SDOT_1, 20)
	DOT4(SDOT_2, 20)
	DOT4(SDOT_3, 20)
	DOT4(SDOT_0, 21)
	DOT4(SDOT_1, 21)
	DOT4(SDOT_2, 21)
	DOT4(SDOT_3, 21)
	END_BLOCK(block)

// Two products of int8 fit in int16, so that one ADDP comes before the widening.
#define MUL1(keys, acc) \
	SMULL_B(24, keys, 25)        \
	SMULL2_B(24, keys, 26)       \
	VADDP V26.H8, V25.H8, V25.H8 \
	SADALP_H(25, acc)

#define MUL4(i, q) \
	KEYS               \
	VDUP q.S[i], V24.S4 \
	MUL1(16, 0)        \
	MUL1(17, 1)        \
	MUL1(18, 2)        \
	MUL1(19, 3)

// func scoresQ8Neon(s *float32, q *int8, dq *float32, k *byte, dk *float32, n int)
TEXT ·scoresQ8Neon(SB), NOSPLIT, $0-48
	SCORES_ARGS

block:
	BLOCK
	MUL4(0, V20)
	MUL4(1, V20)
	MUL4(2, V20)
	MUL4(3, V20)
	MUL4(0, V21)
	MUL4(1, V21)
	MUL4(2, V21)
	MUL4(3, V21)
	END_BLOCK(block)

// func mulNeon(dst, x, y *float32, n int)
//
// dst = x·y, n a multiple of sixteen.
TEXT ·mulNeon(SB), NOSPLIT, $0-32
	MOVD dst+0(FP), R0
	MOVD x+8(FP), R1
	MOVD y+16(FP), R2
	MOVD n+24(FP), R3

loop:
	VLD1.P 64(R1), [V0.S4, V1.S4, V2.S4, V3.S4]
	VLD1.P 64(R2), [V4.S4, V5.S4, V6.S4, V7.S4]
	FMUL(4, 0, 0)
	FMUL(5, 1, 1)
	FMUL(6, 2, 2)
	FMUL(7, 3, 3)
	VST1.P [V0.S4, V1.S4, V2.S4, V3.S4], 64(R0)
	SUB  $16, R3
	CBNZ R3, loop
	RET
