//go:build amd64 && !noasm

#include "textflag.h"
#include "avx512_amd64.h"

// Block formats without minimums: Q5_0 and Q8_0.
//
// EXPAND_x(P, D) turns the two blocks at P into the 64 weights of D, in their
// order, as unsigned bytes with an offset of 128. The same macro serves the
// panels of the tile (unpack) and the products with one column (dots).
//
// unpack: 16 rows, stride bytes apart, two blocks at a time, to the panel:
// per block of 32, [8][16 rows][4] bytes, then 16 float16 scales, padded to
// PANEL bytes.
//
// dots: each of 16 rows times one column: per pair of blocks and row, 16
// partial sums (eight of either block) to sums [pair][16 rows][16] and the
// float16 scales to scales [pair][2][16]. Rows are read one after another, as
// one stream.

#define PANEL 576

// K1 = the lanes of the second block.
#define UPPER \
	MOVL $0xff00, AX; \
	KMOVW AX, K1

// Z28 = shifts, Z29 = low nibble, Z30 = 0x70, Z31 = 16.
#define CONSTS_Q5_0 \
	VMOVDQU64 ·nibbleShift(SB), Z28; \
	VPBROADCASTD ·splat+0(SB), Z29; \
	VPBROADCASTD ·splat+4(SB), Z30; \
	VPBROADCASTD ·splat+8(SB), Z31

// The nibble takes 0x70 (that is 128-16), and 16 more if its high bit is set.
#define EXPAND_Q5_0(P, D) \
	VBROADCASTI32X4 6(P), D; \
	VBROADCASTI32X4 28(P), K1, D; \
	KMOVD 2(P), K2; \
	KMOVD 24(P), K3; \
	VPSRLVQ Z28, D, D; \
	KUNPCKDQ K2, K3, K2; \
	VPTERNLOGD $0xEA, Z30, Z29, D; \
	VPADDB Z31, D, K2, D

#define CONSTS_Q8_0 \
	VPBROADCASTD ·splat+12(SB), Z31

// The upper half comes from 4+32, the values of the second block.
#define EXPAND_Q8_0(P, D) \
	VPXORD 2(P), Z31, D; \
	VPXORD 4(P), Z31, K1, D

#define UNPACKROW_Q5_0(i, D, X) \
	EXPAND_Q5_0(SI, D); \
	MOVWLZX (SI), AX; \
	MOVWLZX 22(SI), DX; \
	ADDQ R8, SI; \
	MOVW AX, (512+2*i)(DI); \
	MOVW DX, (PANEL+512+2*i)(DI)

#define UNPACKROW_Q8_0(i, D, X) \
	EXPAND_Q8_0(SI, D); \
	MOVWLZX (SI), AX; \
	MOVWLZX 34(SI), DX; \
	ADDQ R8, SI; \
	MOVW AX, (512+2*i)(DI); \
	MOVW DX, (PANEL+512+2*i)(DI)

// DI = panel, BX = w, R8 = stride, CX = pairs. A pair of blocks is SIZE
// bytes; the next 16 rows are fetched meanwhile, 16·SIZE bytes at R9.
#define UNPACK(CONSTS, ROW, SIZE) \
	MOVQ panel+0(FP), DI; \
	MOVQ w+8(FP), BX; \
	MOVQ stride+16(FP), R8; \
	MOVQ pairs+24(FP), CX; \
	UPPER; \
	MOVQ R8, R9; \
	SHLQ $4, R9; \
	ADDQ BX, R9; \
loop: \
	MOVQ BX, SI; \
	CONSTS; \
	ROWS16(ROW); \
	TRANSPOSE16; \
	STORE8(DI, Z16, Z17, Z18, Z19, Z20, Z21, Z22, Z23); \
	ADDQ $PANEL, DI; \
	STORE8(DI, Z24, Z25, Z26, Z27, Z28, Z29, Z30, Z31); \
	ADDQ $PANEL, DI; \
	MOVQ $(SIZE/4), DX; \
fetch: \
	PREFETCHT1 (R9); \
	ADDQ $64, R9; \
	DECQ DX; \
	JNZ fetch; \
	ADDQ $SIZE, BX; \
	DECQ CX; \
	JNZ loop; \
	RET

