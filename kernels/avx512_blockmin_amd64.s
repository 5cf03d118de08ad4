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
