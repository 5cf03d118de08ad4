// One column, super-block formats: what AVX2 and AVX-VNNI share. See
// avx2_decode_amd64.h; A and B are a super-block's sum and that of its minimums,
// or two super-blocks.

// ONE leaves the sums of the super-block at SI, SIZE bytes, in the slot at R12
// and its float16 d and dmin behind. R9 = the sums of the activations along the
// row, SUMBYTES for a super-block.
#define DECODEMIN(CONSTS, ONE, SIZE, SUMBYTES) \
	BEGIN; \
rows8: \
	CONSTS; \
	XORL R14, R14; \
row: \
	ROW; \
	MOVQ sum+48(FP), R9; \
super: \
	FETCH(0); \
	FETCH(64); \
	FETCH(128); \
	ONE; \
	ADDQ $SIZE, SI; \
	ADDQ $256, R8; \
	ADDQ $SUMBYTES, R9; \
	ADDQ $288, R12; \
	DECQ CX; \
	JNE super; \
	INCQ R14; \
	DECQ R11; \
	JEQ sums; \
	CMPQ R14, $8; \
	JLT row; \
sums: \
	SUMS; \
sum: \
	TREE; \
	HALVES(256); \
	ADDSUM(Y0, Y2, (R9)); \
	SUBSUM(Y1, Y3, (R9)); \
	ADDQ $288, R12; \
	ADDQ $4, R9; \
	DECQ CX; \
	JNE sum; \
	STORED(rows8)

// The same without minimums: super-blocks take A and B in turn, DX = the way to
// the next; their d lie in [A, B][8 rows] behind the slot.
#define DECODEPLAIN(CONSTS, ONE, SIZE) \
	BEGIN; \
rows8: \
	CONSTS; \
	XORL R14, R14; \
row: \
	ROW; \
	IMUL3Q $-30, R14, R13; \
	ADDQ $256, R13; \
	MOVQ sum+48(FP), R9; \
	MOVL $16, DX; \
super: \
	FETCH(0); \
	FETCH(64); \
	FETCH(128); \
	ONE; \
	ADDQ $SIZE, SI; \
	ADDQ $256, R8; \
	ADDQ $32, R9; \
	ADDQ DX, R12; \
	XORL $(16^272), DX; \
	DECQ CX; \
	JNE super; \
	INCQ R14; \
	DECQ R11; \
	JEQ sums; \
	CMPQ R14, $8; \
	JLT row; \
sums: \
	SUMS; \
sum: \
	TREE; \
	VCVTPH2PS 256(R12), Y2; \
	ADDSUM(Y0, Y2, (R9)); \
	DECQ CX; \
	JEQ summed; \
	VCVTPH2PS 272(R12), Y2; \
	ADDSUM(Y1, Y2, 4(R9)); \
	ADDQ $288, R12; \
	ADDQ $8, R9; \
	DECQ CX; \
	JNE sum; \
summed: \
	STORED(rows8)

// Weights are Y2 and Y3, 32 each, unsigned; the words of their scales are Y4 and
// Y5; the sums are Y0 and Y1. DOT2, which is the level's own, adds to these the
// products of sixteen bits in Y2 and Y3 times Y4 and Y5, summed by two.

// Unsigned weights times the activations at OFF, times their scales.
#define WEIGH(OFF) \
	VPMADDUBSW OFF(R8), Y2, Y2; \
	VPMADDUBSW (OFF+32)(R8), Y3, Y3; \
	DOT2

// WEIGH with scales of 32 weights each: the dword pairs of words at mem + SOFF.
#define WEIGH32(OFF, SOFF) \
	VPBROADCASTD (SOFF-64)(DI), Y4; \
	VPBROADCASTD (SOFF-60)(DI), Y5; \
	WEIGH(OFF)

// WEIGH with scales of 16 weights each. Y6 = their words, even ones in the low
// lane, odd ones in the high; word I of either for the first 32 weights, I+1 for
// the others.
#define WEIGH16(OFF, I) \
	VPSHUFB ·pickWord+(32*I)(SB), Y6, Y4; \
	VPSHUFB ·pickWord+(32*I+32)(SB), Y6, Y5; \
	WEIGH(OFF)

