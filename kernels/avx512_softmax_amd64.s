//go:build amd64 && !noasm

#include "textflag.h"
#include "avx512_elem_amd64.h"

// The online softmax of up to eight queries over a block of 32 positions.
// Scores of query i lie in Z(i) and Z(8+i).

// The mask of the visible positions of query i, none if there is no such query.
#define VISIBLE(i) \
	XORL AX, AX; \
	CMPQ CX, $(i+1); \
	JLT  6(PC); \
	MOVL (i*8)(R8), DX; \
	MOVL (i*8+4)(R8), AX; \
	BZHIL DX, BX, DX; \
	BZHIL AX, BX, AX; \
	ANDNL AX, DX, AX; \
	MOVL AX, masks-(64-i*4)(SP)

// The visible scores, the others -Inf.
#define LOAD(i, A, B) \
	KMOVW masks-(64-i*4)(SP), K1; \
	KMOVW masks-(62-i*4)(SP), K2; \
	VMOVAPS Z31, A; \
	VMOVAPS Z31, B; \
	VMOVUPS (i*128)(DI), K1, A; \
	VMOVUPS (i*128+64)(DI), K2, B

// The weights, and their sums by lane in S.
#define WEIGHTS(i, A, B, S) \
	KMOVW masks-(64-i*4)(SP), K1; \
	KMOVW masks-(62-i*4)(SP), K2; \
	VSUBPS.BCST maxima-(32-i*4)(SP), A, A; \
	VSUBPS.BCST maxima-(32-i*4)(SP), B, B; \
	EXP(A, Z24, Z25, Z26, K1); \
	EXP(B, Z27, Z28, Z29, K2); \
	VADDPS B, A, S

#define STORE(i, A, B) \
	CMPQ CX, $(i+1); \
	JLT stored; \
	VMOVUPS A, (i*128)(DI); \
	VMOVUPS B, (i*128+64)(DI)

// Greatest of pairs of lanes of two queries, then of four queries.
#define MAXPAIR(A, B, S, T) \
	VUNPCKLPS B, A, S; \
	VUNPCKHPS B, A, T; \
	VMAXPS T, S, S
#define MAXQUAD(A, B, S, T) \
	VUNPCKLPD B, A, S; \
	VUNPCKHPD B, A, T; \
	VMAXPS T, S, S

// func softmaxAVX512(p, c, m, l *float32, visible *Range, n int)
//
// Turns the scores p [n][32] into weights, and sets the corrections c [8], the
// maxima m [n] and the sums l [n]. A query that sees nothing keeps its m and l:
// its correction is 1, its weights are 0.
TEXT ·softmaxAVX512(SB), NOSPLIT, $64-48
	MOVQ p+0(FP), DI
	MOVQ c+8(FP), SI
	MOVQ m+16(FP), R9
	MOVQ l+24(FP), R10
	MOVQ visible+32(FP), R8
	MOVQ n+40(FP), CX
	MOVL $-1, BX
	MOVL $0xff800000, AX
	VPBROADCASTD AX, Z31
	VISIBLE(0)
	VISIBLE(1)
	VISIBLE(2)
	VISIBLE(3)
	VISIBLE(4)
	VISIBLE(5)
	VISIBLE(6)
	VISIBLE(7)
	LOAD(0, Z0, Z8)
	LOAD(1, Z1, Z9)
	LOAD(2, Z2, Z10)
	LOAD(3, Z3, Z11)
	LOAD(4, Z4, Z12)
	LOAD(5, Z5, Z13)
	LOAD(6, Z6, Z14)
	LOAD(7, Z7, Z15)

	// Y16 = the greatest score of each query.
	VMAXPS Z0, Z8, Z16
	VMAXPS Z1, Z9, Z17
	VMAXPS Z2, Z10, Z18
	VMAXPS Z3, Z11, Z19
	VMAXPS Z4, Z12, Z20
	VMAXPS Z5, Z13, Z21
	VMAXPS Z6, Z14, Z22
	VMAXPS Z7, Z15, Z23
	MAXPAIR(Z16, Z17, Z24, Z28)
	MAXPAIR(Z18, Z19, Z25, Z29)
	MAXPAIR(Z20, Z21, Z26, Z28)
	MAXPAIR(Z22, Z23, Z27, Z29)
	MAXQUAD(Z24, Z25, Z16, Z28)
	MAXQUAD(Z26, Z27, Z17, Z29)
	VSHUFF32X4 $0x88, Z17, Z16, Z18
	VSHUFF32X4 $0xdd, Z17, Z16, Z19
	VMAXPS     Z19, Z18, Z18
	VSHUFF32X4 $0x88, Z18, Z18, Z16
	VSHUFF32X4 $0xdd, Z18, Z18, Z17
	VMAXPS     Y17, Y16, Y16

	// K3 = queries, K4 = those that see something. Z30 = corrections.
	BZHIL     CX, BX, AX
	KMOVW     AX, K3
	VMOVDQU32 masks-64(SP), Y17
	VPTESTMD  Y17, Y17, K3, K4
	VMOVUPS.Z (R9), K3, Y18
	VMAXPS    Y18, Y16, Y16
	VMOVAPS   Y18, Y17
	VMOVAPS   Y16, K4, Y17
	VMOVUPS   Y17, maxima-32(SP)
	VMOVUPS   Y17, K3, (R9)
	VSUBPS.Z  Y17, Y18, K4, Y30
	KXNORW    K1, K1, K1
	EXP(Z30, Z24, Z25, Z26, K1)
	VMOVUPS   Y30, (SI)

	WEIGHTS(0, Z0, Z8, Z16)
	WEIGHTS(1, Z1, Z9, Z17)
	WEIGHTS(2, Z2, Z10, Z18)
	WEIGHTS(3, Z3, Z11, Z19)
	WEIGHTS(4, Z4, Z12, Z20)
	WEIGHTS(5, Z5, Z13, Z21)
	WEIGHTS(6, Z6, Z14, Z22)
	WEIGHTS(7, Z7, Z15, Z23)
	STORE(0, Z0, Z8)
	STORE(1, Z1, Z9)
	STORE(2, Z2, Z10)
	STORE(3, Z3, Z11)
	STORE(4, Z4, Z12)
	STORE(5, Z5, Z13)
	STORE(6, Z6, Z14)
	STORE(7, Z7, Z15)

stored:
	// The tree of sumLanes for eight queries at once.
	SUMTREE8(Z16, Z17, Z18, Z19, Z20, Z21, Z22, Z23)
	VMOVUPS.Z (R10), K3, Y1
	VFMADD213PS Y0, Y30, Y1
	VMOVUPS   Y1, K3, (R10)
	VZEROUPPER
	RET
