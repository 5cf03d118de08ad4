// One column, formats of blocks and of super-blocks: what AVX2, AVX-VNNI and, for
// blocks, AVX-512 share.
//
// Rows are read one after another, as one stream, and each byte of weights once.
// Of every row two vectors of partial sums, A and B, lie side by side in a slot
// of 32 bytes: those of two blocks (or super-blocks), or a super-block's sum and
// that of its minimums. After eight rows a second pass over these, which are
// still in the first-level cache, brings the rows into the lanes of a vector,
// scales the sums and adds them in the order of the blocks. So the float chain
// is one addition for eight rows, and no row needs a horizontal sum of its own.
//
//	R15 = y, SI = weights, R11 = rows left, R14 = row of the eight
//	BX = blocks of a row, CX = those left
//	R8 = activations, R9 = their scales or sums, along a row
//	DI = slots: for every pair [8 rows][A, B: 4 int32], then the scales of A
//	and of B, or of A and its minimum, [8 rows in rowScales' order][2] in float16;
//	where B has a minimum too, the same of B behind A's
//	R12 = the row's slot, R13 = the way from it to the scales
//
// Y15 = eight accumulators in the second pass.

// The stream is fetched ahead, past the ends of pages where the hardware stops.
#define FETCH(OFF) PREFETCHT0 (8192+OFF)(SI)

// Rows are to be read; the slots stand at mem + 64.
#define BEGIN \
	MOVQ y+0(FP), R15; \
	MOVQ w+8(FP), SI; \
	MOVQ rows+16(FP), R11; \
	MOVQ n+24(FP), BX; \
	MOVQ mem+56(FP), DI; \
	ADDQ $64, DI

// A row begins.
#define ROW \
	MOVQ q+32(FP), R8; \
	MOVQ R14, R12; \
	SHLQ $5, R12; \
	ADDQ DI, R12; \
	LEAQ ·rowScales(SB), R13; \
	MOVWLZX (R13)(R14*2), R13; \
	MOVQ BX, CX

// The second pass begins.
#define SUMS \
	MOVQ DI, R12; \
	MOVQ d+40(FP), R9; \
	MOVQ BX, CX; \
	VXORPS Y15, Y15, Y15

// The sums of two, then of four dwords of four rows, per 128-bit lane. (VPHADDD
// is a microprogram on many CPUs.)
#define SUM4(R0, R1, R2, R3, T) \
	VPUNPCKLDQ R1, R0, T; \
	VPUNPCKHDQ R1, R0, R0; \
	VPADDD T, R0, R0; \
	VPUNPCKLDQ R3, R2, T; \
	VPUNPCKHDQ R3, R2, R2; \
	VPADDD T, R2, R2; \
	VPUNPCKLQDQ R2, R0, T; \
	VPUNPCKHQDQ R2, R0, R0; \
	VPADDD T, R0, R0

// Y0 = A, Y1 = B of eight rows, from the slots at R12.
#define TREE \
	VMOVDQU 0(R12), Y0; \
	VMOVDQU 32(R12), Y1; \
	VMOVDQU 64(R12), Y2; \
	VMOVDQU 96(R12), Y3; \
	VMOVDQU 128(R12), Y4; \
	VMOVDQU 160(R12), Y5; \
	VMOVDQU 192(R12), Y6; \
	VMOVDQU 224(R12), Y7; \
	SUM4(Y0, Y1, Y2, Y3, Y8); \
	SUM4(Y4, Y5, Y6, Y7, Y9); \
	VPERM2I128 $0x31, Y4, Y0, Y1; \
	VPERM2I128 $0x20, Y4, Y0, Y0

// Y2, Y3 = the first and the second float16 of each of the eight dwords at
// OFF(R12), lanes = rows.
#define HALVES(OFF) \
	VCVTPH2PS OFF(R12), Y2; \
	VCVTPH2PS (OFF+16)(R12), Y4; \
	VSHUFPS $0xdd, Y4, Y2, Y3; \
	VSHUFPS $0x88, Y4, Y2, Y2

