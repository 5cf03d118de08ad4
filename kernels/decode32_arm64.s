//go:build !noasm

#include "textflag.h"
#include "neon_arm64.h"
#include "decode_arm64.h"

// Q8_0 and Q5_0 times one column, four rows side by side: block by block, each
// row's dot product is left in four lanes, three ADDPs bring the four rows into
// the lanes of one vector, and conversion and scales are done once for all four.
//
// The SDOT accumulators V0-V3 run on from block to block; a block's sum is what
// its addition changed (V5 has the sums before), which is exact modulo 2^32 and
// saves four zeroings. Without SDOT the products of int8 are added in int16 as
// far as they fit and V0-V3 are set anew in each block.
//
// V20, V21 hold the activations.

// V6 = the sums of V0, V1, V2, V3.
#define REDUCE \
	VADDP V1.S4, V0.S4, V6.S4 \
	VADDP V3.S4, V2.S4, V7.S4 \
	VADDP V7.S4, V6.S4, V6.S4

// V6 = the sums since the last block.
#define REDUCE_RUNNING \
	VADDP V1.S4, V0.S4, V6.S4 \
	VADDP V3.S4, V2.S4, V7.S4 \
	VADDP V7.S4, V6.S4, V7.S4 \
	VSUB  V5.S4, V7.S4, V6.S4 \
	VORR  V7.B16, V7.B16, V5.B16

// V4 += V6·(d·da), the rows' d being the halves in R11-R14.
#define ACCUMULATE \
	HALVES                \
	FMOVS.P 4(R9), F23    \
	SCVTF(6, 6)           \
	FMUL_0(23, 22, 22)    \
	FMUL(22, 6, 6)        \
	FADD(6, 4, 4)

// One row's block of Q8_0 into V(acc).
#define Q8_0_DOT(row, h, acc) \
	MOVHU (row), h     \
	FMOVQ 2(row), F16  \
	FMOVQ 18(row), F17 \
	ADD   $34, row     \
	SDOT(20, 16, acc)  \
	SDOT(21, 17, acc)

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

// func decodeQ8_0Dotprod(y *float32, w *byte, rowBytes, groups, blocks int, q *int8, d *float32, sums *int16)
TEXT ·decodeQ8_0Dotprod(SB), NOSPLIT, $0-64
	ARGS

group:
	GROUP
	ZERO

block:
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

// func decodeQ8_0Neon(y *float32, w *byte, rowBytes, groups, blocks int, q *int8, d *float32, sums *int16)
TEXT ·decodeQ8_0Neon(SB), NOSPLIT, $0-64
	ARGS

group:
	GROUP

block:
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

// Q5_0 unpacks to V18, V19 = nibble | (fifth bit set ? 0 : 0xf0), which as int8
// is the weight less 16. R20 has the table fifthBits, a byte of 0xff or 0 for
// each bit of a byte; SLI and SRI take the upper halves of these.
#define Q5_0_UNPACK(row, h) \
	MOVHU (row), h              \
	MOVWU 2(row), R15           \
	FMOVQ 6(row), F16           \
	ADD   $22, row              \
	UBFX  $0, R15, $8, R16      \
	UBFX  $8, R15, $8, R17      \
	UBFX  $16, R15, $8, R21     \
	LSR   $24, R15, R22         \
	ADD   R17<<3, R20, R17      \
	ADD   R22<<3, R20, R22      \
	FMOVD (R20)(R16<<3), F18    \
	FMOVD (R20)(R21<<3), F19    \
	VLD1  (R17), V18.D[1]       \
	VLD1  (R22), V19.D[1]       \
	VSRI  $4, V16.B16, V19.B16  \
	VSLI  $4, V18.B16, V16.B16

#define Q5_0_DOT(row, h, acc) \
	Q5_0_UNPACK(row, h) \
	SDOT(20, 16, acc)   \
	SDOT(21, 19, acc)

// Sixteen products of an int5 and an int8 fit in int16: V(acc).8h has four in
// each lane.
#define Q5_0_MUL(row, h, acc) \
	Q5_0_UNPACK(row, h)   \
	SMULL_B(20, 16, acc)  \
	SMLAL2_B(20, 16, acc) \
	SMLAL_B(21, 19, acc)  \
	SMLAL2_B(21, 19, acc)

// func decodeQ5_0Dotprod(y *float32, w *byte, rowBytes, groups, blocks int, q *int8, d *float32, sums *int16)
TEXT ·decodeQ5_0Dotprod(SB), NOSPLIT, $0-64
	ARGS
	MOVD $·fifthBits(SB), R20

group:
	GROUP
	ZERO

block:
	FMOVQ (R8), F20
	FMOVQ 16(R8), F21
	ADD   $32, R8
	Q5_0_DOT(R4, R11, 0)
	Q5_0_DOT(R5, R12, 1)
	Q5_0_DOT(R6, R13, 2)
	Q5_0_DOT(R7, R14, 3)
	REDUCE_RUNNING
	ACCUMULATE
	NEXT(group, block)

// func decodeQ5_0Neon(y *float32, w *byte, rowBytes, groups, blocks int, q *int8, d *float32, sums *int16)
TEXT ·decodeQ5_0Neon(SB), NOSPLIT, $0-64
	ARGS
	MOVD $·fifthBits(SB), R20

group:
	GROUP

block:
	FMOVQ (R8), F20
	FMOVQ 16(R8), F21
	ADD   $32, R8
	Q5_0_MUL(R4, R11, 0)
	Q5_0_MUL(R5, R12, 1)
	Q5_0_MUL(R6, R13, 2)
	Q5_0_MUL(R7, R14, 3)
	VADDP V1.H8, V0.H8, V6.H8
	VADDP V3.H8, V2.H8, V7.H8
	VADDP V7.H8, V6.H8, V6.H8
	SADDLP_H(6, 6)
	ACCUMULATE
	NEXT(group, block)
