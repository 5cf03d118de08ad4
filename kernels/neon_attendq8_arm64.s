//go:build !noasm

#include "textflag.h"
#include "neon_arm64.h"
#include "attendq8_arm64.h"

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
