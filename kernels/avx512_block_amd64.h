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
// dots: each of 16 rows times one column: per pair of blocks and row, 16
// partial sums (eight of either block) to sums [pair][16 rows][16], and the
// float16 scales to scales [pair][2][16] (with minimums, [pair][4][16], which
// come last). Rows are read one after another, as one stream.

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

// The scales, or the scales and the minimums, of a pair.
#define SCALEPAIR(HALF) \
	MOVWLZX (SI), AX; \
	MOVWLZX HALF(SI), DX; \
	MOVW AX, (R13); \
	MOVW DX, 32(R13); \
	ADDQ $64, R13

#define MINPAIR(HALF) \
	MOVL (SI), AX; \
	MOVL HALF(SI), DX; \
	MOVW AX, (R13); \
	MOVW DX, 32(R13); \
	SHRL $16, AX; \
	SHRL $16, DX; \
	MOVW AX, 64(R13); \
	MOVW DX, 96(R13); \
	ADDQ $128, R13

// The stream is fetched 16 KiB ahead to the second-level cache and from there
// 2 KiB ahead to the first: with either alone, memory and arithmetic take turns
// (measured 10 GB/s against 17).
//
// DI = sums, SI = w, R8 = what follows a row's pairs in the stride, R9 =
// activations, R10 = scales, R11 = 16 rows left, CX = pairs left. HALF is the
// size of a block.
#define DOTS1(CONSTS, EXPAND, HALF, META) \
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
	VPDPBUSD (R9), Z0, Z1; \
	META(HALF); \
	PREFETCHT1 16384(SI); \
	PREFETCHT0 2048(SI); \
	ADDQ $(2*HALF), SI; \
	ADDQ $64, R9; \
	VMOVDQU64 Z1, (R12); \
	ADDQ $1024, R12; \
	DECQ CX; \
	JNZ pair; \
	ADDQ R8, SI; \
	ADDQ $64, DI; \
	ADDQ $2, R10; \
	DECQ R11; \
	JNZ row; \
	VZEROUPPER; \
	RET