// A or B at OFF(R12) = the sums of Y0, or of two vectors.
#define PUT(OFF, X, Y, T) \
	VEXTRACTI128 $1, Y, T; \
	VPADDD T, X, X; \
	VMOVDQU X, OFF(R12)
#define PUTA \
	VPADDD Y1, Y0, Y0; \
	PUT(0, X0, Y0, X1)

// X0 = sixteen fields of six bits at ADDR, by the shuffles, shifts and masks of
// a table (X14, X13, X12, X11); JOIN brings the high two bits in X1 to 4 and 5.
// X10 = 0x30.
#define CONSTS_SIXBITS(T) \
	VMOVDQU T+0(SB), X14; \
	VMOVDQU T+16(SB), X13; \
	VMOVDQU T+32(SB), X12; \
	VMOVDQU T+64(SB), X11; \
	VPBROADCASTD ·splat+16(SB), X10
#define SIXBITS(ADDR, JOIN) \
	VMOVDQU ADDR, X0; \
	VPSHUFB X13, X0, X1; \
	VPSHUFB X14, X0, X0; \
	JOIN; \
	VPSRLVD X12, X0, X0; \
	VPAND X10, X1, X1; \
	VPAND X11, X0, X0; \
	VPOR X1, X0, X0

// Q4_K and Q5_K: eight scales, then eight minimums. The minimums times the sums
// of 32 activations are B; the scales go to mem, two words each.
#define JOIN_Q4_K VPSRLD $2, X1, X1
#define SCALES_Q4_K \
	MOVL (SI), AX; \
	MOVL AX, (R12)(R13*1); \
	SIXBITS((SI), JOIN_Q4_K); \
	VPXOR X1, X1, X1; \
	VPUNPCKHBW X1, X0, X2; \
	VPUNPCKLBW X0, X0, X0; \
	VPMADDWD (R9), X2, X2; \
	VPMOVZXBW X0, Y0; \
	VMOVDQU X2, 16(R12); \
	VMOVDQU Y0, -64(DI); \
	VPXOR Y0, Y0, Y0; \
	VPXOR Y1, Y1, Y1

// 64 weights: low and high nibbles of 32 bytes. Y15 = low nibble.
#define LOWHIGH(OFF) \
	VMOVDQU OFF(SI), Y3; \
	VPAND Y15, Y3, Y2; \
	VPSRLW $4, Y3, Y3; \
	VPAND Y15, Y3, Y3

#define CONSTS_Q4_K \
	CONSTS_SIXBITS(·sixBits); \
	VPBROADCASTD ·splat+0(SB), Y15
#define ONE_Q4_K \
	SCALES_Q4_K; \
	LOWHIGH(16); \
	WEIGH32(0, 0); \
	LOWHIGH(48); \
	WEIGH32(64, 8); \
	LOWHIGH(80); \
	WEIGH32(128, 16); \
	LOWHIGH(112); \
	WEIGH32(192, 24); \
	PUTA

// W gets the bits of Y7, which MOVE brings to the place of Y9's.
#define BIT(W, MOVE) \
	MOVE; \
	VPAND Y9, Y8, Y8; \
	VPOR Y8, W, W
#define LEFT(N) VPSLLW $N, Y7, Y8
#define RIGHT(N) VPSRLW $N, Y7, Y8
#define STAY VMOVDQA Y7, Y8

// Q5_K: bit j of 32 bytes is the fifth one of the j-th 32 weights.
#define CONSTS_Q5_K \
	CONSTS_Q4_K; \
	VPBROADCASTD ·splat+8(SB), Y9
#define ONE_Q5_K \
	SCALES_Q4_K; \
	VMOVDQU 16(SI), Y7; \
	LOWHIGH(48); \
	BIT(Y2, LEFT(4)); \
	BIT(Y3, LEFT(3)); \
	WEIGH32(0, 0); \
	LOWHIGH(80); \
	BIT(Y2, LEFT(2)); \
	BIT(Y3, LEFT(1)); \
	WEIGH32(64, 8); \
	LOWHIGH(112); \
	BIT(Y2, STAY); \
	BIT(Y3, RIGHT(1)); \
	WEIGH32(128, 16); \
	LOWHIGH(144); \
	BIT(Y2, RIGHT(2)); \
	BIT(Y3, RIGHT(3)); \
	WEIGH32(192, 24); \
	PUTA

