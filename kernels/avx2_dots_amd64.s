//go:build amd64 && !noasm

#include "textflag.h"

// Products for AVX2, of int8 weights that the expand functions laid down.
//
// Products of bytes: |w| times the activation with the sign of w (its magnitude
// is at most 127, so that a sum of two fits int16), then sums of two, each
// times a word: 1 in block formats, the scale of the weights in super-blocks.

// Per 128-bit lane, the sums of four of eight dwords of A to D.
#define SUM4(A, B, C, D) \
	VPHADDD B, A, A; \
	VPHADDD D, C, C; \
	VPHADDD C, A, A

// S = the sums of eight rows of eight dwords at OFF(DI). Clobbers Y0-Y7.
#define SUMROWS(OFF, S) \
	VMOVDQU (OFF+0)(DI), Y0; \
	VMOVDQU (OFF+32)(DI), Y1; \
	VMOVDQU (OFF+64)(DI), Y2; \
	VMOVDQU (OFF+96)(DI), Y3; \
	VMOVDQU (OFF+128)(DI), Y4; \
	VMOVDQU (OFF+160)(DI), Y5; \
	VMOVDQU (OFF+192)(DI), Y6; \
	VMOVDQU (OFF+224)(DI), Y7; \
	SUM4(Y0, Y1, Y2, Y3); \
	SUM4(Y4, Y5, Y6, Y7); \
	VPERM2I128 $0x20, Y4, Y0, Y1; \
	VPERM2I128 $0x31, Y4, Y0, Y2; \
	VPADDD Y2, Y1, S

// 32 weights at OFF(SI) times the activations, in words of S: sums to D.
#define DOT(OFF, S, D) \
	VMOVDQU OFF(SI), Y8; \
	VPABSB Y8, Y9; \
	VMOVDQU OFF(R8), D; \
	VPSIGNB Y8, D, D; \
	VPMADDUBSW D, Y9, D; \
	VPMADDWD S, D, D

// The scales of 32 weights, each for 16: words at OFF(R9).
#define SCALES(OFF) \
	VPBROADCASTW OFF(R9), X14; \
	VPBROADCASTW (OFF+2)(R9), X15; \
	VINSERTI128 $1, X15, Y14, Y14

#define WEIGH(OFF, SOFF) \
	SCALES(SOFF); \
	DOT(OFF, Y14, Y1); \
	VPADDD Y1, Y0, Y0

// acc Y15 += or -= float32(S)·(rows' scales at OFF(R10) · da in Y14).
#define ADDSUM(S, OFF) \
	VMULPS OFF(R10), Y14, Y13; \
	VCVTDQ2PS S, S; \
	VMULPS Y13, S, S; \
	VADDPS S, Y15, Y15
#define SUBSUM(S, OFF) \
	VMULPS OFF(R10), Y14, Y13; \
	VCVTDQ2PS S, S; \
	VMULPS Y13, S, S; \
	VSUBPS S, Y15, Y15

#define REDUCE_ARGS \
	MOVQ acc+0(FP), AX; \
	MOVQ sums+8(FP), DI; \
	MOVQ scales+16(FP), R10; \
	MOVQ n+24(FP), CX; \
	MOVQ d+32(FP), R12; \
	VXORPS Y15, Y15, Y15

#define NEXT(SUMS) \
	ADDQ $SUMS, DI; \
	ADDQ $64, R10; \
	ADDQ $4, R12; \
	DECQ CX; \
	JNZ next; \
	VMOVUPS Y15, (AX); \
	VZEROUPPER; \
	RET

// func dotsBlocksAVX2(sums, row *byte, q *int8, blocks int)
//
// One row times one column: eight partial sums of each block, 256 bytes apart.
TEXT ·dotsBlocksAVX2(SB), NOSPLIT, $0-32
	MOVQ sums+0(FP), DI
	MOVQ row+8(FP), SI
	MOVQ q+16(FP), R8
	MOVQ blocks+24(FP), CX
	VPCMPEQW Y15, Y15, Y15
	VPSRLW $15, Y15, Y15

block:
	DOT(0, Y15, Y0)
	VMOVDQU Y0, (DI)
	ADDQ $32, SI
	ADDQ $32, R8
	ADDQ $256, DI
	DECQ CX
	JNZ  block
	VZEROUPPER
	RET

// func dotsSupersAVX2(sums, row *byte, scales *int16, q *int8, sum *int16, supers int)
//
// One row times one column: eight partial sums of each super-block, then of its
// minimums, 512 and 256 bytes apart; scales are [super][2][16]: scales, minimums.
TEXT ·dotsSupersAVX2(SB), NOSPLIT, $0-48
	MOVQ sums+0(FP), DI
	MOVQ row+8(FP), SI
	MOVQ scales+16(FP), R9
	MOVQ q+24(FP), R8
	MOVQ sum+32(FP), R10
	MOVQ supers+40(FP), CX

super:
	VPXOR Y0, Y0, Y0
	WEIGH(0, 0)
	WEIGH(32, 4)
	WEIGH(64, 8)
	WEIGH(96, 12)
	WEIGH(128, 16)
	WEIGH(160, 20)
	WEIGH(192, 24)
	WEIGH(224, 28)
	VMOVDQU  Y0, (DI)
	VMOVDQU  32(R9), Y1
	VPMADDWD (R10), Y1, Y1
	VMOVDQU  Y1, 256(DI)
	ADDQ $256, SI
	ADDQ $256, R8
	ADDQ $64, R9
	ADDQ $32, R10
	ADDQ $512, DI
	DECQ CX
	JNZ  super
	VZEROUPPER
	RET

// func reduceBlocksAVX2(acc *float32, sums *byte, scales *float32, n int, d *float32, bias *int32)
//
// acc = eight rows' sums over n blocks, in their order; scales are [n][2][8]:
// scales and minimums.
TEXT ·reduceBlocksAVX2(SB), NOSPLIT, $0-48
	REDUCE_ARGS

next:
	SUMROWS(0, Y10)
	VBROADCASTSS (R12), Y14
	ADDSUM(Y10, 0)
	NEXT(256)

// func reduceMinBlocksAVX2(acc *float32, sums *byte, scales *float32, n int, d *float32, bias *int32)
//
// As reduceBlocksAVX2; the sum of the activations is -bias/128.
TEXT ·reduceMinBlocksAVX2(SB), NOSPLIT, $0-48
	REDUCE_ARGS
	MOVQ bias+40(FP), SI

next:
	SUMROWS(0, Y10)
	VBROADCASTSS (R12), Y14
	ADDSUM(Y10, 0)
	VPBROADCASTD (SI), Y10
	VPSRAD $7, Y10, Y10
	ADDQ $4, SI
	SUBSUM(Y10, 32)
	NEXT(256)

// func reduceSupersAVX2(acc *float32, sums *byte, scales *float32, n int, d *float32)
TEXT ·reduceSupersAVX2(SB), NOSPLIT, $0-40
	REDUCE_ARGS

next:
	SUMROWS(0, Y10)
	VBROADCASTSS (R12), Y14
	ADDSUM(Y10, 0)
	NEXT(512)

// func reduceMinSupersAVX2(acc *float32, sums *byte, scales *float32, n int, d *float32)
TEXT ·reduceMinSupersAVX2(SB), NOSPLIT, $0-40
	REDUCE_ARGS

next:
	SUMROWS(0, Y10)
	VBROADCASTSS (R12), Y14
	ADDSUM(Y10, 0)
	SUMROWS(256, Y10)
	SUBSUM(Y10, 32)
	NEXT(512)
