//go:build amd64 && !noasm

#include "textflag.h"

// Unpacking for AVX2: rows of blocks to int8 weights in their order, as generic
// Go unpacks them. DI = weights, SI = blocks, CX = blocks left.

#define ARGS \
	MOVQ dst+0(FP), DI; \
	MOVQ w+8(FP), SI; \
	MOVQ n+16(FP), CX

// The stream is fetched far ahead to the second-level cache, near to the first.
#define NEXT(SIZE, WEIGHTS) \
	PREFETCHT1 16384(SI); \
	PREFETCHT0 2048(SI); \
	ADDQ $SIZE, SI; \
	ADDQ $WEIGHTS, DI; \
	DECQ CX; \
	JNZ block; \
	VZEROUPPER; \
	RET

// Y15 = low nibble, Y14 = shifts of the lanes.
#define CONSTS_NIBBLES \
	VPBROADCASTD ·splat+0(SB), Y15; \
	VMOVDQU ·nibbleShift(SB), Y14

// Sixteen bytes of nibbles: the low ones, then the high ones.
#define NIBBLES(OFF, D) \
	VBROADCASTI128 OFF(SI), D; \
	VPSRLVQ Y14, D, D; \
	VPAND Y15, D, D

// D = 0xff where the bit at OFF is set. Y13 = a byte of bits for each eight
// weights, Y12 = their masks.
#define CONSTS_BITS \
	VMOVDQU ·bitBytes(SB), Y13; \
	VPBROADCASTQ ·bitMasks(SB), Y12
#define BITS(OFF, D) \
	VPBROADCASTD OFF(SI), D; \
	VPSHUFB Y13, D, D; \
	VPAND Y12, D, D; \
	VPCMPEQB Y12, D, D

#define WORDS_ARGS \
	MOVQ words+0(FP), DI; \
	MOVQ d+8(FP), R8; \
	MOVQ w+16(FP), SI; \
	MOVQ stride+24(FP), R9; \
	MOVQ n+32(FP), CX

#define WORDS_NEXT \
	ADDQ R9, SI; \
	ADDQ $64, DI; \
	ADDQ $64, R8; \
	DECQ CX; \
	JNZ block; \
	VZEROUPPER; \
	RET

// func expandQ4_0AVX2(dst, w *byte, n int)
TEXT ·expandQ4_0AVX2(SB), NOSPLIT, $0-24
	ARGS
	CONSTS_NIBBLES
	VPBROADCASTD ·offsets+0(SB), Y11

block:
	NIBBLES(2, Y0)
	VPSUBB Y11, Y0, Y0
	VMOVDQU Y0, (DI)
	NEXT(18, 32)

// func expandQ4_1AVX2(dst, w *byte, n int)
TEXT ·expandQ4_1AVX2(SB), NOSPLIT, $0-24
	ARGS
	CONSTS_NIBBLES

block:
	NIBBLES(4, Y0)
	VMOVDQU Y0, (DI)
	NEXT(20, 32)

// Where the fifth bit is not set, 0xf0 takes off 16.
// func expandQ5_0AVX2(dst, w *byte, n int)
TEXT ·expandQ5_0AVX2(SB), NOSPLIT, $0-24
	ARGS
	CONSTS_NIBBLES
	CONSTS_BITS
	VPBROADCASTD ·offsets+4(SB), Y11

block:
	NIBBLES(6, Y0)
	BITS(2, Y1)
	VPANDN Y11, Y1, Y1
	VPOR Y1, Y0, Y0
	VMOVDQU Y0, (DI)
	NEXT(22, 32)

// func expandQ5_1AVX2(dst, w *byte, n int)
TEXT ·expandQ5_1AVX2(SB), NOSPLIT, $0-24
	ARGS
	CONSTS_NIBBLES
	CONSTS_BITS
	VPBROADCASTD ·splat+8(SB), Y11

block:
	NIBBLES(8, Y0)
	BITS(4, Y1)
	VPAND Y11, Y1, Y1
	VPOR Y1, Y0, Y0
	VMOVDQU Y0, (DI)
	NEXT(24, 32)

