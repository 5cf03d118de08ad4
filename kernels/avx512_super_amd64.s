//go:build amd64 && !noasm

#include "textflag.h"
#include "avx512_amd64.h"
#include "avx512_super_amd64.h"

// Q4_K, Q5_K and Q6_K.

// Q4_K: 32 bytes of nibbles are a quarter. Z18 = shifts, Z19 = low nibble.
#define CONSTS_Q4_K \
	VMOVDQU64 ·halfShift(SB), Z18; \
	VPBROADCASTD ·splat+0(SB), Z19

#define NIBBLES(ADDR, D) \
	VBROADCASTI64X4 ADDR, D; \
	VPSRLVQ Z18, D, D; \
	VPANDD Z19, D, D

#define Q4_K_0(D) NIBBLES(16(SI), D)
#define Q4_K_1(D) NIBBLES(48(SI), D)
#define Q4_K_2(D) NIBBLES(80(SI), D)
#define Q4_K_3(D) NIBBLES(112(SI), D)
#define ROW_Q4_K_0(i, D, X) Q4_K_0(D); ADDQ R8, SI
#define ROW_Q4_K_1(i, D, X) Q4_K_1(D); ADDQ R8, SI
#define ROW_Q4_K_2(i, D, X) Q4_K_2(D); ADDQ R8, SI
#define ROW_Q4_K_3(i, D, X) Q4_K_3(D); ADDQ R8, SI

// Q5_K: the bits of the j-th 32 weights, j of 32 bytes, are rotated to bit 4.
// Z17 = 0x10.
#define CONSTS_Q5_K \
	CONSTS_Q4_K; \
	VPBROADCASTD ·splat+8(SB), Z17

#define FIFTHBIT(ROT, D) \
	VBROADCASTI64X4 16(SI), Z26; \
	VPRORVQ ·fifthRotate+ROT(SB), Z26, Z26; \
	VPTERNLOGD $0xF8, Z17, Z26, D

#define Q5_K_0(D) NIBBLES(48(SI), D); FIFTHBIT(0, D)
#define Q5_K_1(D) NIBBLES(80(SI), D); FIFTHBIT(64, D)
#define Q5_K_2(D) NIBBLES(112(SI), D); FIFTHBIT(128, D)
#define Q5_K_3(D) NIBBLES(144(SI), D); FIFTHBIT(192, D)
#define ROW_Q5_K_0(i, D, X) Q5_K_0(D); ADDQ R8, SI
#define ROW_Q5_K_1(i, D, X) Q5_K_1(D); ADDQ R8, SI
#define ROW_Q5_K_2(i, D, X) Q5_K_2(D); ADDQ R8, SI
#define ROW_Q5_K_3(i, D, X) Q5_K_3(D); ADDQ R8, SI

// Eight scales, then eight minimums.
#define SCALEROW_Q4_K(i, D, X) \
	SIXBITS((SI), X); \
	VPMOVZXBD X, D; \
	PUTD(i, 0); \
	PUTMIN(i, 2); \
	ADDQ R8, SI

#define SCALES_Q4_K \
	CONSTS_SIXBITS(·sixBits); \
	ROWS16(SCALEROW_Q4_K); \
	TRANSPOSE16; \
	LEAQ 4096(DI), AX; \
	STORE8(AX, Z16, Z17, Z18, Z19, Z20, Z21, Z22, Z23); \
	MINPAIR(Z24, 5120); \
	MINPAIR(Z25, 5184); \
	MINPAIR(Z26, 5248); \
	MINPAIR(Z27, 5312); \
	MINPAIR(Z28, 5376); \
	MINPAIR(Z29, 5440); \
	MINPAIR(Z30, 5504); \
	MINPAIR(Z31, 5568)

#define SCALES_Q5_K SCALES_Q4_K

#define DOTS_MINS32(E0, E1, E2, E3) \
	SIXBITS((SI), X1); \
	MOVL (SI), AX; \
	VPXOR Y2, Y2, Y2; \
	WEIGH32(E0, 0, Z20); \
	WEIGH32(E1, 64, Z21); \
	WEIGH32(E2, 128, Z22); \
	WEIGH32(E3, 192, Z23); \
	VPERMB.Z Y1, Y24, K2, Y14; \
	JOINMINS

