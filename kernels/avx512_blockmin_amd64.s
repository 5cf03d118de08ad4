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

// One block of the sixteen rows: the partial sums S times the scales at
// OFF(R10), and the sum of the activations (-bias/128) times the minimums, into
// the accumulator Z16.
#define ADDBLOCK(S, OFF, BIAS) \
	VPBROADCASTD BIAS(SI), Z0; \
	VCVTPH2PS OFF(R10), Z14; \
	VCVTPH2PS (OFF+64)(R10), Z15; \
	VPSRAD $7, Z0, Z0; \
	VCVTDQ2PS S, S; \
	VCVTDQ2PS Z0, Z0; \
	VMULPS.BCST BIAS(R12), Z14, Z14; \
	VMULPS.BCST BIAS(R12), Z15, Z15; \
	VMULPS Z14, S, S; \
	VMULPS Z15, Z0, Z0; \
	VADDPS S, Z16, Z16; \
	VSUBPS Z0, Z16, Z16

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

// func reduceMinBlocksAVX512(acc *float32, sums, scales *byte, blocks int, d *float32, bias *int32)
//
// As reduceBlocksAVX512, with minimums.
TEXT ·reduceMinBlocksAVX512(SB), NOSPLIT, $0-48
	MOVQ acc+0(FP), AX
	MOVQ sums+8(FP), DI
	MOVQ scales+16(FP), R10
	MOVQ blocks+24(FP), CX
	MOVQ d+32(FP), R12
	MOVQ bias+40(FP), SI
	VMOVUPS (AX), Z16

pair:
	SUMROWS(DI, Z12, Z13)
	ADDBLOCK(Z12, 0, 0)
	DECQ CX
	JZ   done
	ADDBLOCK(Z13, 32, 4)
	ADDQ $1024, DI
	ADDQ $128, R10
	ADDQ $8, R12
	ADDQ $8, SI
	DECQ CX
	JNZ  pair

done:
	VMOVUPS Z16, (AX)
	VZEROUPPER
	RET