// func expandQ8_0AVX2(dst, w *byte, n int)
TEXT ·expandQ8_0AVX2(SB), NOSPLIT, $0-24
	ARGS

block:
	VMOVDQU 2(SI), Y0
	VMOVDQU Y0, (DI)
	NEXT(34, 32)

// func expandIQ4_NLAVX2(dst, w *byte, n int)
TEXT ·expandIQ4_NLAVX2(SB), NOSPLIT, $0-24
	ARGS
	CONSTS_NIBBLES
	VBROADCASTI128 ·valuesIQ4(SB), Y11

block:
	NIBBLES(2, Y0)
	VPSHUFB Y0, Y11, Y0
	VMOVDQU Y0, (DI)
	NEXT(18, 32)

// Bit pair j of 32 bytes X to D. Y15 = 3.
#define PAIR0(X, D) VPAND X, Y15, D
#define PAIR1(X, D) VPSRLW $2, X, D; VPAND D, Y15, D
#define PAIR2(X, D) VPSRLW $4, X, D; VPAND D, Y15, D
#define PAIR3(X, D) VPSRLW $6, X, D; VPAND D, Y15, D

// func expandQ2_KAVX2(dst, w *byte, n int)
TEXT ·expandQ2_KAVX2(SB), NOSPLIT, $0-24
	ARGS
	VPBROADCASTD ·splat+20(SB), Y15

block:
	VMOVDQU 16(SI), Y0
	VMOVDQU 48(SI), Y1
	PAIR0(Y0, Y2)
	VMOVDQU Y2, 0(DI)
	PAIR1(Y0, Y2)
	VMOVDQU Y2, 32(DI)
	PAIR2(Y0, Y2)
	VMOVDQU Y2, 64(DI)
	PAIR3(Y0, Y2)
	VMOVDQU Y2, 96(DI)
	PAIR0(Y1, Y2)
	VMOVDQU Y2, 128(DI)
	PAIR1(Y1, Y2)
	VMOVDQU Y2, 160(DI)
	PAIR2(Y1, Y2)
	VMOVDQU Y2, 192(DI)
	PAIR3(Y1, Y2)
	VMOVDQU Y2, 224(DI)
	NEXT(84, 256)

// The third bits, bit j of 32 bytes for the j-th 32 weights, go to bit 2; then
// 4 comes off. Y14 = 4.
// func expandQ3_KAVX2(dst, w *byte, n int)
TEXT ·expandQ3_KAVX2(SB), NOSPLIT, $0-24
	ARGS
	VPBROADCASTD ·splat+20(SB), Y15
	VPBROADCASTD ·splat+24(SB), Y14

block:
	VMOVDQU (SI), Y3
	VMOVDQU 32(SI), Y0
	VMOVDQU 64(SI), Y1
	PAIR0(Y0, Y2)
	VPSLLW $2, Y3, Y4
	VPAND Y14, Y4, Y4
	VPOR Y4, Y2, Y2
	VPSUBB Y14, Y2, Y2
	VMOVDQU Y2, 0(DI)
	PAIR1(Y0, Y2)
	VPSLLW $1, Y3, Y4
	VPAND Y14, Y4, Y4
	VPOR Y4, Y2, Y2
	VPSUBB Y14, Y2, Y2
	VMOVDQU Y2, 32(DI)
	PAIR2(Y0, Y2)
	VMOVDQU Y3, Y4
	VPAND Y14, Y4, Y4
	VPOR Y4, Y2, Y2
	VPSUBB Y14, Y2, Y2
	VMOVDQU Y2, 64(DI)
	PAIR3(Y0, Y2)
	VPSRLW $1, Y3, Y4
	VPAND Y14, Y4, Y4
	VPOR Y4, Y2, Y2
	VPSUBB Y14, Y2, Y2
	VMOVDQU Y2, 96(DI)
	PAIR0(Y1, Y2)
	VPSRLW $2, Y3, Y4
	VPAND Y14, Y4, Y4
	VPOR Y4, Y2, Y2
	VPSUBB Y14, Y2, Y2
	VMOVDQU Y2, 128(DI)
	PAIR1(Y1, Y2)
	VPSRLW $3, Y3, Y4
	VPAND Y14, Y4, Y4
	VPOR Y4, Y2, Y2
	VPSUBB Y14, Y2, Y2
	VMOVDQU Y2, 160(DI)
	PAIR2(Y1, Y2)
	VPSRLW $4, Y3, Y4
	VPAND Y14, Y4, Y4
	VPOR Y4, Y2, Y2
	VPSUBB Y14, Y2, Y2
	VMOVDQU Y2, 192(DI)
	PAIR3(Y1, Y2)
	VPSRLW $5, Y3, Y4
	VPAND Y14, Y4, Y4
	VPOR Y4, Y2, Y2
	VPSUBB Y14, Y2, Y2
	VMOVDQU Y2, 224(DI)
	NEXT(110, 256)