// Accumulators += or -= float32(S)·(the rows' scales D · the activations' DA).
#define PRODUCT(S, D, DA) \
	VBROADCASTSS DA, Y4; \
	VMULPS Y4, D, D; \
	VCVTDQ2PS S, S; \
	VMULPS D, S, S
#define ADDSUM(S, D, DA) \
	PRODUCT(S, D, DA); \
	VADDPS S, Y15, Y15
#define SUBSUM(S, D, DA) \
	PRODUCT(S, D, DA); \
	VSUBPS S, Y15, Y15

// Eight results are stored; rows of eight follow, or not.
#define STORED(again) \
	VMOVUPS Y15, (R15); \
	ADDQ $32, R15; \
	TESTQ R11, R11; \
	JNE again; \
	VZEROUPPER; \
	RET

// Block formats, SIZE bytes each. PAIR(I, B) leaves the sums of the I-th pair of
// blocks, whose second one lies B bytes after the first, in the I-th slot from
// R12 on, with their scales; a last block without a partner is its own, whose sum
// nobody takes. The activations are those of pairsAVX2.
#define DECODE(CONSTS, PAIR, SIZE, SUM, SLOT) \
	BEGIN; \
rows8: \
	CONSTS; \
	XORL R14, R14; \
row: \
	ROW; \
	SUBQ $4, CX; \
	JLT fewer; \
pairs: \
	PAIR(0, SIZE); \
	PAIR(1, SIZE); \
	FETCH(0); \
	FETCH(64); \
	ADDQ $(4*SIZE), SI; \
	ADDQ $128, R8; \
	ADDQ $(2*SLOT), R12; \
	SUBQ $4, CX; \
	JGE pairs; \
fewer: \
	ADDQ $2, CX; \
	JLT odd; \
	PAIR(0, SIZE); \
	ADDQ $(2*SIZE), SI; \
	ADDQ $64, R8; \
	ADDQ $SLOT, R12; \
	SUBQ $2, CX; \
odd: \
	CMPQ CX, $-1; \
	JNE next; \
	PAIR(0, 0); \
	ADDQ $SIZE, SI; \
next: \
	INCQ R14; \
	DECQ R11; \
	JEQ sums; \
	CMPQ R14, $8; \
	JLT row; \
sums: \
	SUMS; \
	MOVQ bias+48(FP), R8; \
sum: \
	SUM; \
	ADDQ $SLOT, R12; \
	ADDQ $8, R9; \
	ADDQ $8, R8; \
	DECQ CX; \
	JNE sum; \
summed: \
	STORED(rows8)

// The scales of a pair of blocks at OFF(SI); each with its minimum.
#define SCALES(I, OFF, B) \
	MOVWLZX (OFF+B)(SI), AX; \
	SHLL $16, AX; \
	MOVW OFF(SI), AX; \
	MOVL AX, (288*I)(R12)(R13*1)
#define SCALESMIN(I, OFF, B) \
	MOVL OFF(SI), AX; \
	MOVL (OFF+B)(SI), DX; \
	MOVL AX, (320*I)(R12)(R13*1); \
	MOVL DX, (320*I+32)(R12)(R13*1)

// The sums of a pair of blocks, Y0 and Y1 of the slots, are added; the second one only if
// there is one. SUM0 is that of weights as they are. In the others the bias, -128
// times the sum of the activations, is shifted to the weights' offset.
#define SUM0 \
	TREE; \
	HALVES(256); \
	ADDSUM(Y0, Y2, (R9)); \
	DECQ CX; \
	JEQ summed; \
	ADDSUM(Y1, Y3, 4(R9))
#define SUMOFFSET(SHIFT) \
	TREE; \
	HALVES(256); \
	OFFSET(SHIFT, Y0, (R8)); \
	ADDSUM(Y0, Y2, (R9)); \
	DECQ CX; \
	JEQ summed; \
	OFFSET(SHIFT, Y1, 4(R8)); \
	ADDSUM(Y1, Y3, 4(R9))
#define OFFSET(SHIFT, S, BIAS) \
	VPBROADCASTD BIAS, Y4; \
	VPSRAD $SHIFT, Y4, Y4; \
	VPADDD Y4, S, S