// Sixteen int8 scales X0: their words Y6, as WEIGH16 wants them. Their words
// times the sums of the activations and 1<<SHIFT, the weights' offset, come off
// the sums, with which Y0 and Y1 begin.
#define SCALES16(SHIFT) \
	VPMOVSXBW X0, Y1; \
	VPSHUFB ·evenOdd(SB), X0, X0; \
	VPMADDWD (R9), Y1, Y1; \
	VPMOVSXBW X0, Y6; \
	VPSLLD $SHIFT, Y1, Y1; \
	VPXOR Y0, Y0, Y0; \
	VPSUBD Y1, Y0, Y1

// Q6_K: half a super-block is 64 bytes of nibbles and 32 of bit pairs, which go
// to the bits 4 and 5. Y15 = low nibble, Y9 = 0x30.
#define CONSTS_Q6_K \
	VPBROADCASTD ·splat+0(SB), Y15; \
	VPBROADCASTD ·splat+16(SB), Y9
#define HALF_Q6_K(L, H, OFF, I) \
	VMOVDQU L(SI), Y10; \
	VMOVDQU (L+32)(SI), Y11; \
	VMOVDQU H(SI), Y7; \
	VPAND Y15, Y10, Y2; \
	VPAND Y15, Y11, Y3; \
	BIT(Y2, LEFT(4)); \
	BIT(Y3, LEFT(2)); \
	WEIGH16(OFF, I); \
	VPSRLW $4, Y10, Y2; \
	VPSRLW $4, Y11, Y3; \
	VPAND Y15, Y2, Y2; \
	VPAND Y15, Y3, Y3; \
	BIT(Y2, STAY); \
	BIT(Y3, RIGHT(2)); \
	WEIGH16((OFF+64), (I+2))
#define ONE_Q6_K \
	VMOVDQU 192(SI), X0; \
	MOVWLZX 208(SI), AX; \
	MOVW AX, (R12)(R13*1); \
	SCALES16(5); \
	HALF_Q6_K(0, 128, 0, 0); \
	HALF_Q6_K(64, 160, 128, 4); \
	PUTA

// Q2_K and Q3_K: 128 weights are the four bit pairs of 32 bytes. Y15 = 3.
#define PAIRS01(OFF) \
	VMOVDQU OFF(SI), Y3; \
	VPAND Y15, Y3, Y2; \
	VPSRLW $2, Y3, Y3; \
	VPAND Y15, Y3, Y3
#define PAIRS23(OFF) \
	VMOVDQU OFF(SI), Y3; \
	VPSRLW $4, Y3, Y2; \
	VPSRLW $6, Y3, Y3; \
	VPAND Y15, Y2, Y2; \
	VPAND Y15, Y3, Y3

// Q2_K: the low nibble is the scale, the high one the minimum. X14 = low nibble.
#define CONSTS_Q2_K \
	VPBROADCASTD ·splat+20(SB), Y15; \
	VPBROADCASTD ·splat+0(SB), X14
#define ONE_Q2_K \
	MOVL 80(SI), AX; \
	MOVL AX, (R12)(R13*1); \
	VMOVDQU (SI), X0; \
	VPSRLW $4, X0, X1; \
	VPAND X14, X0, X0; \
	VPAND X14, X1, X1; \
	VPSHUFB ·evenOdd(SB), X0, X0; \
	VPMOVZXBW X1, Y1; \
	VPMOVZXBW X0, Y6; \
	VPMADDWD (R9), Y1, Y1; \
	PUT(16, X1, Y1, X0); \
	VPXOR Y0, Y0, Y0; \
	VPXOR Y1, Y1, Y1; \
	PAIRS01(16); \
	WEIGH16(0, 0); \
	PAIRS23(16); \
	WEIGH16(64, 2); \
	PAIRS01(48); \
	WEIGH16(128, 4); \
	PAIRS23(48); \
	WEIGH16(192, 6); \
	PUTA

