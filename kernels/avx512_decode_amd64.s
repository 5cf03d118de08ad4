//go:build amd64 && !noasm

#include "textflag.h"
#include "avx2_decode_amd64.h"

// One column, block formats, AVX-512: a pair of blocks is one vector, the lanes
// of 128 bits being their first, then their second halves.

// The slot at R12 = the unsigned weights Z0 of a pair of blocks times their
// activations.
#define DOTPAIR(I, SLOT) \
	VPXORQ Z1, Z1, Z1; \
	VPDPBUSD (64*I)(R8), Z0, Z1; \
	VEXTRACTI64X4 $1, Z1, Y2; \
	VPADDD Y2, Y1, Y1; \
	VMOVDQU Y1, (SLOT*I)(R12)

// Z = sixteen bytes of the blocks at OFF(SI) and B further, twice.
#define TWICE(OFF, B, X, Y, Z) \
	VMOVDQU OFF(SI), X; \
	VINSERTI128 $1, (OFF+B)(SI), Y, Y; \
	VSHUFI64X2 $0x44, Z, Z, Z

// Low nibbles, then high ones, below other bits. Z15 = shifts.
#define SHIFTED(OFF, B) \
	TWICE(OFF, B, X0, Y0, Z0); \
	VPSRLVQ Z15, Z0, Z0
#define CONSTS_NIBBLES512 \
	MASKS; \
	VMOVDQU64 ·halfShift(SB), Z15; \
	VPBROADCASTD ·splat+0(SB), Z14

// Nibbles with the fifth bits at OFF-4. Z13 = the byte of 32 bits that each of
// the weights needs, Z12 = masks, Z11 = 16.
#define NIBBLES5_512(OFF, B) \
	TWICE((OFF-4), B, X1, Y1, Z1); \
	SHIFTED(OFF, B); \
	VPSHUFB Z13, Z1, Z1; \
	VPTESTMB Z12, Z1, K1; \
	VPANDD Z14, Z0, Z0; \
	VPADDB Z11, Z0, K1, Z0
#define CONSTS_FIFTHS512 \
	CONSTS_NIBBLES512; \
	VMOVDQU64 ·bitBytes16(SB), Z13; \
	VPBROADCASTQ ·bitMasks(SB), Z12; \
	VPBROADCASTD ·splat+8(SB), Z11

#define P_Q4_0(I, B) \
	SHIFTED((36*I+2), B); \
	VPANDD Z14, Z0, Z0; \
	DOTPAIR(I, 288); \
	SCALES(I, (36*I), B)
#define P_Q4_1(I, B) \
	SHIFTED((40*I+4), B); \
	VPANDD Z14, Z0, Z0; \
	DOTPAIR(I, 320); \
	SCALESMIN(I, (40*I), B)
#define P_Q5_0(I, B) \
	NIBBLES5_512((44*I+6), B); \
	DOTPAIR(I, 288); \
	SCALES(I, (44*I), B)
#define P_Q5_1(I, B) \
	NIBBLES5_512((48*I+8), B); \
	DOTPAIR(I, 320); \
	SCALESMIN(I, (48*I), B)

// Signed weights take an offset of 128, which is the bias as it is. Z15 = 128.
#define CONSTS_Q8_0 \
	MASKS; \
	VPBROADCASTD ·splat+12(SB), Z15
#define P_Q8_0(I, B) \
	VMOVDQU (68*I+2)(SI), Y0; \
	VINSERTI64X4 $1, (68*I+B+2)(SI), Z0, Z0; \
	VPXORQ Z15, Z0, Z0; \
	VSHUFI64X2 $0xd8, Z0, Z0, Z0; \
	DOTPAIR(I, 288); \
	SCALES(I, (68*I), B)

// Z14 = a table of values, every sixteen bytes, so that VPERMB needs no mask.
#define CONSTS_IQ4_NL \
	MASKS; \
	VMOVDQU64 ·halfShift(SB), Z15; \
	VBROADCASTI32X4 ·tableIQ4(SB), Z14
#define P_IQ4_NL(I, B) \
	SHIFTED((36*I+2), B); \
	VPERMB Z14, Z0, Z0; \
	DOTPAIR(I, 288); \
	SCALES(I, (36*I), B)

// The second pass, A and B being the halves of a vector.

// Z0 = the sums of eight rows, A and B, from the slots at R12.
#define TREE512 \
	VMOVDQU64 0(R12), Z0; \
	VMOVDQU64 64(R12), Z1; \
	VMOVDQU64 128(R12), Z2; \
	VMOVDQU64 192(R12), Z3; \
	SUM4(Z0, Z1, Z2, Z3, Z8); \
	VMOVDQU64 ·sumOrder(SB), Z1; \
	VPERMD Z0, Z1, Z0

// Behind the last block there is no other: the masks of what is B's let nothing
// be read. K2 = odd lanes, K3 = the upper half.
#define MASKS \
	MOVL $0xaaaa, AX; \
	KMOVW AX, K2; \
	MOVL $0xff00, AX; \
	KMOVW AX, K3