#define SUM8 SUMOFFSET(4)
#define SUM16 SUMOFFSET(3)
#define SUM128 SUMOFFSET(0)

// That of weights with minimums; w = d·q + m, so they are added: the negative of
// what the bias gives comes off.
#define SUMMINS(BIAS, DA) \
	VPBROADCASTD BIAS, Y0; \
	VPSRAD $7, Y0, Y0; \
	SUBSUM(Y0, Y3, DA)
#define SUMMIN \
	TREE; \
	HALVES(256); \
	ADDSUM(Y0, Y2, (R9)); \
	SUMMINS((R8), (R9)); \
	DECQ CX; \
	JEQ summed; \
	HALVES(288); \
	ADDSUM(Y1, Y2, 4(R9)); \
	SUMMINS(4(R8), 4(R9))

// The halves of two blocks whose weights begin at OFF(SI) and B further: LOW =
// the low nibbles, first halves, and HIGH = the high ones, second halves, as
// bytes. Y15 = low nibble.
#define NIBBLES(OFF, B, LOW, HIGH) \
	VMOVDQU OFF(SI), X0; \
	VINSERTI128 $1, (OFF+B)(SI), Y0, Y0; \
	VPAND Y15, Y0, LOW; \
	VPSRLW $4, Y0, Y0; \
	VPAND Y15, Y0, HIGH
#define CONSTS_NIBBLES \
	VPBROADCASTD ·splat+0(SB), Y15

// W gets 16 where the bit of Y1, which the bytes IDX pick and the masks Y12
// single out, is set. A mask of 0x80 makes a negative number, so its byte in Y11
// is -16.
#define FIFTH(IDX, W) \
	VPSHUFB IDX, Y1, Y3; \
	VPAND Y12, Y3, Y3; \
	VPSIGNB Y3, Y11, Y3; \
	VPOR Y3, W, W
#define CONSTS_FIFTHS \
	CONSTS_NIBBLES; \
	VMOVDQU ·bitBytes16+0(SB), Y14; \
	VMOVDQU ·bitBytes16+32(SB), Y13; \
	VPBROADCASTQ ·bitMasks(SB), Y12; \
	VPBROADCASTQ ·fifths(SB), Y11

// As NIBBLES, with fifth bits at OFF-4.
#define NIBBLES5(OFF, B) \
	VMOVD (OFF-4)(SI), X1; \
	VINSERTI128 $1, (OFF+B-4)(SI), Y1, Y1; \
	NIBBLES(OFF, B, Y2, Y0); \
	FIFTH(Y14, Y2); \
	FIFTH(Y13, Y0)

// DOTU(I, SLOT), which is the level's own, leaves in the slot the unsigned
// weights Y2 and Y0 times the activations.
#define PAIR_Q4_0(I, B) \
	NIBBLES((36*I+2), B, Y2, Y0); \
	DOTU(I, 288); \
	SCALES(I, (36*I), B)
#define PAIR_Q4_1(I, B) \
	NIBBLES((40*I+4), B, Y2, Y0); \
	DOTU(I, 320); \
	SCALESMIN(I, (40*I), B)
#define PAIR_Q5_0(I, B) \
	NIBBLES5((44*I+6), B); \
	DOTU(I, 288); \
	SCALES(I, (44*I), B)
#define PAIR_Q5_1(I, B) \
	NIBBLES5((48*I+8), B); \
	DOTU(I, 320); \
	SCALESMIN(I, (48*I), B)

// The halves of two blocks of Q8_0 at OFF(SI) and B further.
#define BYTES(OFF, B) \
	VMOVDQU OFF(SI), X2; \
	VMOVDQU (OFF+16)(SI), X0; \
	VINSERTI128 $1, (OFF+B)(SI), Y2, Y2; \
	VINSERTI128 $1, (OFF+B+16)(SI), Y0, Y0

// The values of two blocks of nibbles, from the table Y14.
#define VALUES(OFF, B) \
	NIBBLES(OFF, B, Y2, Y0); \
	VPSHUFB Y2, Y14, Y2; \
	VPSHUFB Y0, Y14, Y0
