//go:build amd64 && !noasm

#include "textflag.h"
#include "go_asm.h"
#include "avx2_unpack_amd64.h"
#include "avx2_unpack256_amd64.h"

// Unpacking of the super-block formats of two and three bits, and of IQ4_XS.

// Bit pairs; Y13 = 3.
#define PAIR0(X, D) VPAND X, Y13, D
#define PAIR1(X, D) VPSRLW $2, X, D; VPAND D, Y13, D
#define PAIR2(X, D) VPSRLW $4, X, D; VPAND D, Y13, D
#define PAIR3(X, D) VPSRLW $6, X, D; VPAND D, Y13, D

#define PUTPAIR(PAIR, g, i) \
	PAIR(Y0, Y4); \
	PAIR(Y1, Y5); \
	PAIR(Y2, Y6); \
	PAIR(Y3, Y7); \
	PUTG(g, i, Y4); \
	PUTG(g, (i+1), Y5); \
	PUTG(g, (i+2), Y6); \
	PUTG(g, (i+3), Y7)
#define QUARTERQ2_K(h, i) \
	LOAD16((16+32*h+4*i)); \
	PUTPAIR(PAIR0, (4*h), i); \
	PUTPAIR(PAIR1, (4*h+1), i); \
	PUTPAIR(PAIR2, (4*h+2), i); \
	PUTPAIR(PAIR3, (4*h+3), i)

// Scales S and minimums of sixteen weights each, from byte pairs.
#define SCALESQ2_K(r, S) \
	LOW(S, Y8); \
	HIGH(S, Y9); \
	SCALES16(SPREAD, (2*r), Y8); \
	PUTMINS(r, Y9)
#define BLOCKQ2_K \
	HALVES(80, X0, Y0); \
	HALVES(82, X1, Y1); \
	VMOVUPS Y0, 5632(DI); \
	VMOVUPS Y1, 5696(DI); \
	LOAD16(0); \
	SCALESQ2_K(0, Y0); \
	SCALESQ2_K(1, Y1); \
	SCALESQ2_K(2, Y2); \
	SCALESQ2_K(3, Y3); \
	VPBROADCASTD ·splat+20(SB), Y13; \
	QUARTERQ2_K(0, 0); \
	QUARTERQ2_K(0, 4); \
	QUARTERQ2_K(1, 0); \
	QUARTERQ2_K(1, 4)

// Q3_K: a third bit, Y14 = 4, and 28 more, Y12, which makes the offset 32.
#define JOINQ3_K(g, i, PAIR, X, SHIFT, H) \
	SHIFT(H, Y5); \
	VPAND Y14, Y5, Y5; \
	PAIR(X, Y4); \
	VPOR Y4, Y5, Y5; \
	VPADDB Y12, Y5, Y5; \
	PUTG(g, i, Y5)
#define JOIN16Q3_K(g, i, PAIR, SHIFT) \
	JOINQ3_K(g, i, PAIR, Y0, SHIFT, Y8); \
	JOINQ3_K(g, (i+1), PAIR, Y1, SHIFT, Y9); \
	JOINQ3_K(g, (i+2), PAIR, Y2, SHIFT, Y10); \
	JOINQ3_K(g, (i+3), PAIR, Y3, SHIFT, Y11)
#define HALFQ3_K(i) \
	HIGHBITS((4*i)); \
	LOAD16((32+4*i)); \
	JOIN16Q3_K(0, i, PAIR0, LEFT2); \
	JOIN16Q3_K(1, i, PAIR1, LEFT1); \
	JOIN16Q3_K(2, i, PAIR2, STAY); \
	JOIN16Q3_K(3, i, PAIR3, RIGHT1); \
	LOAD16((64+4*i)); \
	JOIN16Q3_K(4, i, PAIR0, RIGHT2); \
	JOIN16Q3_K(5, i, PAIR1, RIGHT3); \
	JOIN16Q3_K(6, i, PAIR2, RIGHT4); \
	JOIN16Q3_K(7, i, PAIR3, RIGHT5)

// Scales of six bits, less 32 (Y13): the nibble PART of U and the bit pair of
// Y2 that SHIFT brings to the bits 4 and 5.
#define SCALESQ3_K(g, PART, U, SHIFT) \
	PART(U, Y8); \
	SHIFT(Y2, Y9); \
	VPAND Y14, Y9, Y9; \
	VPOR Y9, Y8, Y8; \
	VPSUBB Y13, Y8, Y8; \
	SCALES16(SPREADSIGNED, g, Y8)