// The low nibbles of 64 bytes are the weights 0-31 and 64-95 of 128, the high
// ones the rest: with the activations in that order too (swapped), 64 bytes are
// taken apart by three operations.
#define LOW(OFF, D) \
	VPANDD OFF(SI), Z19, D
#define HIGH(OFF, D) \
	VPSRLD $4, OFF(SI), D; \
	VPANDD Z19, D, D

#define SWAPPED_0(D) LOW(16, D)
#define SWAPPED_1(D) HIGH(16, D)
#define SWAPPED_2(D) LOW(80, D)
#define SWAPPED_3(D) HIGH(80, D)

#define DOTS_Q4_K DOTS_MINS32(SWAPPED_0, SWAPPED_1, SWAPPED_2, SWAPPED_3)
#define DOTS_Q5_K DOTS_MINS32(Q5_K_0, Q5_K_1, Q5_K_2, Q5_K_3)

// Q6_K: half a super-block is 64 bytes of nibbles and 32 of bit pairs, of which
// 0 and 1 belong to the low nibbles. Z18 = left shifts, Z17 = right shifts, Z19
// = low nibble, Z16 = 0x30.
#define CONSTS_Q6_K \
	VMOVDQU64 ·pairShiftLeft(SB), Z18; \
	VMOVDQU64 ·pairShiftRight(SB), Z17; \
	VPBROADCASTD ·splat+0(SB), Z19; \
	VPBROADCASTD ·splat+16(SB), Z16

#define LOWNIBBLES(L, H, D) \
	VBROADCASTI64X4 H, Z26; \
	VPANDD L, Z19, D; \
	VPSLLVQ Z18, Z26, Z26; \
	VPTERNLOGD $0xF8, Z16, Z26, D
#define HIGHNIBBLES(L, H, D) \
	VBROADCASTI64X4 H, Z26; \
	VPSRLD $4, L, D; \
	VPSRLVQ Z17, Z26, Z26; \
	VPANDD Z16, Z26, Z26; \
	VPTERNLOGD $0xEA, Z26, Z19, D

#define Q6_K_0(D) LOWNIBBLES(0(SI), 128(SI), D)
#define Q6_K_1(D) HIGHNIBBLES(0(SI), 128(SI), D)
#define Q6_K_2(D) LOWNIBBLES(64(SI), 160(SI), D)
#define Q6_K_3(D) HIGHNIBBLES(64(SI), 160(SI), D)
#define ROW_Q6_K_0(i, D, X) Q6_K_0(D); ADDQ R8, SI
#define ROW_Q6_K_1(i, D, X) Q6_K_1(D); ADDQ R8, SI
#define ROW_Q6_K_2(i, D, X) Q6_K_2(D); ADDQ R8, SI
#define ROW_Q6_K_3(i, D, X) Q6_K_3(D); ADDQ R8, SI

#define SCALEROW_Q6_K(i, D, X) \
	VPMOVSXBD 192(SI), D; \
	PUTD(i, 208); \
	ADDQ R8, SI

#define SCALES_Q6_K \
	ROWS16(SCALEROW_Q6_K); \
	TRANSPOSE16; \
	STORE16(4096); \
	OFFSETPAIRS16(5)

#define DOTS_Q6_K \
	VPMOVSXBW 192(SI), Y1; \
	MOVWLZX 208(SI), AX; \
	VPXOR Y2, Y2, Y2; \
	WEIGH16(Q6_K_0, 0, Z20); \
	WEIGH16(Q6_K_1, 64, Z21); \
	WEIGH16(Q6_K_2, 128, Z22); \
	WEIGH16(Q6_K_3, 192, Z23); \
	TAKEOFFSET(5)

// func unpackQ4_KAVX512(panel, w *byte, stride, supers int)
TEXT ·unpackQ4_KAVX512(SB), NOSPLIT, $0-32
	MOVQ panel+0(FP), DI
	MOVQ w+8(FP), BX
	MOVQ stride+16(FP), R8
	MOVQ supers+24(FP), CX
	UNPACK(SCALES_Q4_K, CONSTS_Q4_K, ROW_Q4_K_0, ROW_Q4_K_1, ROW_Q4_K_2, ROW_Q4_K_3, 144)

