//go:build amd64 && !noasm

#include "textflag.h"

// Tiles for AVX2: eight rows times up to four columns, lanes = rows. Y0-Y3 are
// integer sums, Y4-Y7 accumulators, Y8, Y9 weights and their magnitudes, Y10 the
// words of scales. A column is M(I, F, T, Q, D, B) as in the AVX-512 tiles; the
// values lie R9 bytes apart (R8 = column 0, R10 = 3·R9), the scales R13 (R12, R15
// = 3·R13), the biases or sums AX (SI, CX = 3·AX).

#define COL0(M) M(Y0, Y4, Y11, (R8), (R12), (SI))
#define COL1(M) M(Y1, Y5, Y12, (R8)(R9*1), (R12)(R13*1), (SI)(AX*1))
#define COL2(M) M(Y2, Y6, Y13, (R8)(R9*2), (R12)(R13*2), (SI)(AX*2))
#define COL3(M) M(Y3, Y7, Y14, (R8)(R10*1), (R12)(R15*1), (SI)(CX*1))
#define COLS1(M) COL0(M)
#define COLS2(M) COLS1(M); COL1(M)
#define COLS3(M) COLS2(M); COL2(M)
#define COLS4(M) COLS3(M); COL3(M)

#define CLEARI(I, F, T, Q, D, B) VPXOR I, I, I
#define CLEARF(I, F, T, Q, D, B) VPXOR F, F, F

#define DOT(OFF, I, T, Q) \
	VPBROADCASTD OFF Q, T; \
	VPSIGNB Y8, T, T; \
	VPMADDUBSW T, Y9, T; \
	VPMADDWD Y10, T, T; \
	VPADDD T, I, I
#define DOT0(I, F, T, Q, D, B) DOT(0, I, T, Q)
#define DOT1(I, F, T, Q, D, B) DOT(4, I, T, Q)
#define DOT2(I, F, T, Q, D, B) DOT(8, I, T, Q)
#define DOT3(I, F, T, Q, D, B) DOT(12, I, T, Q)

#define FOURWEIGHTS(N, DOTK, OFF) \
	VMOVDQU OFF(DI), Y8; \
	VPABSB Y8, Y9; \
	N(DOTK)

// Sixteen weights of the rows times the columns; goes on.
#define SIXTEEN(N) \
	FOURWEIGHTS(N, DOT0, 0); \
	FOURWEIGHTS(N, DOT1, 32); \
	FOURWEIGHTS(N, DOT2, 64); \
	FOURWEIGHTS(N, DOT3, 96); \
	ADDQ $128, DI; \
	ADDQ $16, R8

// acc += or -= float32(I)·(the rows' scales Y8 · da).
#define ADDSUM(I, F, T, Q, D, B) \
	VBROADCASTSS D, T; \
	VMULPS Y8, T, T; \
	VCVTDQ2PS I, I; \
	VMULPS T, I, I; \
	VADDPS I, F, F
#define SUBSUM(I, F, T, Q, D, B) \
	VBROADCASTSS D, T; \
	VMULPS Y8, T, T; \
	VCVTDQ2PS I, I; \
	VMULPS T, I, I; \
	VSUBPS I, F, F
#define BIAS(I, F, T, Q, D, B) \
	VPBROADCASTD B, I; \
	VPSRAD $7, I, I

#define PUT(I, F, T, Q, D, B) \
	VMOVUPS F, (R11); \
	ADDQ $32, R11

// BX = scales and minimums of the blocks, DX = blocks left.
#define TILE(N, block, group) \
	N(CLEARF); \
block: \
	N(CLEARI); \
	SIXTEEN(N); \
	SIXTEEN(N); \
	VMOVUPS (BX), Y8; \
	N(ADDSUM); \
	ADDQ $64, BX; \
	ADDQ $4, R12; \
	ADDQ $4, SI; \
	DECQ DX; \
	JNZ block; \
	N(PUT); \
	VZEROUPPER; \
	RET