#define BLOCKQ3_K \
	LOADROWS(94); \
	VPSRLDQ $2, Y0, Y0; \
	VPSRLDQ $2, Y1, Y1; \
	VPSRLDQ $2, Y2, Y2; \
	VPSRLDQ $2, Y3, Y3; \
	TRANSPOSE4; \
	LOWERHALVES(X3, Y3); \
	VMOVUPS Y3, 5632(DI); \
	VPBROADCASTD ·splat+16(SB), Y14; \
	VPBROADCASTD ·splat+28(SB), Y13; \
	SCALESQ3_K(0, LOW, Y0, LEFT4); \
	SCALESQ3_K(2, LOW, Y1, LEFT2); \
	SCALESQ3_K(4, HIGH, Y0, STAY); \
	SCALESQ3_K(6, HIGH, Y1, RIGHT2); \
	VPBROADCASTD ·splat+24(SB), Y14; \
	VPSUBB Y14, Y13, Y12; \
	VPBROADCASTD ·splat+20(SB), Y13; \
	HALFQ3_K(0); \
	HALFQ3_K(4)

// IQ4_XS: a table of sixteen values, Y14; d with eight bit pairs, eight nibbles.
// Scales as dwords: Y13 = 15, Y12 = 0x30, Y11 = 32.
#define CONSTS_IQ4_XS \
	CONSTS; \
	VBROADCASTI128 ·valuesIQ4(SB), Y14; \
	VPSRLD $24, Y15, Y13; \
	VPBROADCASTD ·splat+16(SB), Y12; \
	VPSRLD $24, Y12, Y12; \
	VPBROADCASTD ·splat+28(SB), Y11; \
	VPSRLD $24, Y11, Y11
#define SCALEIQ4_XS(j) \
	VPSRLD $(4*j), Y1, Y4; \
	VPAND Y13, Y4, Y4; \
	VPSRLD $(12+2*j), Y0, Y5; \
	VPAND Y12, Y5, Y5; \
	VPOR Y5, Y4, Y4; \
	VPSUBD Y11, Y4, Y4; \
	VPSLLD $16, Y4, Y5; \
	VPBLENDW $0xaa, Y5, Y4, Y4; \
	VMOVDQU Y4, (1152*j+1024)(DI)
#define PUTIQ4(g, i, X) \
	LOW(X, Y8); \
	HIGH(X, Y9); \
	VPSHUFB Y8, Y14, Y8; \
	VPSHUFB Y9, Y14, Y9; \
	PUTSIGNED(g, i, Y8); \
	PUTSIGNED(g, (i+4), Y9)
#define GROUPIQ4_XS(g) \
	LOAD16((8+16*g)); \
	PUTIQ4(g, 0, Y0); \
	PUTIQ4(g, 1, Y1); \
	PUTIQ4(g, 2, Y2); \
	PUTIQ4(g, 3, Y3)
#define BLOCKIQ4_XS \
	LOAD16(0); \
	SCALEIQ4_XS(0); \
	SCALEIQ4_XS(1); \
	SCALEIQ4_XS(2); \
	SCALEIQ4_XS(3); \
	SCALEIQ4_XS(4); \
	SCALEIQ4_XS(5); \
	SCALEIQ4_XS(6); \
	SCALEIQ4_XS(7); \
	LOWERWORDS(Y0); \
	LOWERHALVES(X0, Y0); \
	VMOVUPS Y0, 9728(DI); \
	GROUPIQ4_XS(0); \
	GROUPIQ4_XS(1); \
	GROUPIQ4_XS(2); \
	GROUPIQ4_XS(3); \
	GROUPIQ4_XS(4); \
	GROUPIQ4_XS(5); \
	GROUPIQ4_XS(6); \
	GROUPIQ4_XS(7)

// func unpackQ2_KAVX2(panel, w *byte, stride, n, ahead int)
TEXT ·unpackQ2_KAVX2(SB), NOSPLIT, $0-40
	UNPACK(CONSTS, BLOCKQ2_K, FETCH(11), NOTHING, 84, const_panelSize256)

// func unpackQ3_KAVX2(panel, w *byte, stride, n, ahead int)
TEXT ·unpackQ3_KAVX2(SB), NOSPLIT, $0-40
	UNPACK(CONSTS, BLOCKQ3_K, FETCH(14), NOTHING, 110, const_panelSize256)

// func unpackIQ4_XSAVX2(panel, w *byte, stride, n, ahead int)
TEXT ·unpackIQ4_XSAVX2(SB), NOSPLIT, $0-40
	UNPACK(CONSTS_IQ4_XS, BLOCKIQ4_XS, FETCH(17), NOTHING, 136, const_panelSizeSigned256)
