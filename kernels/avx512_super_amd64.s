//go:build amd64 && !noasm

#include "textflag.h"
#include "avx512_amd64.h"

// Super-block formats: Q4_K and Q6_K.
//
// unpack: 16 rows, stride bytes apart, to records of the panel (their layout
// stands with the tile). The scales of 16 rows are transposed like weights.
//
// dots: each of 16 rows times one column, row after row: per super-block and
// row, to sums [super][16 rows][16], eight partial sums of the weighted weights
// and eight of the minimums (or of the weights again), and d with dmin to
// scales [super][16] dwords.

// Six bits: X28, X29 = shuffles, X30 = shifts, X31, X27 = masks.
#define CONSTS_SIXBITS \
	VMOVDQU64 ·sixBits+0(SB), X28; \
	VMOVDQU64 ·sixBits+16(SB), X29; \
	VMOVDQU64 ·sixBits+32(SB), X30; \
	VMOVDQU64 ·sixBits+48(SB), X31; \
	VPBROADCASTD ·splat+16(SB), Z27

// X = the bytes of 8 scales and 8 minimums of the Q4_K or Q5_K block at P.
// The low four or six bits are shuffled to their places, shifted and masked;
// the high two bits of the last four of each are joined. Clobbers X26.
#define SIXBITS(P, X) \
	VMOVDQU (P), X; \
	VPSHUFB X29, X, X26; \
	VPSHUFB X28, X, X; \
	VPSRLD $2, X26, X26; \
	VPSRLVD X30, X, X; \
	VPANDD X27, X26, X26; \
	VPTERNLOGD $0xEA, X26, X31, X

#define SCALES_Q4_K(i, D, X) \
	SIXBITS(SI, X); \
	MOVL (SI), AX; \
	VPMOVZXBD X, D; \
	ADDQ R8, SI; \
	MOVW AX, (5632+2*i)(DI); \
	SHRL $16, AX; \
	MOVW AX, (5664+2*i)(DI)

// A minimum for both halves of 32 weights.
#define MINPAIR(Z, OFF) \
	VPSLLD $16, Z, Z0; \
	VPORD Z, Z0, Z0; \
	VMOVDQU64 Z0, OFF(DI)

// 64 weights of Q4_K from 32 bytes. Z18 = shifts, Z19 = low nibble.
#define CONSTS_Q4_K \
	VMOVDQU64 ·halfShift(SB), Z18; \
	VPBROADCASTD ·splat+0(SB), Z19

#define EXPAND_Q4_K(P, D) \
	VBROADCASTI64X4 P, D; \
	VPSRLVQ Z18, D, D; \
	VPANDD Z19, D, D

#define UNPACKROW_Q4_K(i, D, X) \
	EXPAND_Q4_K(16(SI), D); \
	ADDQ R8, SI

#define SCALES_Q6_K(i, D, X) \
	VPMOVSXBD 192(SI), D; \
	MOVWLZX 208(SI), AX; \
	ADDQ R8, SI; \
	MOVW AX, (5632+2*i)(DI)

// A pair of int16: minus the scales e and o times 1<<SHIFT. K2 = odd words.
#define OFFSETPAIR(SHIFT, e, o, OFF) \
	VPSLLD $SHIFT, e, Z0; \
	VPSLLD $(SHIFT+16), o, Z1; \
	VMOVDQU16 Z1, K2, Z0; \
	VPSUBW Z0, Z15, Z0; \
	VMOVDQU64 Z0, OFF(DI)

// Half a super-block of Q6_K: 64 bytes of nibbles, 32 of bit pairs. Z28 =
// left shifts, Z27 = right shifts, Z29 = low nibble, Z30 = 0x30.
#define CONSTS_Q6_K \
	VMOVDQU64 ·pairShiftLeft(SB), Z28; \
	VMOVDQU64 ·pairShiftRight(SB), Z27; \
	VPBROADCASTD ·splat+0(SB), Z29; \
	VPBROADCASTD ·splat+16(SB), Z30

// The low nibbles with bit pairs 0 and 1, and the high with 2 and 3. T is
// clobbered.
#define EXPAND_Q6_K_LOW(L, H, D, T) \
	VBROADCASTI64X4 H, T; \
	VPANDD L, Z29, D; \
	VPSLLVQ Z28, T, T; \
	VPTERNLOGD $0xF8, Z30, T, D
#define EXPAND_Q6_K_HIGH(L, H, D, T) \
	VBROADCASTI64X4 H, T; \
	VMOVDQU64 L, D; \
	VPSRLVQ Z27, T, T; \
	VPSRLD $4, D, D; \
	VPANDD Z30, T, T; \
	VPTERNLOGD $0xEA, T, Z29, D

