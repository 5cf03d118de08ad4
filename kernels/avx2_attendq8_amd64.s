//go:build amd64 && !noasm

#include "textflag.h"

// Scores over Q8_0 keys for AVX2.

// A query is M(integer sums of 16 positions, its address, that of its scale, its
// number): values lie R9 bytes apart (R8 = query 0, R10 = 3·R9), scales AX bytes
// (R12 = query 0, DX = 3·AX).
#define COLS1(M) M(Y0, Y1, (R8), (R12), 0)
#define COLS2(M) COLS1(M); M(Y2, Y3, (R8)(R9*1), (R12)(AX*1), 1)
#define COLS3(M) COLS2(M); M(Y4, Y5, (R8)(R9*2), (R12)(AX*2), 2)
#define COLS4(M) COLS3(M); M(Y6, Y7, (R8)(R10*1), (R12)(DX*1), 3)

#define START(A, B, Q, D, I) VPXOR A, A, A; VPXOR B, B, B

// VPMADDUBSW wants one factor unsigned: |q|, and the keys with the sign of q. Two
// products fill 16 bits. Y14 = 1 in words.
#define DOT(KEYS, T, A) \
	VPSIGNB Y10, KEYS, T; \
	VPMADDUBSW T, Y11, T; \
	VPMADDWD Y14, T, T; \
	VPADDD T, A, A
#define DOTS(A, B, Q, D, I) \
	VPBROADCASTD Q, Y10; \
	VPABSB Y10, Y11; \
	DOT(Y8, Y12, A); \
	DOT(Y9, Y13, B)

// The sums times both scales, Y8 and Y9 for the keys, are added to the scores.
#define ADDBLOCK(A, B, Q, D, I) \
	VBROADCASTSS D, Y10; \
	VMULPS Y10, Y8, Y11; \
	VMULPS Y10, Y9, Y10; \
	VCVTDQ2PS A, A; \
	VCVTDQ2PS B, B; \
	VMULPS Y11, A, A; \
	VMULPS Y10, B, B; \
	VADDPS (I*128)(DI), A, A; \
	VADDPS (I*128+32)(DI), B, B; \
	VMOVUPS A, (I*128)(DI); \
	VMOVUPS B, (I*128+32)(DI)
#define ZERO(A, B, Q, D, I) \
	VMOVUPS Y0, (I*128)(DI); \
	VMOVUPS Y0, (I*128+32)(DI)

// One tile: SI = keys, BX = their scales, CX = blocks of 32 left, R13 = values,
// which are fetched meanwhile.
#define TILE(N, block, four) \
	VPXOR Y0, Y0, Y0; \
	N(ZERO); \
block: \
	N(START); \
	MOVL $8, R11; \
four: \
	PREFETCHT0 (R13); \
	VMOVDQU (SI), Y8; \
	VMOVDQU 32(SI), Y9; \
	N(DOTS); \
	ADDQ $64, SI; \
	ADDQ $64, R13; \
	ADDQ $4, R8; \
	DECL R11; \
	JNZ four; \
	VMOVUPS (BX), Y8; \
	VMOVUPS 32(BX), Y9; \
	N(ADDBLOCK); \
	ADDQ $64, BX; \
	ADDQ $4, R12; \
	DECQ CX; \
	JNZ block; \
	VZEROUPPER; \
	RET

// func scoresQ8AVX2(p *float32, q *int8, dq *float32, k *byte, dk *float32, head, n int)
//
// The scores of n queries, one to four, and the 16 positions of a tile.
TEXT ·scoresQ8AVX2(SB), NOSPLIT, $0-56
	MOVQ p+0(FP), DI
	MOVQ q+8(FP), R8
	MOVQ dq+16(FP), R12
	MOVQ k+24(FP), SI
	MOVQ dk+32(FP), BX
	MOVQ head+40(FP), CX
	MOVQ CX, R9
	LEAQ (R9)(R9*2), R10
	MOVQ CX, AX
	SHRQ $3, AX
	LEAQ (AX)(AX*2), DX
	LEAQ (CX)(CX*8), R13
	LEAQ (SI)(R13*4), R13
	SHRQ $5, CX
	VPCMPEQW Y14, Y14, Y14
	VPSRLW $15, Y14, Y14
	MOVQ n+48(FP), R11
	CMPQ R11, $2
	JGT  more
	JEQ  two
	TILE(COLS1, block1, four1)

two:
	TILE(COLS2, block2, four2)

more:
	CMPQ R11, $4
	JEQ  four
	TILE(COLS3, block3, four3)

four:
	TILE(COLS4, block4, four4)

// func scaleWeightsAVX2(dst, p, d *float32, n int)
//
// dst [n][32] = p [n][32] · d [32].
TEXT ·scaleWeightsAVX2(SB), NOSPLIT, $0-32
	MOVQ dst+0(FP), DI
	MOVQ p+8(FP), SI
	MOVQ d+16(FP), BX
	MOVQ n+24(FP), CX
	VMOVUPS (BX), Y0
	VMOVUPS 32(BX), Y1
	VMOVUPS 64(BX), Y2
	VMOVUPS 96(BX), Y3

query:
	VMULPS  (SI), Y0, Y4
	VMULPS  32(SI), Y1, Y5
	VMULPS  64(SI), Y2, Y6
	VMULPS  96(SI), Y3, Y7
	VMOVUPS Y4, (DI)
	VMOVUPS Y5, 32(DI)
	VMOVUPS Y6, 64(DI)
	VMOVUPS Y7, 96(DI)
	ADDQ    $128, SI
	ADDQ    $128, DI
	DECQ    CX
	JNZ     query
	VZEROUPPER
	RET
