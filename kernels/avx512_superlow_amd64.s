//go:build amd64 && !noasm

#include "textflag.h"
#include "avx512_amd64.h"
#include "avx512_super_amd64.h"

// Q2_K, Q3_K and IQ4_XS.

// Q2_K: bit pairs 0 and 1 of 32 bytes are a quarter, 2 and 3 the next. Z19 = 3.
#define CONSTS_Q2_K \
	VPBROADCASTD ·splat+20(SB), Z19

#define BITPAIRS(ADDR, SHIFT, D) \
	VBROADCASTI64X4 ADDR, D; \
	VPSRLVQ ·pairShift+SHIFT(SB), D, D; \
	VPANDD Z19, D, D

#define Q2_K_0(D) BITPAIRS(16(SI), 0, D)
#define Q2_K_1(D) BITPAIRS(16(SI), 64, D)
#define Q2_K_2(D) BITPAIRS(48(SI), 0, D)
#define Q2_K_3(D) BITPAIRS(48(SI), 64, D)
#define ROW_Q2_K_0(i, D, X) Q2_K_0(D); ADDQ R8, SI
#define ROW_Q2_K_1(i, D, X) Q2_K_1(D); ADDQ R8, SI
#define ROW_Q2_K_2(i, D, X) Q2_K_2(D); ADDQ R8, SI
#define ROW_Q2_K_3(i, D, X) Q2_K_3(D); ADDQ R8, SI

#define SCALEROW_Q2_K(i, D, X) \
	VPMOVZXBD (SI), D; \
	PUTD(i, 80); \
	PUTMIN(i, 82); \
	ADDQ R8, SI

// The low nibble is the scale, the high one the minimum. Z15 = 15.
#define SCALE2(Z, i) \
	VPANDD Z, Z15, Z0; \
	VMOVDQU64 Z0, (4096+64*(i))(DI)
#define MINS2(e, o, i) \
	SCALE2(e, 2*i); \
	SCALE2(o, 2*i+1); \
	VPSRLD $4, e, Z0; \
	VPSRLD $4, o, Z1; \
	VPSLLD $16, Z1, Z1; \
	VPORD Z1, Z0, Z0; \
	VMOVDQU64 Z0, (5120+64*i)(DI)

#define SCALES_Q2_K \
	ROWS16(SCALEROW_Q2_K); \
	TRANSPOSE16; \
	MOVL $15, AX; \
	VPBROADCASTD AX, Z15; \
	MINS2(Z16, Z17, 0); \
	MINS2(Z18, Z19, 1); \
	MINS2(Z20, Z21, 2); \
	MINS2(Z22, Z23, 3); \
	MINS2(Z24, Z25, 4); \
	MINS2(Z26, Z27, 5); \
	MINS2(Z28, Z29, 6); \
	MINS2(Z30, Z31, 7)

// Q3_K: as Q2_K; the third bits of the j-th 32 weights, bit j of 32 bytes, are
// rotated to bit 2. Z18 = 4.
#define CONSTS_Q3_K \
	CONSTS_Q2_K; \
	VPBROADCASTD ·splat+24(SB), Z18

#define THIRDBIT(ROT, D) \
	VBROADCASTI64X4 (SI), Z26; \
	VPRORVQ ·thirdRotate+ROT(SB), Z26, Z26; \
	VPTERNLOGD $0xF8, Z18, Z26, D

#define Q3_K_0(D) BITPAIRS(32(SI), 0, D); THIRDBIT(0, D)
#define Q3_K_1(D) BITPAIRS(32(SI), 64, D); THIRDBIT(64, D)
#define Q3_K_2(D) BITPAIRS(64(SI), 0, D); THIRDBIT(128, D)
#define Q3_K_3(D) BITPAIRS(64(SI), 64, D); THIRDBIT(192, D)
#define ROW_Q3_K_0(i, D, X) Q3_K_0(D); ADDQ R8, SI
#define ROW_Q3_K_1(i, D, X) Q3_K_1(D); ADDQ R8, SI
#define ROW_Q3_K_2(i, D, X) Q3_K_2(D); ADDQ R8, SI
#define ROW_Q3_K_3(i, D, X) Q3_K_3(D); ADDQ R8, SI

// The sixteen bytes from 94 on end with the block. X24 = 32 in every byte.
#define SCALES3(X) \
	SIXBITS(94(SI), X); \
	VPSUBB X24, X, X

#define CONSTS_SCALES3 \
	CONSTS_SIXBITS(·sixBitsQ3); \
	VPBROADCASTD ·splat+28(SB), X24

#define SCALEROW_Q3_K(i, D, X) \
	SCALES3(X); \
	VPMOVSXBD X, D; \
	PUTD(i, 108); \
	ADDQ R8, SI

#define SCALES_Q3_K \
	CONSTS_SCALES3; \
	ROWS16(SCALEROW_Q3_K); \
	TRANSPOSE16; \
	STORE16(4096); \
	OFFSETPAIRS16(2)