#define UNPACKROW_Q6_K0(i, D, X) EXPAND_Q6_K_LOW(0(SI), 128(SI), D, Z26); ADDQ R8, SI
#define UNPACKROW_Q6_K1(i, D, X) EXPAND_Q6_K_HIGH(0(SI), 128(SI), D, Z26); ADDQ R8, SI
#define UNPACKROW_Q6_K2(i, D, X) EXPAND_Q6_K_LOW(64(SI), 160(SI), D, Z26); ADDQ R8, SI
#define UNPACKROW_Q6_K3(i, D, X) EXPAND_Q6_K_HIGH(64(SI), 160(SI), D, Z26); ADDQ R8, SI

#define STORE16(OFF) \
	LEAQ OFF(DI), AX; \
	STORE8(AX, Z16, Z17, Z18, Z19, Z20, Z21, Z22, Z23); \
	ADDQ $512, AX; \
	STORE8(AX, Z24, Z25, Z26, Z27, Z28, Z29, Z30, Z31)

#define UNPACK64(CONSTS, ROW, OFF) \
	MOVQ BX, SI; \
	CONSTS; \
	ROWS16(ROW); \
	TRANSPOSE16; \
	STORE16(OFF)

// The next super-block, SIZE bytes on; 16·SIZE bytes of the next 16 rows are
// fetched.
#define NEXT(SIZE) \
	MOVQ $(SIZE/4), DX; \
fetch: \
	PREFETCHT1 (R9); \
	ADDQ $64, R9; \
	DECQ DX; \
	JNZ fetch; \
	ADDQ $5696, DI; \
	ADDQ $SIZE, BX; \
	DECQ CX; \
	JNZ super; \
	RET

// dots: DI = sums, R13 = scales, SI = w, R8 = what follows a row's super-blocks
// in the stride, R9 = activations, R10 = their sums, R11 = 16 rows left, CX =
// super-blocks left.
#define DOTS1(ONE, SIZE) \
	IMUL3Q $SIZE, BX, AX; \
	SUBQ AX, R8; \
	MOVL $16, R11; \
row: \
	MOVQ DX, R9; \
	MOVQ R14, R10; \
	MOVQ DI, R12; \
	MOVQ R15, R13; \
	MOVQ BX, CX; \
super: \
	PREFETCHT0 4096(SI); \
	PREFETCHT0 4160(SI); \
	PREFETCHT0 4224(SI); \
	ONE; \
	ADDQ $SIZE, SI; \
	ADDQ $256, R9; \
	ADDQ $32, R10; \
	ADDQ $1024, R12; \
	ADDQ $64, R13; \
	DECQ CX; \
	JNZ super; \
	ADDQ R8, SI; \
	ADDQ $64, DI; \
	ADDQ $4, R15; \
	DECQ R11; \
	JNZ row; \
	RET

// 64 weights in W, unsigned, times the activations at OFF: sums of two, then
// times their scales in S, into Z2.
#define WEIGH(W, OFF, S) \
	VPMADDUBSW OFF(R9), W, W; \
	VPDPWSSD S, W, Z2

// The scale of each word of 64 weights, from the bytes in Z1.
#define SPREAD(IDX, S) VPERMB.Z Z1, IDX, K2, S

// One super-block: the minimums of 16 weights times the sums of 16 activations
// join the upper half.
#define DOTS_Q4_K \
	SIXBITS(SI, X1); \
	MOVL (SI), AX; \
	VPXORQ Z2, Z2, Z2; \
	VPXORQ Y9, Y9, Y9; \
	MOVL AX, (R13); \
	EXPAND_Q4_K(16(SI), Z3); \
	EXPAND_Q4_K(48(SI), Z4); \
	EXPAND_Q4_K(80(SI), Z5); \
	EXPAND_Q4_K(112(SI), Z6); \
	SPREAD(Z20, Z10); \
	SPREAD(Z21, Z11); \
	SPREAD(Z22, Z12); \
	SPREAD(Z23, Z13); \
	VPERMB.Z Y1, Y24, K2, Y14; \
	WEIGH(Z3, 0, Z10); \
	WEIGH(Z4, 64, Z11); \
	WEIGH(Z5, 128, Z12); \
	WEIGH(Z6, 192, Z13); \
	VPDPWSSD (R10), Y14, Y9; \
	VEXTRACTI64X4 $1, Z2, Y3; \
	VPADDD Y3, Y2, Y2; \
	VINSERTI64X4 $1, Y9, Z2, Z2; \
	VMOVDQU64 Z2, (R12)

