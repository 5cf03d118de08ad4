//go:build !noasm

#include "textflag.h"
#include "neon_arm64.h"
#include "decode_arm64.h"
#include "decode32_arm64.h"

// V6 = the sums of V0, V1, V2, V3.
#define REDUCE \
	VADDP V1.S4, V0.S4, V6.S4 \
	VADDP V3.S4, V2.S4, V7.S4 \
	VADDP V7.S4, V6.S4, V6.S4

// Two products of int8 fit in int16.
#define Q8_0_MUL(row, h, acc) \
	MOVHU (row), h       \
	FMOVQ 2(row), F16    \
	FMOVQ 18(row), F17   \
	ADD   $34, row       \
	SMULL_B(20, 16, 18)  \
	SMULL_B(21, 17, 19)  \
	SMLAL2_B(20, 16, 18) \
	SMLAL2_B(21, 17, 19) \
	SADDLP_H(18, acc)    \
	SADALP_H(19, acc)

// func decodeQ8_0Neon(y *float32, w *byte, rowBytes, groups, blocks int, q *int8, d *float32, sums *int16)
TEXT ·decodeQ8_0Neon(SB), NOSPLIT, $0-64
	ARGS

group:
	GROUP

block:
	Q8_0_PREFETCH
	FMOVQ (R8), F20
	FMOVQ 16(R8), F21
	ADD   $32, R8
	Q8_0_MUL(R4, R11, 0)
	Q8_0_MUL(R5, R12, 1)
	Q8_0_MUL(R6, R13, 2)
	Q8_0_MUL(R7, R14, 3)
	REDUCE
	ACCUMULATE
	NEXT(group, block)

// Sixteen products of an int5 and an int8 fit in int16: V(acc).8h has four in
// each lane.
#define Q5_0_MUL(nib, low, high, n, h, acc) \
	Q5_0_UNPACK(nib, low, high) \
	SMULL_B(20, n, acc)  \
	SMLAL2_B(20, n, acc) \
	SMLAL_B(21, h, acc)  \
	SMLAL2_B(21, h, acc)

#define Q5_0_MUL_0 Q5_0_MUL(V8, V12, V16, 8, 16, 0)
#define Q5_0_MUL_1 Q5_0_MUL(V9, V13, V17, 9, 17, 1)
#define Q5_0_MUL_2 Q5_0_MUL(V10, V14, V18, 10, 18, 2)
#define Q5_0_MUL_3 Q5_0_MUL(V11, V15, V19, 11, 19, 3)

#define REDUCE_H \
	VADDP V1.H8, V0.H8, V6.H8 \
	VADDP V3.H8, V2.H8, V7.H8 \
	VADDP V7.H8, V6.H8, V6.H8 \
	SADDLP_H(6, 6)

// func decodeQ5_0Neon(y *float32, w *byte, rowBytes, groups, blocks int, q *int8, d *float32, sums *int16)
TEXT ·decodeQ5_0Neon(SB), NOSPLIT, $0-64
	ARGS
	MOVD $·fifthBits(SB), R20

group:
	GROUP
	Q5_0_ROWS(group, block, last, Q5_0_MUL_0, Q5_0_MUL_1, Q5_0_MUL_2, Q5_0_MUL_3, REDUCE_H)