// IQ4_XS: a quarter is two blocks of nibbles in the manner of IQ4_NL, values
// have an offset of 128. K1 = the lanes of the second, Z18 = shifts, Z19 = table.
#define CONSTS_IQ4_XS \
	VMOVDQU64 ·nibbleShift(SB), Z18; \
	VBROADCASTI32X4 ·tableIQ4(SB), Z19

#define LOOKUP(OFF, D) \
	VBROADCASTI32X4 OFF(SI), D; \
	VBROADCASTI32X4 (OFF+16)(SI), K1, D; \
	VPSRLVQ Z18, D, D; \
	VPERMB Z19, D, D

#define IQ4_XS_0(D) LOOKUP(8, D)
#define IQ4_XS_1(D) LOOKUP(40, D)
#define IQ4_XS_2(D) LOOKUP(72, D)
#define IQ4_XS_3(D) LOOKUP(104, D)
#define ROW_IQ4_XS_0(i, D, X) IQ4_XS_0(D); ADDQ R8, SI
#define ROW_IQ4_XS_1(i, D, X) IQ4_XS_1(D); ADDQ R8, SI
#define ROW_IQ4_XS_2(i, D, X) IQ4_XS_2(D); ADDQ R8, SI
#define ROW_IQ4_XS_3(i, D, X) IQ4_XS_3(D); ADDQ R8, SI

// X = the eight scales as bytes: four bits from the bit 32+4j of the block's
// first eight bytes, two from 16+2j. X28, X29 = these positions, X31 = low
// nibble, X27 = 0x30, X24 = 32. Clobbers X26.
#define CONSTS_SCALES4 \
	VMOVQ ·fieldsIQ4+0(SB), X28; \
	VMOVQ ·fieldsIQ4+8(SB), X29; \
	VPBROADCASTD ·splat+0(SB), X31; \
	VPBROADCASTD ·splat+16(SB), X27; \
	VPBROADCASTD ·splat+28(SB), X24

#define SCALES4(X) \
	VMOVQ (SI), X; \
	VPMULTISHIFTQB X, X29, X26; \
	VPMULTISHIFTQB X, X28, X; \
	VPANDD X27, X26, X26; \
	VPTERNLOGD $0xEA, X26, X31, X; \
	VPSUBB X24, X, X

#define SCALEROW_IQ4_XS(i, D, X) \
	SCALES4(X); \
	VPMOVSXBD X, D; \
	PUTD(i, 0); \
	ADDQ R8, SI

#define SCALES_IQ4_XS \
	CONSTS_SCALES4; \
	ROWS16(SCALEROW_IQ4_XS); \
	TRANSPOSE16; \
	LEAQ 4096(DI), AX; \
	STORE8(AX, Z16, Z17, Z18, Z19, Z20, Z21, Z22, Z23); \
	VPXORQ Z15, Z15, Z15; \
	OFFSETPAIR(7, Z16, Z16, 5120); \
	OFFSETPAIR(7, Z17, Z17, 5184); \
	OFFSETPAIR(7, Z18, Z18, 5248); \
	OFFSETPAIR(7, Z19, Z19, 5312); \
	OFFSETPAIR(7, Z20, Z20, 5376); \
	OFFSETPAIR(7, Z21, Z21, 5440); \
	OFFSETPAIR(7, Z22, Z22, 5504); \
	OFFSETPAIR(7, Z23, Z23, 5568)

// func unpackQ2_KAVX512(panel, w *byte, stride, supers int)
TEXT ·unpackQ2_KAVX512(SB), NOSPLIT, $0-32
	MOVQ panel+0(FP), DI
	MOVQ w+8(FP), BX
	MOVQ stride+16(FP), R8
	MOVQ supers+24(FP), CX
	UNPACK(SCALES_Q2_K, CONSTS_Q2_K, ROW_Q2_K_0, ROW_Q2_K_1, ROW_Q2_K_2, ROW_Q2_K_3, 84)

// func unpackQ3_KAVX512(panel, w *byte, stride, supers int)
TEXT ·unpackQ3_KAVX512(SB), NOSPLIT, $0-32
	MOVQ panel+0(FP), DI
	MOVQ w+8(FP), BX
	MOVQ stride+16(FP), R8
	MOVQ supers+24(FP), CX
	UNPACK(SCALES_Q3_K, CONSTS_Q3_K, ROW_Q3_K_0, ROW_Q3_K_1, ROW_Q3_K_2, ROW_Q3_K_3, 110)

// func unpackIQ4_XSAVX512(panel, w *byte, stride, supers int)
TEXT ·unpackIQ4_XSAVX512(SB), NOSPLIT, $0-32
	MOVQ panel+0(FP), DI
	MOVQ w+8(FP), BX
	MOVQ stride+16(FP), R8
	MOVQ supers+24(FP), CX
	UNPACK(SCALES_IQ4_XS, CONSTS_IQ4_XS, ROW_IQ4_XS_0, ROW_IQ4_XS_1, ROW_IQ4_XS_2, ROW_IQ4_XS_3, 136)