#define CONSTS_SPREAD32 \
	MOVL $0x55555555, AX; \
	KMOVD AX, K2; \
	KUNPCKDQ K2, K2, K2; \
	VMOVDQU64 ·spread32+0(SB), Z20; \
	VMOVDQU64 ·spread32+64(SB), Z21; \
	VMOVDQU64 ·spread32+128(SB), Z22; \
	VMOVDQU64 ·spread32+192(SB), Z23; \
	VMOVDQU64 ·spread32+256(SB), Z24

// One super-block: 32 times the scales times the sums of activations come off.
#define DOTS_Q6_K \
	VPMOVSXBW 192(SI), Y1; \
	MOVWLZX 208(SI), AX; \
	VPXORQ Z2, Z2, Z2; \
	VPXORQ Y9, Y9, Y9; \
	MOVL AX, (R13); \
	EXPAND_Q6_K_LOW(0(SI), 128(SI), Z3, Z7); \
	EXPAND_Q6_K_HIGH(0(SI), 128(SI), Z4, Z7); \
	EXPAND_Q6_K_LOW(64(SI), 160(SI), Z5, Z7); \
	EXPAND_Q6_K_HIGH(64(SI), 160(SI), Z6, Z7); \
	VPSLLW $5, Y1, Y14; \
	VPERMW Z1, Z20, Z10; \
	VPERMW Z1, Z21, Z11; \
	VPERMW Z1, Z22, Z12; \
	VPERMW Z1, Z23, Z13; \
	VPDPWSSD (R10), Y14, Y9; \
	WEIGH(Z3, 0, Z10); \
	WEIGH(Z4, 64, Z11); \
	WEIGH(Z5, 128, Z12); \
	WEIGH(Z6, 192, Z13); \
	VPSUBD Z9, Z2, Z2; \
	VMOVDQU64 Z2, (R12)

#define CONSTS_SPREAD16 \
	VMOVDQU64 ·spread16+0(SB), Z20; \
	VMOVDQU64 ·spread16+64(SB), Z21; \
	VMOVDQU64 ·spread16+128(SB), Z22; \
	VMOVDQU64 ·spread16+192(SB), Z23

// func unpackQ4_KAVX512(panel, w *byte, stride, supers int)
TEXT ·unpackQ4_KAVX512(SB), NOSPLIT, $0-32
	MOVQ panel+0(FP), DI
	MOVQ w+8(FP), BX
	MOVQ stride+16(FP), R8
	MOVQ supers+24(FP), CX
	MOVQ R8, R9
	SHLQ $4, R9
	ADDQ BX, R9

super:
	MOVQ BX, SI
	CONSTS_SIXBITS
	ROWS16(SCALES_Q4_K)
	TRANSPOSE16
	LEAQ 4096(DI), AX
	STORE8(AX, Z16, Z17, Z18, Z19, Z20, Z21, Z22, Z23)
	MINPAIR(Z24, 5120)
	MINPAIR(Z25, 5184)
	MINPAIR(Z26, 5248)
	MINPAIR(Z27, 5312)
	MINPAIR(Z28, 5376)
	MINPAIR(Z29, 5440)
	MINPAIR(Z30, 5504)
	MINPAIR(Z31, 5568)

	// Four times 64 weights from 32 bytes.
	MOVQ $4, DX

quarter:
	MOVQ BX, SI
	CONSTS_Q4_K
	ROWS16(UNPACKROW_Q4_K)
	TRANSPOSE16
	STORE16(0)
	ADDQ $1024, DI
	ADDQ $32, BX
	DECQ DX
	JNZ  quarter
	SUBQ $4096, DI
	SUBQ $128, BX
	NEXT(144)

// func unpackQ6_KAVX512(panel, w *byte, stride, supers int)
TEXT ·unpackQ6_KAVX512(SB), NOSPLIT, $0-32
	MOVQ  panel+0(FP), DI
	MOVQ  w+8(FP), BX
	MOVQ  stride+16(FP), R8
	MOVQ  supers+24(FP), CX
	MOVQ  R8, R9
	SHLQ  $4, R9
	ADDQ  BX, R9
	MOVL  $0xaaaaaaaa, AX
	KMOVD AX, K2
	KUNPCKDQ K2, K2, K2

