//go:build amd64 && !noasm

#include "textflag.h"
#include "avx2_elem_amd64.h"

// The online softmax of up to six queries over a block of 32 positions. A query's
// greatest scores, and then the sums of its weights, lie by lane in Y(i).

// The greatest of query i's scores by lane, and on to found behind the last query.
#define GREATEST(i, S, T) \
	VMOVUPS (i*128)(DI), S; \
	VMOVUPS (i*128+32)(DI), T; \
	VMAXPS  (i*128+64)(DI), S, S; \
	VMAXPS  (i*128+96)(DI), T, T; \
	VMAXPS  T, S, S; \
	CMPQ    CX, $(i+1); \
	JEQ     found

// The weights of eight positions in W.
#define WEIGHTS(i, OFF, W) \
	VMOVUPS (i*128+OFF)(DI), W; \
	VSUBPS Y13, W, W; \
	EXP(W, Y9, Y10, Y11, Y12); \
	VMOVUPS W, (i*128+OFF)(DI)

// Memory does not rest meanwhile: 1 KB at BX is fetched for each query.
#define FETCH256(OFF) \
	PREFETCHT0 OFF(BX); \
	PREFETCHT0 (OFF+64)(BX); \
	PREFETCHT0 (OFF+128)(BX); \
	PREFETCHT0 (OFF+192)(BX)

// The weights of query i, whose maximum is at maxima, and lane j of S = the sum of
// p[j], p[j+16], p[j+8] and p[j+24], in the order of sumLanes.
#define QUERY(i, S) \
	VBROADCASTSS maxima-(32-i*4)(SP), Y13; \
	FETCH256(i*1024); \
	WEIGHTS(i, 0, S); \
	FETCH256(i*1024+256); \
	WEIGHTS(i, 64, Y6); \
	VADDPS Y6, S, S; \
	FETCH256(i*1024+512); \
	WEIGHTS(i, 32, Y7); \
	FETCH256(i*1024+768); \
	WEIGHTS(i, 96, Y8); \
	VADDPS Y8, Y7, Y7; \
	VADDPS Y7, S, S; \
	CMPQ   CX, $(i+1); \
	JEQ    weighed

// Y0 = the lanes of Y0-Y5 folded by OP to one for each query, in their order: lane
// i with i+4, then with i+2, then with i+1. Queries 0 and 4, and 1 and 5, share a
// vector. Clobbers Y1-Y8.
#define FOLD(OP) \
	VPERM2F128 $0x31, Y4, Y0, Y8; \
	VPERM2F128 $0x20, Y4, Y0, Y0; \
	OP Y8, Y0, Y0; \
	VPERM2F128 $0x31, Y5, Y1, Y8; \
	VPERM2F128 $0x20, Y5, Y1, Y1; \
	OP Y8, Y1, Y1; \
	VPERM2F128 $0x31, Y2, Y2, Y8; \
	OP Y8, Y2, Y2; \
	VPERM2F128 $0x31, Y3, Y3, Y8; \
	OP Y8, Y3, Y3; \
	VUNPCKLPS Y1, Y0, Y4; \
	VUNPCKHPS Y1, Y0, Y5; \
	OP Y5, Y4, Y4; \
	VUNPCKLPS Y3, Y2, Y6; \
	VUNPCKHPS Y3, Y2, Y7; \
	OP Y7, Y6, Y6; \
	VUNPCKLPD Y6, Y4, Y0; \
	VUNPCKHPD Y6, Y4, Y1; \
	OP Y1, Y0, Y0

// func softmaxAVX2(p, c, m, l *float32, n int, next uintptr)
//
// Turns the scores p [n][32], -Inf where nothing is visible, into weights, and sets
// the corrections c [8], the maxima m [n] and the sums l [n]. n KB at next, the
// next keys, are fetched.
TEXT ·softmaxAVX2(SB), NOSPLIT, $32-48
	MOVQ p+0(FP), DI
	MOVQ c+8(FP), SI
	MOVQ m+16(FP), R9
	MOVQ l+24(FP), R10
	MOVQ n+32(FP), CX
	MOVQ next+40(FP), BX

	// Y15 = the lanes of queries.
	VMOVD CX, X15
	VPBROADCASTD X15, Y15
	VPCMPGTD ·iota32+0(SB), Y15, Y15
	GREATEST(0, Y0, Y8)
	GREATEST(1, Y1, Y8)
	GREATEST(2, Y2, Y8)
	GREATEST(3, Y3, Y8)
	GREATEST(4, Y4, Y8)
	GREATEST(5, Y5, Y8)

found:
	FOLD(VMAXPS)
	VMASKMOVPS (R9), Y15, Y14
	VMAXPS  Y14, Y0, Y0
	VMASKMOVPS Y0, Y15, (R9)
	VMOVUPS Y0, maxima-32(SP)
	VSUBPS  Y0, Y14, Y14
	EXP(Y14, Y9, Y10, Y11, Y12)
	VMOVUPS Y14, (SI)
	QUERY(0, Y0)
	QUERY(1, Y1)
	QUERY(2, Y2)
	QUERY(3, Y3)
	QUERY(4, Y4)
	QUERY(5, Y5)

weighed:
	FOLD(VADDPS)
	VMASKMOVPS (R10), Y15, Y1
	VFMADD213PS Y0, Y14, Y1
	VMASKMOVPS Y1, Y15, (R10)
	VZEROUPPER
	RET