// DI = sums, SI = w, R8 = what follows a row's pairs in the stride, R9 =
// activations, R10 = scales, R11 = 16 rows left, CX = pairs left. HALF is the
// size of a block.
#define DOTS1(CONSTS, EXPAND, HALF) \
	MOVQ sums+0(FP), DI; \
	MOVQ scales+8(FP), R10; \
	MOVQ w+16(FP), SI; \
	MOVQ stride+24(FP), R8; \
	MOVQ pairs+32(FP), BX; \
	UPPER; \
	CONSTS; \
	IMUL3Q $(2*HALF), BX, AX; \
	SUBQ AX, R8; \
	MOVL $16, R11; \
row: \
	MOVQ q+40(FP), R9; \
	MOVQ DI, R12; \
	MOVQ R10, R13; \
	MOVQ BX, CX; \
pair: \
	EXPAND(SI, Z0); \
	VPXORQ Z1, Z1, Z1; \
	MOVWLZX (SI), AX; \
	MOVWLZX HALF(SI), DX; \
	VPDPBUSD (R9), Z0, Z1; \
	PREFETCHT0 4096(SI); \
	ADDQ $(2*HALF), SI; \
	ADDQ $64, R9; \
	MOVW AX, (R13); \
	MOVW DX, 32(R13); \
	VMOVDQU64 Z1, (R12); \
	ADDQ $64, R13; \
	ADDQ $1024, R12; \
	DECQ CX; \
	JNZ pair; \
	ADDQ R8, SI; \
	ADDQ $64, DI; \
	ADDQ $2, R10; \
	DECQ R11; \
	JNZ row; \
	RET

// One block of the sixteen rows: the partial sums S (with the bias of the
// block) times the scales at OFF(R10), into the accumulator Z16.
#define ADDBLOCK(S, OFF, BIAS) \
	VPADDD.BCST BIAS(SI), S, S; \
	VCVTPH2PS OFF(R10), Z14; \
	VCVTDQ2PS S, S; \
	VMULPS.BCST BIAS(R12), Z14, Z14; \
	VMULPS Z14, S, S; \
	VADDPS S, Z16, Z16

// func unpackQ5_0AVX512(panel, w *byte, stride, pairs int)
TEXT ·unpackQ5_0AVX512(SB), NOSPLIT, $0-32
	UNPACK(CONSTS_Q5_0, UNPACKROW_Q5_0, 44)

// func unpackQ8_0AVX512(panel, w *byte, stride, pairs int)
TEXT ·unpackQ8_0AVX512(SB), NOSPLIT, $0-32
	UNPACK(CONSTS_Q8_0, UNPACKROW_Q8_0, 68)

// func dotsQ5_0AVX512(sums, scales, w *byte, stride, pairs int, q *int8)
TEXT ·dotsQ5_0AVX512(SB), NOSPLIT, $0-48
	DOTS1(CONSTS_Q5_0, EXPAND_Q5_0, 22)

// func dotsQ8_0AVX512(sums, scales, w *byte, stride, pairs int, q *int8)
TEXT ·dotsQ8_0AVX512(SB), NOSPLIT, $0-48
	DOTS1(CONSTS_Q8_0, EXPAND_Q8_0, 34)

// func reduceBlocksAVX512(acc *float32, sums, scales *byte, blocks int, d *float32, bias *int32)
//
// Adds blocks of sixteen rows' partial sums to the sixteen accumulators, in
// the order of the blocks.
TEXT ·reduceBlocksAVX512(SB), NOSPLIT, $0-48
	MOVQ acc+0(FP), AX
	MOVQ sums+8(FP), DI
	MOVQ scales+16(FP), R10
	MOVQ blocks+24(FP), CX
	MOVQ d+32(FP), R12
	MOVQ bias+40(FP), SI
	VMOVUPS (AX), Z16

pair:
	SUMROWS(DI, Z12, Z13)
	ADDBLOCK(Z12, 0, 0)
	DECQ CX
	JZ   done
	ADDBLOCK(Z13, 32, 4)
	ADDQ $1024, DI
	ADDQ $64, R10
	ADDQ $8, R12
	ADDQ $8, SI
	DECQ CX
	JNZ  pair

done:
	VMOVUPS Z16, (AX)
	RET