// The low and the high nibbles of 32 bytes. Y15 = low nibble.
#define LOW(X, D) VPAND X, Y15, D
#define HIGH(X, D) VPSRLW $4, X, D; VPAND D, Y15, D

// func expandQ4_KAVX2(dst, w *byte, n int)
TEXT ·expandQ4_KAVX2(SB), NOSPLIT, $0-24
	ARGS
	VPBROADCASTD ·splat+0(SB), Y15

block:
	VMOVDQU 16(SI), Y0
	LOW(Y0, Y1)
	HIGH(Y0, Y2)
	VMOVDQU Y1, 0(DI)
	VMOVDQU Y2, 32(DI)
	VMOVDQU 48(SI), Y0
	LOW(Y0, Y1)
	HIGH(Y0, Y2)
	VMOVDQU Y1, 64(DI)
	VMOVDQU Y2, 96(DI)
	VMOVDQU 80(SI), Y0
	LOW(Y0, Y1)
	HIGH(Y0, Y2)
	VMOVDQU Y1, 128(DI)
	VMOVDQU Y2, 160(DI)
	VMOVDQU 112(SI), Y0
	LOW(Y0, Y1)
	HIGH(Y0, Y2)
	VMOVDQU Y1, 192(DI)
	VMOVDQU Y2, 224(DI)
	NEXT(144, 256)

// The fifth bits, bit j of 32 bytes for the j-th 32 weights, go to bit 4. Y14 =
// 0x10.
// func expandQ5_KAVX2(dst, w *byte, n int)
TEXT ·expandQ5_KAVX2(SB), NOSPLIT, $0-24
	ARGS
	VPBROADCASTD ·splat+0(SB), Y15
	VPBROADCASTD ·splat+8(SB), Y14

block:
	VMOVDQU 16(SI), Y3
	VMOVDQU 48(SI), Y0
	LOW(Y0, Y1)
	HIGH(Y0, Y2)
	VPSLLW $4, Y3, Y4
	VPAND Y14, Y4, Y4
	VPOR Y4, Y1, Y1
	VPSLLW $3, Y3, Y4
	VPAND Y14, Y4, Y4
	VPOR Y4, Y2, Y2
	VMOVDQU Y1, 0(DI)
	VMOVDQU Y2, 32(DI)
	VMOVDQU 80(SI), Y0
	LOW(Y0, Y1)
	HIGH(Y0, Y2)
	VPSLLW $2, Y3, Y4
	VPAND Y14, Y4, Y4
	VPOR Y4, Y1, Y1
	VPSLLW $1, Y3, Y4
	VPAND Y14, Y4, Y4
	VPOR Y4, Y2, Y2
	VMOVDQU Y1, 64(DI)
	VMOVDQU Y2, 96(DI)
	VMOVDQU 112(SI), Y0
	LOW(Y0, Y1)
	HIGH(Y0, Y2)
	VMOVDQU Y3, Y4
	VPAND Y14, Y4, Y4
	VPOR Y4, Y1, Y1
	VPSRLW $1, Y3, Y4
	VPAND Y14, Y4, Y4
	VPOR Y4, Y2, Y2
	VMOVDQU Y1, 128(DI)
	VMOVDQU Y2, 160(DI)
	VMOVDQU 144(SI), Y0
	LOW(Y0, Y1)
	HIGH(Y0, Y2)
	VPSRLW $2, Y3, Y4
	VPAND Y14, Y4, Y4
	VPOR Y4, Y1, Y1
	VPSRLW $3, Y3, Y4
	VPAND Y14, Y4, Y4
	VPOR Y4, Y2, Y2
	VMOVDQU Y1, 192(DI)
	VMOVDQU Y2, 224(DI)
	NEXT(176, 256)

