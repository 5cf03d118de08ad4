//go:build !noasm

#include "textflag.h"
#include "neon_arm64.h"
#include "decode_arm64.h"
#include "decode32_arm64.h"

// V6 = the sums since the last block.
#define REDUCE_RUNNING \
	VADDP V1.S4, V0.S4, V6.S4 \
	VADDP V3.S4, V2.S4, V7.S4 \
	VADDP V7.S4, V6.S4, V7.S4 \
	VSUB  V5.S4, V7.S4, V6.S4 \
	VORR  V7.B16, V7.B16, V5.B16

// One row's block of Q8_0 into V(acc).
#define Q8_0_DOT(row, h, acc) \
	MOVHU (row), h     \
	FMOVQ 2(row), F16  \
	FMOVQ 18(row), F17 \
	ADD   $34, row     \
	SDOT(20, 16, acc)  \
	SDOT(21, 17, acc)

// func decodeQ8_0Dotprod(y *float32, w *byte, rowBytes, groups, blocks int, q *int8, d *float32, sums *int16)
TEXT ·decodeQ8_0Dotprod(SB), NOSPLIT, $0-64
	ARGS

group:
	GROUP
	ZERO

block:
	Q8_0_PREFETCH
	FMOVQ (R8), F20
	FMOVQ 16(R8), F21
	ADD   $32, R8
	Q8_0_DOT(R4, R11, 0)
	Q8_0_DOT(R5, R12, 1)
	Q8_0_DOT(R6, R13, 2)
	Q8_0_DOT(R7, R14, 3)
	REDUCE_RUNNING
	ACCUMULATE
	NEXT(group, block)

#define Q5_0_DOT(nib, low, high, n, h, acc) \
	Q5_0_UNPACK(nib, low, high) \
	SDOT(20, n, acc) \
	SDOT(21, h, acc)

#define Q5_0_DOT_0 Q5_0_DOT(V8, V12, V16, 8, 16, 0)
#define Q5_0_DOT_1 Q5_0_DOT(V9, V13, V17, 9, 17, 1)
#define Q5_0_DOT_2 Q5_0_DOT(V10, V14, V18, 10, 18, 2)
#define Q5_0_DOT_3 Q5_0_DOT(V11, V15, V19, 11, 19, 3)

// func decodeQ5_0Dotprod(y *float32, w *byte, rowBytes, groups, blocks int, q *int8, d *float32, sums *int16)
TEXT ·decodeQ5_0Dotprod(SB), NOSPLIT, $0-64
	ARGS
	MOVD $·fifthBits(SB), R20

group:
	GROUP
	ZERO
	Q5_0_ROWS(group, block, last, Q5_0_DOT_0, Q5_0_DOT_1, Q5_0_DOT_2, Q5_0_DOT_3, REDUCE_RUNNING)
