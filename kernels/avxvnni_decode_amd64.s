//go:build amd64 && !noasm

#include "textflag.h"
#include "avx2_decode_amd64.h"
#include "avxvnni_amd64.h"

// One column, block formats, AVX-VNNI.

// The slot at R12 = the unsigned weights Y2 and Y0 of two blocks, first and
// second halves, times their activations. Sums of four products are 32 bits wide,
// so that weights may be any bytes.
#define DOTU(I, SLOT) \
	VPXOR Y5, Y5, Y5; \
	VPDPBUSD_R8((64*I), 2, 5); \
	VPDPBUSD_R8((64*I+32), 0, 5); \
	VMOVDQU Y5, (SLOT*I)(R12)

#define CONSTS_IQ4_NL \
	CONSTS_NIBBLES; \
	VBROADCASTI128 ·tableIQ4(SB), Y14
#define CONSTS_Q8_0 \
	VPBROADCASTD ·splat+12(SB), Y15

// Signed weights take an offset of 128, which is the bias as it is.
#define PAIR_Q8_0(I, B) \
	BYTES((68*I+2), B); \
	VPXOR Y15, Y2, Y2; \
	VPXOR Y15, Y0, Y0; \
	DOTU(I, 288); \
	SCALES(I, (68*I), B)
#define PAIR_IQ4_NL(I, B) \
	VALUES((36*I+2), B); \
	DOTU(I, 288); \
	SCALES(I, (36*I), B)

// func decodeQ4_0AVXVNNI(y *float32, w *byte, rows, n int, q *int8, d *float32, bias *int32, mem *byte)
TEXT ·decodeQ4_0AVXVNNI(SB), NOSPLIT, $0-64
	DECODE(CONSTS_NIBBLES, PAIR_Q4_0, 18, SUM8, 288)

// func decodeQ4_1AVXVNNI(y *float32, w *byte, rows, n int, q *int8, d *float32, bias *int32, mem *byte)
TEXT ·decodeQ4_1AVXVNNI(SB), NOSPLIT, $0-64
	DECODE(CONSTS_NIBBLES, PAIR_Q4_1, 20, SUMMIN, 320)

// func decodeQ5_0AVXVNNI(y *float32, w *byte, rows, n int, q *int8, d *float32, bias *int32, mem *byte)
TEXT ·decodeQ5_0AVXVNNI(SB), NOSPLIT, $0-64
	DECODE(CONSTS_FIFTHS, PAIR_Q5_0, 22, SUM16, 288)

// func decodeQ5_1AVXVNNI(y *float32, w *byte, rows, n int, q *int8, d *float32, bias *int32, mem *byte)
TEXT ·decodeQ5_1AVXVNNI(SB), NOSPLIT, $0-64
	DECODE(CONSTS_FIFTHS, PAIR_Q5_1, 24, SUMMIN, 320)

// func decodeQ8_0AVXVNNI(y *float32, w *byte, rows, n int, q *int8, d *float32, bias *int32, mem *byte)
TEXT ·decodeQ8_0AVXVNNI(SB), NOSPLIT, $0-64
	DECODE(CONSTS_Q8_0, PAIR_Q8_0, 34, SUM128, 288)

// func decodeIQ4_NLAVXVNNI(y *float32, w *byte, rows, n int, q *int8, d *float32, bias *int32, mem *byte)
TEXT ·decodeIQ4_NLAVXVNNI(SB), NOSPLIT, $0-64
	DECODE(CONSTS_IQ4_NL, PAIR_IQ4_NL, 18, SUM128, 288)