// The bit pairs of 32 bytes go to the bits 4 and 5; then 32 comes off. Y14 =
// 0x30, Y13 = 32.
// func expandQ6_KAVX2(dst, w *byte, n int)
TEXT ·expandQ6_KAVX2(SB), NOSPLIT, $0-24
	ARGS
	VPBROADCASTD ·splat+0(SB), Y15
	VPBROADCASTD ·splat+16(SB), Y14
	VPBROADCASTD ·splat+28(SB), Y13

block:
	VMOVDQU 0(SI), Y0
	VMOVDQU 32(SI), Y1
	VMOVDQU 128(SI), Y2
	LOW(Y0, Y3)
	VPSLLW $4, Y2, Y4
	VPAND Y14, Y4, Y4
	VPOR Y4, Y3, Y3
	VPSUBB Y13, Y3, Y3
	VMOVDQU Y3, 0(DI)
	LOW(Y1, Y3)
	VPSLLW $2, Y2, Y4
	VPAND Y14, Y4, Y4
	VPOR Y4, Y3, Y3
	VPSUBB Y13, Y3, Y3
	VMOVDQU Y3, 32(DI)
	HIGH(Y0, Y3)
	VMOVDQU Y2, Y4
	VPAND Y14, Y4, Y4
	VPOR Y4, Y3, Y3
	VPSUBB Y13, Y3, Y3
	VMOVDQU Y3, 64(DI)
	HIGH(Y1, Y3)
	VPSRLW $2, Y2, Y4
	VPAND Y14, Y4, Y4
	VPOR Y4, Y3, Y3
	VPSUBB Y13, Y3, Y3
	VMOVDQU Y3, 96(DI)
	VMOVDQU 64(SI), Y0
	VMOVDQU 96(SI), Y1
	VMOVDQU 160(SI), Y2
	LOW(Y0, Y3)
	VPSLLW $4, Y2, Y4
	VPAND Y14, Y4, Y4
	VPOR Y4, Y3, Y3
	VPSUBB Y13, Y3, Y3
	VMOVDQU Y3, 128(DI)
	LOW(Y1, Y3)
	VPSLLW $2, Y2, Y4
	VPAND Y14, Y4, Y4
	VPOR Y4, Y3, Y3
	VPSUBB Y13, Y3, Y3
	VMOVDQU Y3, 160(DI)
	HIGH(Y0, Y3)
	VMOVDQU Y2, Y4
	VPAND Y14, Y4, Y4
	VPOR Y4, Y3, Y3
	VPSUBB Y13, Y3, Y3
	VMOVDQU Y3, 192(DI)
	HIGH(Y1, Y3)
	VPSRLW $2, Y2, Y4
	VPAND Y14, Y4, Y4
	VPOR Y4, Y3, Y3
	VPSUBB Y13, Y3, Y3
	VMOVDQU Y3, 224(DI)
	NEXT(210, 256)

// func expandIQ4_XSAVX2(dst, w *byte, n int)
TEXT ·expandIQ4_XSAVX2(SB), NOSPLIT, $0-24
	ARGS
	CONSTS_NIBBLES
	VBROADCASTI128 ·valuesIQ4(SB), Y11