// Q3_K: bit j of 32 bytes is the third one of the j-th 32 weights. The sixteen
// bytes from 94 on end with the block. Y9 = 4.
#define CONSTS_Q3_K \
	CONSTS_SIXBITS(·sixBitsQ3); \
	VPBROADCASTD ·splat+20(SB), Y15; \
	VPBROADCASTD ·splat+24(SB), Y9
#define JOIN_Q3_K \
	VPSLLVD ·joinQ3(SB), X1, X1; \
	VPSRLD $2, X1, X1
#define ONE_Q3_K \
	MOVWLZX 108(SI), AX; \
	MOVW AX, (R12)(R13*1); \
	SIXBITS(94(SI), JOIN_Q3_K); \
	VPSUBB ·bytes32(SB), X0, X0; \
	SCALES16(2); \
	VMOVDQU (SI), Y7; \
	PAIRS01(32); \
	BIT(Y2, LEFT(2)); \
	BIT(Y3, LEFT(1)); \
	WEIGH16(0, 0); \
	PAIRS23(32); \
	BIT(Y2, STAY); \
	BIT(Y3, RIGHT(1)); \
	WEIGH16(64, 2); \
	PAIRS01(64); \
	BIT(Y2, RIGHT(2)); \
	BIT(Y3, RIGHT(3)); \
	WEIGH16(128, 4); \
	PAIRS23(64); \
	BIT(Y2, RIGHT(4)); \
	BIT(Y3, RIGHT(5)); \
	WEIGH16(192, 6); \
	PUTA

// IQ4_XS: blocks of nibbles in the manner of IQ4_NL, two in 32 bytes; the
// activations are those of pairsAVX2. Scales are dwords: two bits from 16+2j of
// the block's first dword, four from 4j of its second, 32 taken off; the even j
// in the low lane. Sums of two products of signed weights fit int16, see DOTS.
// Y15 = low nibble, Y14 = the values, Y13, Y12 = shifts, Y11, Y10 = masks, Y9 =
// 32.
#define CONSTS_IQ4_XS \
	VPBROADCASTD ·splat+0(SB), Y15; \
	VBROADCASTI128 ·valuesIQ4(SB), Y14; \
	VMOVDQU ·fieldsXS+0(SB), Y13; \
	VMOVDQU ·fieldsXS+32(SB), Y12; \
	VPBROADCASTD ·fieldsXS+64(SB), Y11; \
	VPBROADCASTD ·fieldsXS+68(SB), Y10; \
	VPBROADCASTD ·fieldsXS+72(SB), Y9
#define QUARTER_IQ4_XS(OFF, QOFF, J) \
	LOWHIGH(OFF); \
	VPSHUFB Y2, Y14, Y2; \
	VPSHUFB Y3, Y14, Y3; \
	VMOVDQU QOFF(R8), Y4; \
	VMOVDQU (QOFF+32)(R8), Y5; \
	VPSIGNB Y2, Y4, Y4; \
	VPSIGNB Y3, Y5, Y5; \
	VPABSB Y2, Y2; \
	VPABSB Y3, Y3; \
	VPMADDUBSW Y4, Y2, Y2; \
	VPMADDUBSW Y5, Y3, Y3; \
	VPSHUFB ·pickWord+(64*J)(SB), Y6, Y4; \
	VMOVDQA Y4, Y5; \
	DOT2
#define ONE_IQ4_XS \
	MOVWLZX (SI), AX; \
	MOVW AX, (R12)(R13*1); \
	VPBROADCASTD (SI), Y0; \
	VPBROADCASTD 4(SI), Y1; \
	VPSRLVD Y13, Y0, Y0; \
	VPSRLVD Y12, Y1, Y1; \
	VPAND Y11, Y0, Y0; \
	VPAND Y10, Y1, Y1; \
	VPOR Y1, Y0, Y0; \
	VPSUBD Y9, Y0, Y6; \
	VPXOR Y0, Y0, Y0; \
	VPXOR Y1, Y1, Y1; \
	QUARTER_IQ4_XS(8, 0, 0); \
	QUARTER_IQ4_XS(40, 64, 1); \
	QUARTER_IQ4_XS(72, 128, 2); \
	QUARTER_IQ4_XS(104, 192, 3); \
	PUTA
