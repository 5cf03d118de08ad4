// Unpacking sixteen rows to a panel of the AVX2 tile, eight at a time: SI = row 0,
// DX = row 4, R8 = the stride of rows, R9 = 3·R8, DI = the panel of these eight,
// CX = blocks left. The packed bytes are transposed by dwords first, so that each
// register has one dword of the eight rows, and then taken apart: that is less
// than half the work of the other order. Nothing is read outside the blocks.

// Y0-Y3 = dwords 0 to 3 of the sixteen bytes at OFF of the eight rows. Clobbers
// Y4-Y7.
#define LOAD16(OFF) \
	LOADROWS(OFF); \
	TRANSPOSE4
#define LOADROWS(OFF) \
	VMOVDQU OFF(SI), X0; \
	VMOVDQU OFF(SI)(R8*1), X1; \
	VMOVDQU OFF(SI)(R8*2), X2; \
	VMOVDQU OFF(SI)(R9*1), X3; \
	VINSERTI128 $1, OFF(DX), Y0, Y0; \
	VINSERTI128 $1, OFF(DX)(R8*1), Y1, Y1; \
	VINSERTI128 $1, OFF(DX)(R8*2), Y2, Y2; \
	VINSERTI128 $1, OFF(DX)(R9*1), Y3, Y3

#define TRANSPOSE4 \
	VPUNPCKLDQ Y1, Y0, Y4; \
	VPUNPCKHDQ Y1, Y0, Y5; \
	VPUNPCKLDQ Y3, Y2, Y6; \
	VPUNPCKHDQ Y3, Y2, Y7; \
	VPUNPCKLQDQ Y6, Y4, Y0; \
	VPUNPCKHQDQ Y6, Y4, Y1; \
	VPUNPCKLQDQ Y7, Y5, Y2; \
	VPUNPCKHQDQ Y7, Y5, Y3

// Y = the dwords at OFF of the eight rows. Clobbers X4.
#define DWORDS(OFF, X, Y) \
	VMOVD OFF(SI), X; \
	VMOVD OFF(DX), X4; \
	VPINSRD $1, OFF(SI)(R8*1), X, X; \
	VPINSRD $1, OFF(DX)(R8*1), X4, X4; \
	VPINSRD $2, OFF(SI)(R8*2), X, X; \
	VPINSRD $2, OFF(DX)(R8*2), X4, X4; \
	VPINSRD $3, OFF(SI)(R9*1), X, X; \
	VPINSRD $3, OFF(DX)(R9*1), X4, X4; \
	VINSERTI128 $1, X4, Y, Y

// Y = the float16 at OFF of the eight rows, as float32.
#define HALVES(OFF, X, Y) \
	VPXOR X, X, X; \
	VPINSRW $0, OFF(SI), X, X; \
	VPINSRW $1, OFF(SI)(R8*1), X, X; \
	VPINSRW $2, OFF(SI)(R8*2), X, X; \
	VPINSRW $3, OFF(SI)(R9*1), X, X; \
	VPINSRW $4, OFF(DX), X, X; \
	VPINSRW $5, OFF(DX)(R8*1), X, X; \
	VPINSRW $6, OFF(DX)(R8*2), X, X; \
	VPINSRW $7, OFF(DX)(R9*1), X, X; \
	VCVTPH2PS X, Y

// Y = the lower float16 of its eight dwords, whose upper halves are 0.
#define LOWERHALVES(X, Y) \
	VPACKUSDW Y, Y, Y; \
	VPERMQ $0x08, Y, Y; \
	VCVTPH2PS X, Y

// Y keeps the lower halves of its dwords.
#define LOWERWORDS(Y) \
	VPSLLD $16, Y, Y; \
	VPSRLD $16, Y, Y

// YA and YB, the lower and the upper float16 of eight dwords D. Clobbers D.
#define TWOHALVES(D, YA, XA, YB, XB) \
	VMOVDQU D, YA; \
	LOWERWORDS(YA); \
	VPSRLD $16, D, D; \
	VPACKUSDW D, YA, YA; \
	VPERMQ $0xd8, YA, YA; \
	VEXTRACTI128 $1, YA, XB; \
	VCVTPH2PS XA, YA; \
	VCVTPH2PS XB, YB

// Weights 4i to 4i+3 of the eight rows.
#define PUT(i, Y) VMOVDQU Y, (64*(i))(DI)

// The same of group g, signed, with the magnitudes. Clobbers Y7.
#define PUTSIGNED(g, i, Y) \
	VPABSB Y, Y7; \
	VMOVDQU Y, (1152*(g)+128*(i))(DI); \
	VMOVDQU Y7, (1152*(g)+128*(i)+64)(DI)

// The blocks of sixteen rows by BLOCK, of SIZE bytes each and PANEL in the panel.
// Meanwhile FETCH fetches as many bytes ahead, at R13, for eight rows of a block.
// After the blocks of eight rows LAST has the panel at DI and their number in CX.
#define UNPACK(CONSTS, BLOCK, FETCH, LAST, SIZE, PANEL) \
	MOVQ panel+0(FP), R11; \
	MOVQ w+8(FP), R12; \
	MOVQ stride+16(FP), R8; \
	MOVQ ahead+32(FP), R13; \
	ADDQ R12, R13; \
	LEAQ (R8)(R8*2), R9; \
	MOVQ $2, R10; \
	CONSTS; \
half: \
	MOVQ R11, DI; \
	MOVQ R12, SI; \
	LEAQ (SI)(R8*4), DX; \
	MOVQ n+24(FP), CX; \
block: \
	BLOCK; \
	FETCH; \
	ADDQ $(8*SIZE), R13; \
	ADDQ $PANEL, DI; \
	ADDQ $SIZE, SI; \
	ADDQ $SIZE, DX; \
	DECQ CX; \
	JNZ block; \
	MOVQ R11, DI; \
	MOVQ n+24(FP), CX; \
	LAST; \
	ADDQ $32, R11; \
	LEAQ (R12)(R8*8), R12; \
	DECQ R10; \
	JNZ half; \
	VZEROUPPER; \
	RET

// Low and high nibbles of X. Y15 = 15 in bytes.
#define LOW(X, D) VPAND X, Y15, D
#define HIGH(X, D) \
	VPSRLW $4, X, D; \
	VPAND D, Y15, D

#define NOTHING