block:
	NIBBLES(8, Y0)
	VPSHUFB Y0, Y11, Y0
	VMOVDQU Y0, 0(DI)
	NIBBLES(24, Y0)
	VPSHUFB Y0, Y11, Y0
	VMOVDQU Y0, 32(DI)
	NIBBLES(40, Y0)
	VPSHUFB Y0, Y11, Y0
	VMOVDQU Y0, 64(DI)
	NIBBLES(56, Y0)
	VPSHUFB Y0, Y11, Y0
	VMOVDQU Y0, 96(DI)
	NIBBLES(72, Y0)
	VPSHUFB Y0, Y11, Y0
	VMOVDQU Y0, 128(DI)
	NIBBLES(88, Y0)
	VPSHUFB Y0, Y11, Y0
	VMOVDQU Y0, 160(DI)
	NIBBLES(104, Y0)
	VPSHUFB Y0, Y11, Y0
	VMOVDQU Y0, 192(DI)
	NIBBLES(120, Y0)
	VPSHUFB Y0, Y11, Y0
	VMOVDQU Y0, 224(DI)
	NEXT(136, 256)

// func halvesAVX2(dst *float32, w *byte, stride, n int)
//
// Two float16 of each of n blocks, stride bytes apart, to dst[16·i] and
// dst[16·i+8].
TEXT ·halvesAVX2(SB), NOSPLIT, $0-32
	MOVQ dst+0(FP), DI
	MOVQ w+8(FP), SI
	MOVQ stride+16(FP), R8
	MOVQ n+24(FP), CX

block:
	VMOVD      (SI), X0
	VCVTPH2PS  X0, X0
	VMOVSS     X0, (DI)
	VEXTRACTPS $1, X0, 32(DI)
	ADDQ       R8, SI
	ADDQ       $64, DI
	DECQ       CX
	JNZ        block
	VZEROUPPER
	RET

// func wordsQ4_KAVX2(words *int16, d *float32, w *byte, stride, n int)
//
// The scales and the minimums of n super-blocks of Q4_K or Q5_K as words
// [n][2][16], one for 16 weights each; d and dmin to d[16·i] and d[16·i+8]. The
// low bits of the fields are shuffled to their places, shifted and masked, the
// high two joined.
TEXT ·wordsQ4_KAVX2(SB), NOSPLIT, $0-40
	WORDS_ARGS
	VMOVDQU ·sixBits+0(SB), X15
	VMOVDQU ·sixBits+16(SB), X14
	VMOVDQU ·sixBits+32(SB), X13
	VMOVDQU ·sixBits+64(SB), X12
	VPBROADCASTD ·splat+16(SB), X11
	VMOVDQU ·twice(SB), X10
	VMOVDQU ·twice+16(SB), X9

block:
	VMOVDQU    (SI), X0
	VCVTPH2PS  X0, X1
	VMOVSS     X1, (R8)
	VEXTRACTPS $1, X1, 32(R8)
	VPSHUFB    X14, X0, X1
	VPSHUFB    X15, X0, X0
	VPSRLD     $2, X1, X1
	VPSRLVD    X13, X0, X0
	VPAND      X11, X1, X1
	VPAND      X12, X0, X0
	VPOR       X1, X0, X0
	VPSHUFB    X10, X0, X1
	VPSHUFB    X9, X0, X0
	VPMOVZXBW  X1, Y1
	VPMOVZXBW  X0, Y0
	VMOVDQU    Y1, (DI)
	VMOVDQU    Y0, 32(DI)
	WORDS_NEXT

// func wordsQ6_KAVX2(words *int16, d *float32, w *byte, stride, n int)
//
// The same of Q6_K, which has no minimums.
TEXT ·wordsQ6_KAVX2(SB), NOSPLIT, $0-40
	WORDS_ARGS
	VPXOR Y1, Y1, Y1

block:
	VPMOVSXBW 192(SI), Y0
	VMOVDQU   Y0, (DI)
	VMOVDQU   Y1, 32(DI)
	MOVWLZX   208(SI), AX
	VMOVD     AX, X0
	VCVTPH2PS X0, X0
	VMOVSS    X0, (R8)
	WORDS_NEXT
