//go:build amd64 && !noasm

#include "textflag.h"
#include "avx2_elem_amd64.h"

// The online softmax of up to eight queries over a block of 32 positions.

// The weights of eight positions in W.
#define WEIGHTS(OFF, W) \
	VMOVUPS OFF(DI), W; \
	VSUBPS Y12, W, W; \
	EXP(W, Y8, Y9, Y10, Y11); \
	VMOVUPS W, OFF(DI)

// func softmaxAVX2(p, c, m, l *float32, n int)
//
// Turns the scores p [n][32], -Inf where nothing is visible, into weights, and sets
// the corrections c [8], the maxima m [n] and the sums l [n].
TEXT ·softmaxAVX2(SB), NOSPLIT, $32-40
	MOVQ p+0(FP), DI
	MOVQ c+8(FP), SI
	MOVQ m+16(FP), R9
	MOVQ l+24(FP), R10
	MOVQ n+32(FP), CX
	LEAQ maxima-32(SP), R8
	XORL BX, BX

	// Y15 = the lanes of queries.
	VMOVD CX, X15
	VPBROADCASTD X15, Y15
	VPCMPGTD ·iota32(SB), Y15, Y15

greatest:
	VMOVUPS (DI), Y0
	VMOVUPS 32(DI), Y1
	VMAXPS 64(DI), Y0, Y0
	VMAXPS 96(DI), Y1, Y1
	VMAXPS Y1, Y0, Y0
	VEXTRACTF128 $1, Y0, X1
	VMAXPS X1, X0, X0
	VPSHUFD $0x0e, X0, X1
	VMAXPS X1, X0, X0
	VPSHUFD $0x01, X0, X1
	VMAXPS X1, X0, X0
	VMOVSS X0, (R8)(BX*4)
	ADDQ $128, DI
	INCQ BX
	CMPQ BX, CX
	JLT  greatest

	VMASKMOVPS (R9), Y15, Y14
	VMOVUPS (R8), Y13
	VMAXPS Y14, Y13, Y13
	VMASKMOVPS Y13, Y15, (R9)
	VMOVUPS Y13, (R8)
	VSUBPS Y13, Y14, Y14
	EXP(Y14, Y8, Y9, Y10, Y11)
	VMOVUPS Y14, (SI)

	// Their sums take the place of the maxima.
	MOVQ p+0(FP), DI
	XORL BX, BX

weights:
	VBROADCASTSS (R8)(BX*4), Y12
	WEIGHTS(0, Y0)
	WEIGHTS(32, Y1)
	WEIGHTS(64, Y2)
	WEIGHTS(96, Y3)
	VADDPS Y2, Y0, Y0
	VADDPS Y3, Y1, Y1
	VADDPS Y1, Y0, Y0
	VEXTRACTF128 $1, Y0, X1
	VADDPS X1, X0, X0
	VPSHUFD $0x0e, X0, X1
	VADDPS X1, X0, X0
	VPSHUFD $0x01, X0, X1
	VADDPS X1, X0, X0
	VMOVSS X0, (R8)(BX*4)
	ADDQ $128, DI
	INCQ BX
	CMPQ BX, CX
	JLT  weights

	VMOVUPS (R8), Y0
	VMASKMOVPS (R10), Y15, Y1
	VFMADD213PS Y0, Y14, Y1
	VMASKMOVPS Y1, Y15, (R10)
	VZEROUPPER
	RET