super:
	MOVQ  BX, SI
	ROWS16(SCALES_Q6_K)
	TRANSPOSE16
	STORE16(4096)
	VPXORQ Z15, Z15, Z15
	OFFSETPAIR(5, Z16, Z17, 5120)
	OFFSETPAIR(5, Z18, Z19, 5184)
	OFFSETPAIR(5, Z20, Z21, 5248)
	OFFSETPAIR(5, Z22, Z23, 5312)
	OFFSETPAIR(5, Z24, Z25, 5376)
	OFFSETPAIR(5, Z26, Z27, 5440)
	OFFSETPAIR(5, Z28, Z29, 5504)
	OFFSETPAIR(5, Z30, Z31, 5568)
	UNPACK64(CONSTS_Q6_K, UNPACKROW_Q6_K0, 0)
	UNPACK64(CONSTS_Q6_K, UNPACKROW_Q6_K1, 1024)
	UNPACK64(CONSTS_Q6_K, UNPACKROW_Q6_K2, 2048)
	UNPACK64(CONSTS_Q6_K, UNPACKROW_Q6_K3, 3072)
	NEXT(210)

// func dotsQ4_KAVX512(sums, scales, w *byte, stride, supers int, q *int8, sum *int16)
TEXT ·dotsQ4_KAVX512(SB), NOSPLIT, $0-56
	MOVQ sums+0(FP), DI
	MOVQ scales+8(FP), R15
	MOVQ w+16(FP), SI
	MOVQ stride+24(FP), R8
	MOVQ supers+32(FP), BX
	MOVQ q+40(FP), DX
	MOVQ sum+48(FP), R14
	CONSTS_SPREAD32
	CONSTS_SIXBITS
	CONSTS_Q4_K
	DOTS1(DOTS_Q4_K, 144)

// func dotsQ6_KAVX512(sums, scales, w *byte, stride, supers int, q *int8, sum *int16)
TEXT ·dotsQ6_KAVX512(SB), NOSPLIT, $0-56
	MOVQ sums+0(FP), DI
	MOVQ scales+8(FP), R15
	MOVQ w+16(FP), SI
	MOVQ stride+24(FP), R8
	MOVQ supers+32(FP), BX
	MOVQ q+40(FP), DX
	MOVQ sum+48(FP), R14
	CONSTS_SPREAD16
	CONSTS_Q6_K
	DOTS1(DOTS_Q6_K, 210)

// func reduceMinsAVX512(acc *float32, sums, scales *byte, supers int, d *float32)
//
// Adds super-blocks of sixteen rows' partial sums to the sixteen accumulators,
// and takes off the minimums, in the order of the super-blocks.
TEXT ·reduceMinsAVX512(SB), NOSPLIT, $0-40
	MOVQ acc+0(FP), AX
	MOVQ sums+8(FP), DI
	MOVQ scales+16(FP), R10
	MOVQ supers+24(FP), CX
	MOVQ d+32(FP), R12
	VMOVUPS (AX), Z16

super:
	SUMROWS(DI, Z12, Z13)
	VMOVDQU64 (R10), Z0
	VPSRLD    $16, Z0, Z1
	VPMOVDW   Z0, Y0
	VPMOVDW   Z1, Y1
	VCVTPH2PS Y0, Z0
	VCVTPH2PS Y1, Z1
	VCVTDQ2PS Z12, Z12
	VCVTDQ2PS Z13, Z13
	VMULPS.BCST (R12), Z0, Z0
	VMULPS.BCST (R12), Z1, Z1
	VMULPS    Z0, Z12, Z12
	VMULPS    Z1, Z13, Z13
	VADDPS    Z12, Z16, Z16
	VSUBPS    Z13, Z16, Z16
	ADDQ      $1024, DI
	ADDQ      $64, R10
	ADDQ      $4, R12
	DECQ      CX
	JNZ       super
	VMOVUPS   Z16, (AX)
	RET

// func reduceSupersAVX512(acc *float32, sums, scales *byte, supers int, d *float32)
//
// As reduceMinsAVX512, for formats without minimums.
TEXT ·reduceSupersAVX512(SB), NOSPLIT, $0-40
	MOVQ acc+0(FP), AX
	MOVQ sums+8(FP), DI
	MOVQ scales+16(FP), R10
	MOVQ supers+24(FP), CX
	MOVQ d+32(FP), R12
	VMOVUPS (AX), Z16

super:
	SUMROWS(DI, Z12, Z13)
	VMOVDQU64 (R10), Z0
	VPADDD    Z13, Z12, Z12
	VPMOVDW   Z0, Y0
	VCVTPH2PS Y0, Z0
	VCVTDQ2PS Z12, Z12
	VMULPS.BCST (R12), Z0, Z0
	VMULPS    Z0, Z12, Z12
	VADDPS    Z12, Z16, Z16
	ADDQ      $1024, DI
	ADDQ      $64, R10
	ADDQ      $4, R12
	DECQ      CX
	JNZ       super
	VMOVUPS   Z16, (AX)
	RET
