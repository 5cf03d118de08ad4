// Block formats: macros of the unpacking.
//
// EXPAND_x(P, D) turns the two blocks at P into the 64 weights of D, in their
// order, as unsigned bytes. Formats without minimums carry an offset of 128.
//
// unpack: 16 rows, stride bytes apart, two blocks at a time, to the panel: per
// block of 32, [8][16 rows][4] bytes, then float16 scales [16] and minimums
// [16].

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