#define TILEMIN(N, block, group) \
	N(CLEARF); \
block: \
	N(CLEARI); \
	SIXTEEN(N); \
	SIXTEEN(N); \
	VMOVUPS (BX), Y8; \
	N(ADDSUM); \
	N(BIAS); \
	VMOVUPS 32(BX), Y8; \
	N(SUBSUM); \
	ADDQ $64, BX; \
	ADDQ $4, R12; \
	ADDQ $4, SI; \
	DECQ DX; \
	JNZ block; \
	N(PUT); \
	VZEROUPPER; \
	RET

// A record at BX is, per super-block: words of scales [16][8 rows][2], words of
// minimums [8][8 rows][2], d [8], dmin [8].
#define GROUPS(N, super, group) \
	N(CLEARF); \
super: \
	N(CLEARI); \
	MOVQ $16, left-8(SP); \
group: \
	VMOVDQU (BX), Y10; \
	SIXTEEN(N); \
	ADDQ $32, BX; \
	DECQ left-8(SP); \
	JNZ group; \
	VMOVUPS 256(BX), Y8; \
	N(ADDSUM)

#define NEXT(N, super) \
	ADDQ $320, BX; \
	ADDQ $4, R12; \
	ADDQ $32, SI; \
	DECQ DX; \
	JNZ super; \
	N(PUT); \
	VZEROUPPER; \
	RET

#define SUPERS(N, super, group) \
	GROUPS(N, super, group); \
	NEXT(N, super)

#define PAIR(OFF, I, T, B) \
	VPBROADCASTD OFF B, T; \
	VPMADDWD (OFF*8)(BX), T, T; \
	VPADDD T, I, I
#define PAIRS(I, F, T, Q, D, B) \
	VPXOR I, I, I; \
	PAIR(0, I, T, B); \
	PAIR(4, I, T, B); \
	PAIR(8, I, T, B); \
	PAIR(12, I, T, B); \
	PAIR(16, I, T, B); \
	PAIR(20, I, T, B); \
	PAIR(24, I, T, B); \
	PAIR(28, I, T, B)

#define SUPERSMIN(N, super, group) \
	GROUPS(N, super, group); \
	N(PAIRS); \
	VMOVUPS 288(BX), Y8; \
	N(SUBSUM); \
	NEXT(N, super)

#define BYCOLS(N, BODY) \
	CMPQ N, $2; \
	JLT one; \
	JEQ two; \
	CMPQ N, $4; \
	JLT three; \
	BODY(COLS4, cols4, group4); \
one: \
	BODY(COLS1, cols1, group1); \
two: \
	BODY(COLS2, cols2, group2); \
three: \
	BODY(COLS3, cols3, group3)

#define ARGS(LOG) \
	MOVQ y+0(FP), R11; \
	MOVQ panel+8(FP), DI; \
	MOVQ scales+16(FP), BX; \
	MOVQ n+24(FP), DX; \
	MOVQ q+32(FP), R8; \
	MOVQ d+40(FP), R12; \
	MOVQ k+56(FP), R9; \
	LEAQ (R9)(R9*2), R10; \
	MOVQ R9, R13; \
	SHRQ $LOG, R13; \
	LEAQ (R13)(R13*2), R15; \
	MOVQ R9, AX; \
	SHRQ $3, AX; \
	LEAQ (AX)(AX*2), CX; \
	VPCMPEQW Y10, Y10, Y10; \
	VPSRLW $15, Y10, Y10

// Eight rows of 32 weights become [8][8 rows][4].
#define PAIRROWS(A, B, LO, HI) \
	VPUNPCKLDQ B, A, LO; \
	VPUNPCKHDQ B, A, HI