// func dotsQ4_KAVX512(sums, scales, w *byte, stride, supers int, q *int8, sum *int16)
TEXT ·dotsQ4_KAVX512(SB), NOSPLIT, $0-56
	MOVQ sums+0(FP), DI
	MOVQ scales+8(FP), R15
	MOVQ w+16(FP), SI
	MOVQ stride+24(FP), R8
	MOVQ supers+32(FP), BX
	MOVQ q+40(FP), DX
	MOVQ sum+48(FP), R14
	CONSTS_SPREAD32(·spreadSwapped)
	CONSTS_SIXBITS(·sixBits)
	CONSTS_Q4_K
	DOTS1(DOTS_Q4_K, 144)

// func unpackQ5_KAVX512(panel, w *byte, stride, supers int)
TEXT ·unpackQ5_KAVX512(SB), NOSPLIT, $0-32
	MOVQ panel+0(FP), DI
	MOVQ w+8(FP), BX
	MOVQ stride+16(FP), R8
	MOVQ supers+24(FP), CX
	UNPACK(SCALES_Q5_K, CONSTS_Q5_K, ROW_Q5_K_0, ROW_Q5_K_1, ROW_Q5_K_2, ROW_Q5_K_3, 176)

// func dotsQ5_KAVX512(sums, scales, w *byte, stride, supers int, q *int8, sum *int16)
TEXT ·dotsQ5_KAVX512(SB), NOSPLIT, $0-56
	MOVQ sums+0(FP), DI
	MOVQ scales+8(FP), R15
	MOVQ w+16(FP), SI
	MOVQ stride+24(FP), R8
	MOVQ supers+32(FP), BX
	MOVQ q+40(FP), DX
	MOVQ sum+48(FP), R14
	CONSTS_SPREAD32(·spread32)
	CONSTS_SIXBITS(·sixBits)
	CONSTS_Q5_K
	DOTS1(DOTS_Q5_K, 176)

// func unpackQ6_KAVX512(panel, w *byte, stride, supers int)
TEXT ·unpackQ6_KAVX512(SB), NOSPLIT, $0-32
	MOVQ panel+0(FP), DI
	MOVQ w+8(FP), BX
	MOVQ stride+16(FP), R8
	MOVQ supers+24(FP), CX
	UNPACK(SCALES_Q6_K, CONSTS_Q6_K, ROW_Q6_K_0, ROW_Q6_K_1, ROW_Q6_K_2, ROW_Q6_K_3, 210)

// func dotsQ6_KAVX512(sums, scales, w *byte, stride, supers int, q *int8, sum *int16)
TEXT ·dotsQ6_KAVX512(SB), NOSPLIT, $0-56
	MOVQ sums+0(FP), DI
	MOVQ scales+8(FP), R15
	MOVQ w+16(FP), SI
	MOVQ stride+24(FP), R8
	MOVQ supers+32(FP), BX
	MOVQ q+40(FP), DX
	MOVQ sum+48(FP), R14
	CONSTS_SPREAD16
	CONSTS_Q6_K
	DOTS1(DOTS_Q6_K, 210)

// func sumMinSupersAVX512(acc *float32, sums, scales *byte, supers int, d *float32)
//
// Adds the products of sixteen rows' super-blocks to the sixteen accumulators,
// and takes off those of the minimums, in the order of the super-blocks.
TEXT ·sumMinSupersAVX512(SB), NOSPLIT, $0-40
	SUMSUPERS_ARGS

group:
	SUMGROUP
	ADDCOLUMNS
	NEXTGROUP

// func sumSupersAVX512(acc *float32, sums, scales *byte, supers int, d *float32)
//
// As sumMinSupersAVX512, for formats without minimums.
TEXT ·sumSupersAVX512(SB), NOSPLIT, $0-40
	SUMSUPERS_ARGS
	DECQ CX // the last column is not a minimum

group:
	SUMGROUP
	ADDCOLUMN(0, Z16)
	ADDCOLUMN(2, Z18)
	ADDCOLUMN(4, Z20)
	ADDCOLUMN(6, Z22)
	ADDCOLUMN(8, Z24)
	ADDCOLUMN(10, Z26)
	ADDCOLUMN(12, Z28)
	ADDCOLUMN(14, Z30)
	NEXTGROUP
