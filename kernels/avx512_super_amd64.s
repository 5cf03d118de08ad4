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

// func unpackQ4_KAVX512(panel, w *byte, stride, supers int)
TEXT ·unpackQ4_KAVX512(SB), NOSPLIT, $0-32
	MOVQ panel+0(FP), DI
	MOVQ w+8(FP), BX
	MOVQ stride+16(FP), R8
	MOVQ supers+24(FP), CX
	UNPACK(SCALES_Q4_K, CONSTS_Q4_K, ROW_Q4_K_0, ROW_Q4_K_1, ROW_Q4_K_2, ROW_Q4_K_3, 144)

// func unpackQ5_KAVX512(panel, w *byte, stride, supers int)
TEXT ·unpackQ5_KAVX512(SB), NOSPLIT, $0-32
	MOVQ panel+0(FP), DI
	MOVQ w+8(FP), BX
	MOVQ stride+16(FP), R8
	MOVQ supers+24(FP), CX
	UNPACK(SCALES_Q5_K, CONSTS_Q5_K, ROW_Q5_K_0, ROW_Q5_K_1, ROW_Q5_K_2, ROW_Q5_K_3, 176)

// func unpackQ6_KAVX512(panel, w *byte, stride, supers int)
TEXT ·unpackQ6_KAVX512(SB), NOSPLIT, $0-32
	MOVQ panel+0(FP), DI
	MOVQ w+8(FP), BX
	MOVQ stride+16(FP), R8
	MOVQ supers+24(FP), CX
	UNPACK(SCALES_Q6_K, CONSTS_Q6_K, ROW_Q6_K_0, ROW_Q6_K_1, ROW_Q6_K_2, ROW_Q6_K_3, 210)