// func tileBlocksAVX2(y *float32, panel *byte, scales *byte, n int, q *int8, d *float32, bias *int32, k, cols int)
TEXT ·tileBlocksAVX2(SB), NOSPLIT, $0-72
	ARGS(3)
	MOVQ bias+48(FP), SI
	BYCOLS(cols+64(FP), TILE)

// func tileMinBlocksAVX2(y *float32, panel *byte, scales *byte, n int, q *int8, d *float32, bias *int32, k, cols int)
TEXT ·tileMinBlocksAVX2(SB), NOSPLIT, $0-72
	ARGS(3)
	MOVQ bias+48(FP), SI
	BYCOLS(cols+64(FP), TILEMIN)

// func tileSupersAVX2(y *float32, panel *byte, scales *byte, n int, q *int8, d *float32, sum *int16, k, cols int)
TEXT ·tileSupersAVX2(SB), NOSPLIT, $8-72
	ARGS(6)
	MOVQ sum+48(FP), SI
	BYCOLS(cols+64(FP), SUPERS)

// func tileMinSupersAVX2(y *float32, panel *byte, scales *byte, n int, q *int8, d *float32, sum *int16, k, cols int)
TEXT ·tileMinSupersAVX2(SB), NOSPLIT, $8-72
	ARGS(6)
	MOVQ sum+48(FP), SI
	BYCOLS(cols+64(FP), SUPERSMIN)

// func panelAVX2(panel, rows *byte, stride, blocks int)
TEXT ·panelAVX2(SB), NOSPLIT, $0-32
	MOVQ panel+0(FP), DI
	MOVQ rows+8(FP), SI
	MOVQ stride+16(FP), R8
	MOVQ blocks+24(FP), CX
	LEAQ (R8)(R8*2), R9

block:
	LEAQ (SI)(R8*4), DX
	VMOVDQU (SI), Y0
	VMOVDQU (SI)(R8*1), Y1
	VMOVDQU (SI)(R8*2), Y2
	VMOVDQU (SI)(R9*1), Y3
	VMOVDQU (DX), Y4
	VMOVDQU (DX)(R8*1), Y5
	VMOVDQU (DX)(R8*2), Y6
	VMOVDQU (DX)(R9*1), Y7
	PAIRROWS(Y0, Y1, Y8, Y9)
	PAIRROWS(Y2, Y3, Y10, Y11)
	PAIRROWS(Y4, Y5, Y12, Y13)
	PAIRROWS(Y6, Y7, Y14, Y15)
	VPUNPCKLQDQ Y10, Y8, Y0
	VPUNPCKHQDQ Y10, Y8, Y1
	VPUNPCKLQDQ Y11, Y9, Y2
	VPUNPCKHQDQ Y11, Y9, Y3
	VPUNPCKLQDQ Y14, Y12, Y4
	VPUNPCKHQDQ Y14, Y12, Y5
	VPUNPCKLQDQ Y15, Y13, Y6
	VPUNPCKHQDQ Y15, Y13, Y7
	VPERM2I128 $0x20, Y4, Y0, Y8
	VPERM2I128 $0x20, Y5, Y1, Y9
	VPERM2I128 $0x20, Y6, Y2, Y10
	VPERM2I128 $0x20, Y7, Y3, Y11
	VPERM2I128 $0x31, Y4, Y0, Y12
	VPERM2I128 $0x31, Y5, Y1, Y13
	VPERM2I128 $0x31, Y6, Y2, Y14
	VPERM2I128 $0x31, Y7, Y3, Y15
	VMOVDQU Y8, (DI)
	VMOVDQU Y9, 32(DI)
	VMOVDQU Y10, 64(DI)
	VMOVDQU Y11, 96(DI)
	VMOVDQU Y12, 128(DI)
	VMOVDQU Y13, 160(DI)
	VMOVDQU Y14, 192(DI)
	VMOVDQU Y15, 224(DI)
	ADDQ $32, SI
	ADDQ $256, DI
	DECQ CX
	JNZ  block
	VZEROUPPER
	RET
