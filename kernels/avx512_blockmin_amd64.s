//go:build amd64 && !noasm

#include "textflag.h"
#include "avx512_amd64.h"
#include "avx512_block_amd64.h"

// Block formats with minimums: Q4_1 and Q5_1. Their weights are unsigned as they
// are; the minimums multiply the sums of the activations.

// Z28 = shifts, Z29 = low nibble, Z31 = 16.
#define CONSTS_MIN \
	VMOVDQU64 ·nibbleShift(SB), Z28; \
	VPBROADCASTD ·splat+0(SB), Z29; \
	VPBROADCASTD ·splat+8(SB), Z31

#define EXPAND_Q4_1(P, D) \
	VBROADCASTI32X4 4(P), D; \
	VBROADCASTI32X4 24(P), K1, D; \
	VPSRLVQ Z28, D, D; \
	VPANDD Z29, D, D

#define EXPAND_Q5_1(P, D) \
	VBROADCASTI32X4 8(P), D; \
	VBROADCASTI32X4 32(P), K1, D; \
	KMOVD 4(P), K2; \
	KMOVD 28(P), K3; \
	VPSRLVQ Z28, D, D; \
	KUNPCKDQ K2, K3, K2; \
	VPANDD Z29, D, D; \
	VPADDB Z31, D, K2, D

#define ROW_Q4_1(i, D, X) UNPACKMINROW(EXPAND_Q4_1, 20, i, D)
#define ROW_Q5_1(i, D, X) UNPACKMINROW(EXPAND_Q5_1, 24, i, D)

// func unpackQ4_1AVX512(panel, w *byte, stride, pairs int)
TEXT ·unpackQ4_1AVX512(SB), NOSPLIT, $0-32
	UNPACK(CONSTS_MIN, ROW_Q4_1, 40)

// func unpackQ5_1AVX512(panel, w *byte, stride, pairs int)
TEXT ·unpackQ5_1AVX512(SB), NOSPLIT, $0-32
	UNPACK(CONSTS_MIN, ROW_Q5_1, 48)

// func dotsQ4_1AVX512(sums, scales, w *byte, stride, pairs int, q *int8)
TEXT ·dotsQ4_1AVX512(SB), NOSPLIT, $0-48
	DOTS1(CONSTS_MIN, EXPAND_Q4_1, 20, MINPAIR)

// func dotsQ5_1AVX512(sums, scales, w *byte, stride, pairs int, q *int8)
TEXT ·dotsQ5_1AVX512(SB), NOSPLIT, $0-48
	DOTS1(CONSTS_MIN, EXPAND_Q5_1, 24, MINPAIR)

// The minimums' products of row i in Z: Z30 = the sums of the activations.
#define MINPRODUCTS(i, Z, X) \
	VCVTPH2PS (8192+32*i)(R10), Z29; \
	VMULPS Z31, Z29, Z29; \
	VMULPS Z29, Z30, Z

// Adds the column of block i, in Z, to Z0, takes off that of its minimums, and
// stops behind the last of CX.
#define ADDMINCOLUMN(i, Z) \
	VADDPS Z, Z0, Z0; \
	VSUBPS (64*i)(R11), Z0, Z0; \
	CMPQ CX, $(i+1); \
	JEQ done

// func sumMinBlocksAVX512(acc *float32, sums, scales *byte, blocks int, d *float32, bias *int32, mins *byte)
//
// As sumBlocksAVX512, with minimums, whose products go through the 1 KiB at mins.
TEXT ·sumMinBlocksAVX512(SB), NOSPLIT, $0-56
	SUM_ARGS
	MOVQ mins+48(FP), R11

group:
	GROUPMASK
	VMOVUPS.Z   (R12), K4, Z31
	VMOVDQU32.Z (SI), K4, Z30
	VPSRAD $7, Z30, Z30
	VCVTDQ2PS Z30, Z30
	ROWS16(MINPRODUCTS)
	TRANSPOSE16
	STORE8(R11, Z16, Z17, Z18, Z19, Z20, Z21, Z22, Z23)
	ADDQ $512, R11
	STORE8(R11, Z24, Z25, Z26, Z27, Z28, Z29, Z30, Z31)
	SUBQ $512, R11
	VMOVUPS.Z (R12), K4, Z31
	VPXORQ Z30, Z30, Z30
	ROWS16(PRODUCTS)
	TRANSPOSE16
	VMOVUPS (AX), Z0
	ADDMINCOLUMN(0, Z16)
	ADDMINCOLUMN(1, Z17)
	ADDMINCOLUMN(2, Z18)
	ADDMINCOLUMN(3, Z19)
	ADDMINCOLUMN(4, Z20)
	ADDMINCOLUMN(5, Z21)
	ADDMINCOLUMN(6, Z22)
	ADDMINCOLUMN(7, Z23)
	ADDMINCOLUMN(8, Z24)
	ADDMINCOLUMN(9, Z25)
	ADDMINCOLUMN(10, Z26)
	ADDMINCOLUMN(11, Z27)
	ADDMINCOLUMN(12, Z28)
	ADDMINCOLUMN(13, Z29)
	ADDMINCOLUMN(14, Z30)
	ADDMINCOLUMN(15, Z31)
	VMOVUPS Z0, (AX)
	ADDQ $1024, DI
	ADDQ $512, R10
	ADDQ $64, R12
	ADDQ $64, SI
	SUBQ $16, CX
	JMP  group

done:
	VMOVUPS Z0, (AX)
	VZEROUPPER
	RET
