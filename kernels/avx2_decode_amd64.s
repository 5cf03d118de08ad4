//go:build amd64 && !noasm

#include "textflag.h"
#include "avx2_decode_amd64.h"

// One column, block formats, AVX2.

// The slot at R12 = the unsigned weights Y2 and Y0 of two blocks, first and
// second halves, times their activations. Weights are below 32, so that sums of
// four products fit int16. Y10 = 1 in every word.
#define DOTU(I, SLOT) \
	VPMADDUBSW (64*I)(R8), Y2, Y2; \
	VPMADDUBSW (64*I+32)(R8), Y0, Y0; \
	VPADDW Y0, Y2, Y2; \
	VPMADDWD Y10, Y2, Y2; \
	VMOVDQU Y2, (SLOT*I)(R12)

// The same of signed weights: |w| times the activation with the sign of w. Even
// -128, which VPABSB leaves as it is, 128 unsigned, makes a sum of two that fits
// int16: 2·128·127 < 2^15.
#define DOTS(I, SLOT) \
	VMOVDQU (64*I)(R8), Y3; \
	VMOVDQU (64*I+32)(R8), Y4; \
	VPSIGNB Y2, Y3, Y3; \
	VPSIGNB Y0, Y4, Y4; \
	VPABSB Y2, Y2; \
	VPABSB Y0, Y0; \
	VPMADDUBSW Y3, Y2, Y2; \
	VPMADDUBSW Y4, Y0, Y0; \
	VPMADDWD Y10, Y2, Y2; \
	VPMADDWD Y10, Y0, Y0; \
	VPADDD Y0, Y2, Y2; \
	VMOVDQU Y2, (SLOT*I)(R12)

#define CONSTS_ONES \
	VPCMPEQW Y10, Y10, Y10; \
	VPSRLW $15, Y10, Y10
#define CONSTS_Q4 \
	CONSTS_ONES; \
	CONSTS_NIBBLES
#define CONSTS_Q5 \
	CONSTS_ONES; \
	CONSTS_FIFTHS
#define CONSTS_IQ4_NL \
	CONSTS_Q4; \
	VBROADCASTI128 ·valuesIQ4(SB), Y14

#define PAIR_Q8_0(I, B) \
	BYTES((68*I+2), B); \
	DOTS(I, 288); \
	SCALES(I, (68*I), B)
#define PAIR_IQ4_NL(I, B) \
	VALUES((36*I+2), B); \
	DOTS(I, 288); \
	SCALES(I, (36*I), B)

// func decodeQ4_0AVX2(y *float32, w *byte, rows, n int, q *int8, d *float32, bias *int32, mem *byte)
TEXT ·decodeQ4_0AVX2(SB), NOSPLIT, $0-64
	DECODE(CONSTS_Q4, PAIR_Q4_0, 18, SUM8, 288)

// func decodeQ4_1AVX2(y *float32, w *byte, rows, n int, q *int8, d *float32, bias *int32, mem *byte)
TEXT ·decodeQ4_1AVX2(SB), NOSPLIT, $0-64
	DECODE(CONSTS_Q4, PAIR_Q4_1, 20, SUMMIN, 320)

// func decodeQ5_0AVX2(y *float32, w *byte, rows, n int, q *int8, d *float32, bias *int32, mem *byte)
TEXT ·decodeQ5_0AVX2(SB), NOSPLIT, $0-64
	DECODE(CONSTS_Q5, PAIR_Q5_0, 22, SUM16, 288)

// func decodeQ5_1AVX2(y *float32, w *byte, rows, n int, q *int8, d *float32, bias *int32, mem *byte)
TEXT ·decodeQ5_1AVX2(SB), NOSPLIT, $0-64
	DECODE(CONSTS_Q5, PAIR_Q5_1, 24, SUMMIN, 320)

// func decodeQ8_0AVX2(y *float32, w *byte, rows, n int, q *int8, d *float32, bias *int32, mem *byte)
TEXT ·decodeQ8_0AVX2(SB), NOSPLIT, $0-64
	DECODE(CONSTS_ONES, PAIR_Q8_0, 34, SUM0, 288)

// func decodeIQ4_NLAVX2(y *float32, w *byte, rows, n int, q *int8, d *float32, bias *int32, mem *byte)
TEXT ·decodeIQ4_NLAVX2(SB), NOSPLIT, $0-64
	DECODE(CONSTS_IQ4_NL, PAIR_IQ4_NL, 18, SUM0, 288)

// func pairsAVX2(dst, q *int8, blocks int)
//
// The activations of every two blocks: their first halves, then their second
// ones. A last block without a partner is its own.
TEXT ·pairsAVX2(SB), NOSPLIT, $0-24
	MOVQ dst+0(FP), DI
	MOVQ q+8(FP), SI
	MOVQ blocks+16(FP), CX
	SUBQ $2, CX
	JLT  odd

pair:
	VMOVDQU    (SI), Y0
	VMOVDQU    32(SI), Y1
	VPERM2I128 $0x20, Y1, Y0, Y2
	VPERM2I128 $0x31, Y1, Y0, Y3
	VMOVDQU    Y2, (DI)
	VMOVDQU    Y3, 32(DI)
	ADDQ       $64, SI
	ADDQ       $64, DI
	SUBQ       $2, CX
	JGE        pair

odd:
	CMPQ CX, $-1
	JNE  done
	VBROADCASTI128 (SI), Y0
	VBROADCASTI128 16(SI), Y1
	VMOVDQU Y0, (DI)
	VMOVDQU Y1, 32(DI)

done:
	VZEROUPPER
	RET