#define LAST(more) \
	CMPQ CX, $1; \
	JNE more; \
	KXORW K2, K2, K2; \
	KXORW K3, K3, K3; \
more:

// Z4 = the biases of both, shifted.
#define BIASES(SHIFT) \
	VPBROADCASTD (R8), Z4; \
	VPBROADCASTD 4(R8), K3, Z4; \
	VPSRAD $SHIFT, Z4, Z4

#define ADDBOTH \
	VADDPS Y0, Y15, Y15; \
	DECQ CX; \
	JEQ summed; \
	VEXTRACTF64X4 $1, Z0, Y0; \
	VADDPS Y0, Y15, Y15

#define SUMOFFSET512(SHIFT) \
	TREE512; \
	LAST(more); \
	VCVTPH2PS 256(R12), Z2; \
	VBROADCASTSS (R9), Z3; \
	VBROADCASTSS 4(R9), K2, Z3; \
	VMULPS Z3, Z2, Z2; \
	BIASES(SHIFT); \
	VMOVDQU64 ·scaleOrder(SB), Z1; \
	VPERMPS Z2, Z1, Z2; \
	VPADDD Z4, Z0, Z0; \
	VCVTDQ2PS Z0, Z0; \
	VMULPS Z2, Z0, Z0; \
	ADDBOTH
#define SUM8_512 SUMOFFSET512(4)
#define SUM16_512 SUMOFFSET512(3)
#define SUM128_512 SUMOFFSET512(0)

// The scales in Z2, the minimums in Z5 (see SUMMIN for the signs).
#define SUMMIN512 \
	TREE512; \
	LAST(more); \
	VCVTPH2PS 256(R12), Z3; \
	VCVTPH2PS 288(R12), Z6; \
	VMULPS.BCST (R9), Z3, Z3; \
	VBROADCASTSS.Z 4(R9), K3, Z7; \
	VSHUFF64X2 $0xee, Z7, Z7, Z7; \
	VMULPS Z7, Z6, Z6; \
	VMOVDQU64 ·minOrder+0(SB), Z2; \
	VMOVDQU64 ·minOrder+64(SB), Z5; \
	VPERMI2PS Z6, Z3, Z2; \
	VPERMI2PS Z6, Z3, Z5; \
	BIASES(7); \
	VCVTDQ2PS Z0, Z0; \
	VCVTDQ2PS Z4, Z4; \
	VMULPS Z2, Z0, Z0; \
	VMULPS Z5, Z4, Z4; \
	VADDPS Y0, Y15, Y15; \
	VSUBPS Y4, Y15, Y15; \
	DECQ CX; \
	JEQ summed; \
	VEXTRACTF64X4 $1, Z0, Y0; \
	VEXTRACTF64X4 $1, Z4, Y4; \
	VADDPS Y0, Y15, Y15; \
	VSUBPS Y4, Y15, Y15

// func decodeQ4_0AVX512(y *float32, w *byte, rows, n int, q *int8, d *float32, bias *int32, mem *byte)
TEXT ·decodeQ4_0AVX512(SB), NOSPLIT, $0-64
	DECODE(CONSTS_NIBBLES512, P_Q4_0, 18, SUM8_512, 288)

// func decodeQ4_1AVX512(y *float32, w *byte, rows, n int, q *int8, d *float32, bias *int32, mem *byte)
TEXT ·decodeQ4_1AVX512(SB), NOSPLIT, $0-64
	DECODE(CONSTS_NIBBLES512, P_Q4_1, 20, SUMMIN512, 320)

// func decodeQ5_0AVX512(y *float32, w *byte, rows, n int, q *int8, d *float32, bias *int32, mem *byte)
TEXT ·decodeQ5_0AVX512(SB), NOSPLIT, $0-64
	DECODE(CONSTS_FIFTHS512, P_Q5_0, 22, SUM16_512, 288)

// func decodeQ5_1AVX512(y *float32, w *byte, rows, n int, q *int8, d *float32, bias *int32, mem *byte)
TEXT ·decodeQ5_1AVX512(SB), NOSPLIT, $0-64
	DECODE(CONSTS_FIFTHS512, P_Q5_1, 24, SUMMIN512, 320)

// func decodeQ8_0AVX512(y *float32, w *byte, rows, n int, q *int8, d *float32, bias *int32, mem *byte)
TEXT ·decodeQ8_0AVX512(SB), NOSPLIT, $0-64
	DECODE(CONSTS_Q8_0, P_Q8_0, 34, SUM128_512, 288)

// func decodeIQ4_NLAVX512(y *float32, w *byte, rows, n int, q *int8, d *float32, bias *int32, mem *byte)
TEXT ·decodeIQ4_NLAVX512(SB), NOSPLIT, $0-64
	DECODE(CONSTS_IQ4_NL, P_IQ4_NL, 18, SUM128_512, 288)
