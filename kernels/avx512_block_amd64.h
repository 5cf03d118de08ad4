// Block formats: macros of the unpacking and of the products with one column.
//
// EXPAND_x(P, D) turns the two blocks at P into the 64 weights of D, in their
// order, as unsigned bytes. Formats without minimums carry an offset of 128.
// The same macro serves the panels of the tile (unpack) and the products with
// one column (dots).
//
// unpack: 16 rows, stride bytes apart, two blocks at a time, to the panel: per
// block of 32, [8][16 rows][4] bytes, then float16 scales [16] and minimums
// [16].
//
// dots: each of 16 rows times one column: the integer sums of the blocks to sums
// [group][16 rows][16], a group being 16 blocks, and their float16 scales to
// scales [group][16 rows][16] (minimums, where there are any, to the 8 KiB
// behind). Rows are read one after another, as one stream: the reduction within
// a group leaves one store for 16 blocks, and a second pass (sum) scales,
// transposes and adds them in the order of the blocks.

#define PANEL 576

// K1 = the lanes of the second block.
#define UPPER \
	MOVL $0xff00, AX; \
	KMOVW AX, K1

// Row i of two blocks of HALF bytes with a scale, or a scale and a minimum.
#define UNPACKROW(EXPAND, HALF, i, D) \
	EXPAND(SI, D); \
	MOVWLZX (SI), AX; \
	MOVWLZX HALF(SI), DX; \
	ADDQ R8, SI; \
	MOVW AX, (512+2*i)(DI); \
	MOVW DX, (PANEL+512+2*i)(DI)

#define UNPACKMINROW(EXPAND, HALF, i, D) \
	EXPAND(SI, D); \
	MOVL (SI), AX; \
	MOVL HALF(SI), DX; \
	ADDQ R8, SI; \
	MOVW AX, (512+2*i)(DI); \
	MOVW DX, (PANEL+512+2*i)(DI); \
	SHRL $16, AX; \
	SHRL $16, DX; \
	MOVW AX, (544+2*i)(DI); \
	MOVW DX, (PANEL+544+2*i)(DI)

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
	VZEROUPPER; \
	RET

// The scales, or the scales and the minimums, of pair i of a group.
#define SCALEPAIR(HALF, i) \
	MOVWLZX (SI), AX; \
	MOVWLZX HALF(SI), DX; \
	MOVW AX, (4*i)(R13); \
	MOVW DX, (4*i+2)(R13)

#define MINPAIR(HALF, i) \
	MOVL (SI), AX; \
	MOVL HALF(SI), DX; \
	MOVW AX, (4*i)(R13); \
	MOVW DX, (4*i+2)(R13); \
	SHRL $16, AX; \
	SHRL $16, DX; \
	MOVW AX, (8192+4*i)(R13); \
	MOVW DX, (8192+4*i+2)(R13)

// Pair i of a group: its partial sums, eight of either block, in S.
#define DOTPAIR(EXPAND, HALF, META, i, S) \
	EXPAND(SI, Z16); \
	VPXORQ S, S, S; \
	VPDPBUSD (64*i)(R9), Z16, S; \
	META(HALF, i); \
	PREFETCHT1 16384(SI); \
	PREFETCHT0 2048(SI); \
	ADDQ $(2*HALF), SI

// Z0-Z7, the partial sums of eight pairs, become the sixteen sums of the blocks
// in their order (Z27 = the permutation), stored at R12.
#define STOREGROUP \
	SUMROWS(Z0, Z1, Z2, Z3, Z4, Z5, Z6, Z7, Z17, Z18, Z19, Z20, Z27, Z25); \
	VMOVDQU64 Z25, (R12); \
	ADDQ $1024, R12; \
	ADDQ $512, R13; \
	ADDQ $512, R9

// The last group of a row may have fewer than eight pairs: CX of them.
#define LASTPAIR(EXPAND, HALF, META, i, S) \
	DOTPAIR(EXPAND, HALF, META, i, S); \
	CMPQ CX, $(i+1); \
	JEQ last

// DI = sums, SI = w, R8 = what follows a row's pairs in the stride, R9 =
// activations, R10 = scales, R11 = rows left, BX = pairs of a row, CX = those
// left, R12 and R13 = sums and scales along a row. HALF is the size of a block.
#define DOTS1(CONSTS, EXPAND, HALF, META) \
	MOVQ sums+0(FP), DI; \
	MOVQ scales+8(FP), R10; \
	MOVQ w+16(FP), SI; \
	MOVQ stride+24(FP), R8; \
	MOVQ pairs+32(FP), BX; \
	UPPER; \
	CONSTS; \
	VMOVDQU64 ·blockOrder(SB), Z27; \
	IMUL3Q $(2*HALF), BX, AX; \
	SUBQ AX, R8; \
	MOVL $16, R11; \
row: \
	MOVQ q+40(FP), R9; \
	MOVQ DI, R12; \
	MOVQ R10, R13; \
	MOVQ BX, CX; \
	SUBQ $8, CX; \
	JLT rest; \
group: \
	DOTPAIR(EXPAND, HALF, META, 0, Z0); \
	DOTPAIR(EXPAND, HALF, META, 1, Z1); \
	DOTPAIR(EXPAND, HALF, META, 2, Z2); \
	DOTPAIR(EXPAND, HALF, META, 3, Z3); \
	DOTPAIR(EXPAND, HALF, META, 4, Z4); \
	DOTPAIR(EXPAND, HALF, META, 5, Z5); \
	DOTPAIR(EXPAND, HALF, META, 6, Z6); \
	DOTPAIR(EXPAND, HALF, META, 7, Z7); \
	STOREGROUP; \
	SUBQ $8, CX; \
	JGE group; \
rest: \
	ADDQ $8, CX; \
	JEQ next; \
	VPXORQ Z1, Z1, Z1; \
	VPXORQ Z2, Z2, Z2; \
	VPXORQ Z3, Z3, Z3; \
	VPXORQ Z4, Z4, Z4; \
	VPXORQ Z5, Z5, Z5; \
	VPXORQ Z6, Z6, Z6; \
	VPXORQ Z7, Z7, Z7; \
	LASTPAIR(EXPAND, HALF, META, 0, Z0); \
	LASTPAIR(EXPAND, HALF, META, 1, Z1); \
	LASTPAIR(EXPAND, HALF, META, 2, Z2); \
	LASTPAIR(EXPAND, HALF, META, 3, Z3); \
	LASTPAIR(EXPAND, HALF, META, 4, Z4); \
	LASTPAIR(EXPAND, HALF, META, 5, Z5); \
	DOTPAIR(EXPAND, HALF, META, 6, Z6); \
last: \
	STOREGROUP; \
next: \
	ADDQ R8, SI; \
	ADDQ $64, DI; \
	ADDQ $32, R10; \
	DECQ R11; \
	JNZ row; \
	VZEROUPPER; \
	RET

// sum: AX = accumulators of 16 rows, DI = sums, R10 = scales, CX = blocks, R12 =
// the activations' scales, SI = their biases. K4 = the blocks of a group.
#define SUM_ARGS \
	MOVQ acc+0(FP), AX; \
	MOVQ sums+8(FP), DI; \
	MOVQ scales+16(FP), R10; \
	MOVQ blocks+24(FP), CX; \
	MOVQ d+32(FP), R12; \
	MOVQ bias+40(FP), SI

#define GROUPMASK \
	MOVL $0xffff, DX; \
	CMPQ CX, $16; \
	JGE whole; \
	MOVL $-1, DX; \
	SHLL CX, DX; \
	NOTL DX; \
whole: \
	KMOVW DX, K4
