#include "textflag.h"

// Twelve and twenty-four sums, enough to hide the latency of the products.
#define YMM12(M) \
	M(0, Y0); M(1, Y1); M(2, Y2); M(3, Y3); M(4, Y4); M(5, Y5); \
	M(6, Y6); M(7, Y7); M(8, Y8); M(9, Y9); M(10, Y10); M(11, Y11)
#define ZMM24(M) \
	M(Z0); M(Z1); M(Z2); M(Z3); M(Z4); M(Z5); M(Z6); M(Z7); M(Z8); M(Z9); M(Z10); M(Z11); \
	M(Z12); M(Z13); M(Z14); M(Z15); M(Z16); M(Z17); M(Z18); M(Z19); M(Z20); M(Z21); M(Z22); M(Z23)

#define CLEARY(i, Y) VPXOR Y, Y, Y
#define CLEARZ(Z) VPXORQ Z, Z, Z

#define PRODUCTAVX2(i, Y) \
	VPMADDUBSW Y14, Y13, Y12; \
	VPADDW     Y12, Y, Y
// VPDPBUSD Y14, Y13, Y in the VEX encoding, which the assembler does not have.
#define PRODUCTAVXVNNI(i, Y) BYTE $0xc4; BYTE $(0x42 | (1-((i)>>3))<<7); BYTE $(0x05 | (15-13)<<3); BYTE $0x50; BYTE $(0xc0 | ((i)&7)<<3 | 6)
#define PRODUCTAVX512(Z) VPDPBUSD Z31, Z30, Z
#define FLOATAVX2(i, Y) VFMADD231PS Y14, Y13, Y
#define FLOATAVX512(Z) VFMADD231PS Z31, Z30, Z

#define LOOPY(PRODUCT) \
	MOVQ turns+0(FP), CX; \
	VPXOR Y13, Y13, Y13; \
	VPXOR Y14, Y14, Y14; \
	YMM12(CLEARY); \
turn: \
	YMM12(PRODUCT); \
	DECQ CX; \
	JNZ  turn; \
	VZEROUPPER; \
	RET

#define LOOPZ(PRODUCT) \
	MOVQ turns+0(FP), CX; \
	VPXORQ Z30, Z30, Z30; \
	VPXORQ Z31, Z31, Z31; \
	ZMM24(CLEARZ); \
turn: \
	ZMM24(PRODUCT); \
	DECQ CX; \
	JNZ  turn; \
	VZEROUPPER; \
	RET

// func productsAVX2(turns int)
TEXT ·productsAVX2(SB), NOSPLIT, $0-8
	LOOPY(PRODUCTAVX2)

// func productsAVXVNNI(turns int)
TEXT ·productsAVXVNNI(SB), NOSPLIT, $0-8
	LOOPY(PRODUCTAVXVNNI)

// func floatsAVX2(turns int)
TEXT ·floatsAVX2(SB), NOSPLIT, $0-8
	LOOPY(FLOATAVX2)

// func productsAVX512(turns int)
TEXT ·productsAVX512(SB), NOSPLIT, $0-8
	LOOPZ(PRODUCTAVX512)

// func floatsAVX512(turns int)
TEXT ·floatsAVX512(SB), NOSPLIT, $0-8
	LOOPZ(FLOATAVX512)

// func readAVX2(p *byte, n int)
TEXT ·readAVX2(SB), NOSPLIT, $0-16
	MOVQ p+0(FP), SI
	MOVQ n+8(FP), CX

turn:
	VMOVDQU (SI), Y0
	VMOVDQU 32(SI), Y1
	VMOVDQU 64(SI), Y2
	VMOVDQU 96(SI), Y3
	VMOVDQU 128(SI), Y4
	VMOVDQU 160(SI), Y5
	VMOVDQU 192(SI), Y6
	VMOVDQU 224(SI), Y7
	ADDQ    $256, SI
	SUBQ    $256, CX
	JNZ     turn
	VZEROUPPER
	RET

// func readAVX512(p *byte, n int)
TEXT ·readAVX512(SB), NOSPLIT, $0-16
	MOVQ p+0(FP), SI
	MOVQ n+8(FP), CX

turn:
	VMOVDQU64 (SI), Z0
	VMOVDQU64 64(SI), Z1
	VMOVDQU64 128(SI), Z2
	VMOVDQU64 192(SI), Z3
	VMOVDQU64 256(SI), Z4
	VMOVDQU64 320(SI), Z5
	VMOVDQU64 384(SI), Z6
	VMOVDQU64 448(SI), Z7
	ADDQ      $512, SI
	SUBQ      $512, CX
	JNZ       turn
	VZEROUPPER
	RET
