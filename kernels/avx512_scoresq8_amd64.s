//go:build amd64 && !noasm

#include "textflag.h"
#include "avx512_amd64.h"

// Scores over Q8_0 keys.

// func flipAVX512(dst *byte, src *int8, n int)
//
// Adds 128 to n bytes, a multiple of 32.
TEXT ·flipAVX512(SB), NOSPLIT, $0-24
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ n+16(FP), CX
	VPBROADCASTD ·splat+12(SB), Y1

bytes:
	VPXOR   (SI), Y1, Y0
	VMOVDQU Y0, (DI)
	ADDQ    $32, SI
	ADDQ    $32, DI
	SUBQ    $32, CX
	JNZ     bytes
	VZEROUPPER
	RET

// A query is M(integer sum, sum, its address, the address of its scales, offset
// in P): the scales lie AX bytes apart from R12 (R14 = query 4, DX = 3·AX).
#define COL0(M) M(Z0, Z8, (R8), (R12), 0)
#define COL1(M) M(Z1, Z9, (R8)(R9*1), (R12)(AX*1), 128)
#define COL2(M) M(Z2, Z10, (R8)(R9*2), (R12)(AX*2), 256)
#define COL3(M) M(Z3, Z11, (R8)(R10*1), (R12)(DX*1), 384)
#define COL4(M) M(Z4, Z12, (R11), (R14), 512)
#define COL5(M) M(Z5, Z13, (R11)(R9*1), (R14)(AX*1), 640)
#define COL6(M) M(Z6, Z14, (R11)(R9*2), (R14)(AX*2), 768)
#define COL7(M) M(Z7, Z15, (R11)(R10*1), (R14)(DX*1), 896)

// Z31 holds minus 128 times the sums of the keys, where the integer sums start:
// queries carry an offset of 128.
#define START(I, F, Q, D, P) VMOVDQA64 Z31, I

#define DOT(OFF, K, I, Q) \
	VPBROADCASTD OFF Q, Z30; \
	VPDPBUSD K, Z30, I
#define DOTS(I, F, Q, D, P) \
	DOT(0, Z16, I, Q); \
	DOT(4, Z17, I, Q); \
	DOT(8, Z18, I, Q); \
	DOT(12, Z19, I, Q); \
	DOT(16, Z20, I, Q); \
	DOT(20, Z21, I, Q); \
	DOT(24, Z22, I, Q); \
	DOT(28, Z23, I, Q)

#define ADDBLOCK(I, F, Q, D, P) \
	VMULPS.BCST D, Z24, Z25; \
	VCVTDQ2PS I, I; \
	VMULPS Z25, I, I; \
	VADDPS I, F, F
#define ZERO(I, F, Q, D, P) VPXORQ F, F, F
#define PUTSCORES(I, F, Q, D, P) VMOVUPS F, P(DI)

// The keys of 16 positions at OFF, and 128 times their sum.
#define KEYS(OFF, K) \
	PREFETCHT0 OFF(R13); \
	VMOVDQU64 OFF(SI), K; \
	VPDPBUSD K, Z29, Z31

// One tile: SI = keys, BX = their scales, CX = blocks of 32 left, R13 = values,
// which are fetched meanwhile.
#define TILE(N, block, other) \
	N(ZERO); \
block: \
	VPXORQ Z31, Z31, Z31; \
	KEYS(0, Z16); \
	KEYS(64, Z17); \
	KEYS(128, Z18); \
	KEYS(192, Z19); \
	KEYS(256, Z20); \
	KEYS(320, Z21); \
	KEYS(384, Z22); \
	KEYS(448, Z23); \
	VPSUBD Z31, Z28, Z31; \
	N(START); \
	N(DOTS); \
	VMOVUPS (BX), Z24; \
	N(ADDBLOCK); \
	ADDQ $512, SI; \
	ADDQ $512, R13; \
	ADDQ $64, BX; \
	ADDQ $32, R8; \
	ADDQ $32, R11; \
	ADDQ $4, R12; \
	ADDQ $4, R14; \
	DECQ CX; \
	JNZ block; \
	N(PUTSCORES); \
	VZEROUPPER; \
	RET

// func scoresQ8AVX512(p *float32, q *byte, dq *float32, k *byte, dk *float32, head, n int)
//
// The scores of n queries (with their offset) and the 16 positions of a tile.
TEXT ·scoresQ8AVX512(SB), NOSPLIT, $0-56
	MOVQ p+0(FP), DI
	MOVQ q+8(FP), R8
	MOVQ dq+16(FP), R12
	MOVQ k+24(FP), SI
	MOVQ dk+32(FP), BX
	MOVQ head+40(FP), CX
	MOVQ CX, R9
	LEAQ (R9)(R9*2), R10
	LEAQ (R8)(R9*4), R11
	MOVQ CX, AX
	SHRQ $3, AX
	LEAQ (AX)(AX*2), DX
	LEAQ (R12)(AX*4), R14
	LEAQ (CX)(CX*8), R13
	LEAQ (SI)(R13*4), R13
	SHRQ $5, CX
	VPBROADCASTD ·splat+12(SB), Z29
	VPXORQ Z28, Z28, Z28
	BYCOLS(n+48(FP), TILE)
