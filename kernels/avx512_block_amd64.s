//go:build amd64 && !noasm

#include "textflag.h"
#include "avx512_amd64.h"
#include "avx512_block_amd64.h"

// Block formats without minimums: Q4_0, Q5_0, Q8_0 and IQ4_NL.

// Nibbles of 18-byte blocks look up their values, with an offset of 128, in the
// table Z29, which repeats every 16 bytes. Z28 = shifts.
#define EXPAND_TABLE(P, D) \
	VBROADCASTI32X4 2(P), D; \
	VBROADCASTI32X4 20(P), K1, D; \
	VPSRLVQ Z28, D, D; \
	VPERMB Z29, D, D

#define CONSTS_Q4_0 \
	VMOVDQU64 ·nibbleShift(SB), Z28; \
	VBROADCASTI32X4 ·tableQ4_0(SB), Z29

#define CONSTS_IQ4_NL \
	VMOVDQU64 ·nibbleShift(SB), Z28; \
	VBROADCASTI32X4 ·tableIQ4(SB), Z29

// Z28 = shifts, Z29 = low nibble, Z30 = 0x70, Z31 = 16.
#define CONSTS_Q5_0 \
	VMOVDQU64 ·nibbleShift(SB), Z28; \
	VPBROADCASTD ·splat+0(SB), Z29; \
	VPBROADCASTD ·splat+4(SB), Z30; \
	VPBROADCASTD ·splat+8(SB), Z31

// The nibble takes 0x70 (that is 128-16), and 16 more if its high bit is set.
#define EXPAND_Q5_0(P, D) \
	VBROADCASTI32X4 6(P), D; \
	VBROADCASTI32X4 28(P), K1, D; \
	KMOVD 2(P), K2; \
	KMOVD 24(P), K3; \
	VPSRLVQ Z28, D, D; \
	KUNPCKDQ K2, K3, K2; \
	VPTERNLOGD $0xEA, Z30, Z29, D; \
	VPADDB Z31, D, K2, D

#define CONSTS_Q8_0 \
	VPBROADCASTD ·splat+12(SB), Z31

// The upper half comes from 4+32, the values of the second block.
#define EXPAND_Q8_0(P, D) \
	VPXORD 2(P), Z31, D; \
	VPXORD 4(P), Z31, K1, D

#define ROW_Q4_0(i, D, X) UNPACKROW(EXPAND_TABLE, 18, i, D)
#define ROW_Q5_0(i, D, X) UNPACKROW(EXPAND_Q5_0, 22, i, D)
#define ROW_Q8_0(i, D, X) UNPACKROW(EXPAND_Q8_0, 34, i, D)

// func unpackQ4_0AVX512(panel, w *byte, stride, pairs int)
TEXT ·unpackQ4_0AVX512(SB), NOSPLIT, $0-32
	UNPACK(CONSTS_Q4_0, ROW_Q4_0, 36)

// func unpackQ5_0AVX512(panel, w *byte, stride, pairs int)
TEXT ·unpackQ5_0AVX512(SB), NOSPLIT, $0-32
	UNPACK(CONSTS_Q5_0, ROW_Q5_0, 44)

// func unpackQ8_0AVX512(panel, w *byte, stride, pairs int)
TEXT ·unpackQ8_0AVX512(SB), NOSPLIT, $0-32
	UNPACK(CONSTS_Q8_0, ROW_Q8_0, 68)

// func unpackIQ4_NLAVX512(panel, w *byte, stride, pairs int)
TEXT ·unpackIQ4_NLAVX512(SB), NOSPLIT, $0-32
	UNPACK(CONSTS_IQ4_NL, ROW_Q4_0, 36)
