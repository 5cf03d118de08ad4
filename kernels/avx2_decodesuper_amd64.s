//go:build amd64 && !noasm

#include "textflag.h"
#include "avx2_decode_amd64.h"
#include "avx2_decodesuper_amd64.h"

// One column, super-block formats, AVX2.

#define DOT2 \
	VPMADDWD Y4, Y2, Y2; \
	VPMADDWD Y5, Y3, Y3; \
	VPADDD Y2, Y0, Y0; \
	VPADDD Y3, Y1, Y1

// func decodeQ2_KAVX2(y *float32, w *byte, rows, n int, q *int8, d *float32, sum *int16, mem *byte)
TEXT ·decodeQ2_KAVX2(SB), NOSPLIT, $0-64
	DECODEMIN(CONSTS_Q2_K, ONE_Q2_K, 84, 32)

// func decodeQ3_KAVX2(y *float32, w *byte, rows, n int, q *int8, d *float32, sum *int16, mem *byte)
TEXT ·decodeQ3_KAVX2(SB), NOSPLIT, $0-64
	DECODEPLAIN(CONSTS_Q3_K, ONE_Q3_K, 110)

// func decodeQ4_KAVX2(y *float32, w *byte, rows, n int, q *int8, d *float32, sum *int16, mem *byte)
TEXT ·decodeQ4_KAVX2(SB), NOSPLIT, $0-64
	DECODEMIN(CONSTS_Q4_K, ONE_Q4_K, 144, 16)

// func decodeQ5_KAVX2(y *float32, w *byte, rows, n int, q *int8, d *float32, sum *int16, mem *byte)
TEXT ·decodeQ5_KAVX2(SB), NOSPLIT, $0-64
	DECODEMIN(CONSTS_Q5_K, ONE_Q5_K, 176, 16)

// func decodeQ6_KAVX2(y *float32, w *byte, rows, n int, q *int8, d *float32, sum *int16, mem *byte)
TEXT ·decodeQ6_KAVX2(SB), NOSPLIT, $0-64
	DECODEPLAIN(CONSTS_Q6_K, ONE_Q6_K, 210)

// func decodeIQ4_XSAVX2(y *float32, w *byte, rows, n int, q *int8, d *float32, sum *int16, mem *byte)
TEXT ·decodeIQ4_XSAVX2(SB), NOSPLIT, $0-64
	DECODEPLAIN(CONSTS_IQ4_XS, ONE_IQ4_XS, 136)

// func sums32AVX2(dst, sum *int16, supers int)
//
// The sums of 32 activations from those of 16.
TEXT ·sums32AVX2(SB), NOSPLIT, $0-24
	MOVQ dst+0(FP), DI
	MOVQ sum+8(FP), SI
	MOVQ supers+16(FP), CX

super:
	VMOVDQU (SI), X0
	VPHADDW 16(SI), X0, X0
	VMOVDQU X0, (DI)
	ADDQ    $32, SI
	ADDQ    $16, DI
	DECQ    CX
	JNE     super
	RET
