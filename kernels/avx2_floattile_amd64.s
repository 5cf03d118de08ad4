//go:build amd64 && !noasm

#include "textflag.h"

// Products of plain numbers for AVX2: two rows times three columns, in sixteen
// lanes each: Y0-Y5 are those of row 0, Y6-Y11 of row 1, two registers to a
// column. Rows lie R8 bytes apart (SI), columns R9 (DI), results R10 (BX).

// Eight weights at P.
#define LOADF32(P, D) VMOVUPS P, D
#define LOADF16(P, D) VCVTPH2PS P, D
#define LOADBF16(P, D) \
	VPMOVZXWD P, D; \
	VPSLLD $16, D, D

#define COL(P, A, B) \
	VMOVUPS P, Y14; \
	VFMADD231PS Y14, Y12, A; \
	VFMADD231PS Y14, Y13, B

// Sixteen weights of the rows, of HALF bytes for eight.
#define SIXTEEN(LOAD, HALF) \
	LOAD((SI), Y12); \
	LOAD((SI)(R8*1), Y13); \
	COL((DI), Y0, Y6); \
	COL((DI)(R9*1), Y2, Y8); \
	COL((DI)(R9*2), Y4, Y10); \
	LOAD(HALF(SI), Y12); \
	LOAD(HALF(SI)(R8*1), Y13); \
	COL(32(DI), Y1, Y7); \
	COL(32(DI)(R9*1), Y3, Y9); \
	COL(32(DI)(R9*2), Y5, Y11)

// The sum of sixteen lanes in the tree of sumLanes.
#define SUM(LO, HI, X, P) \
	VADDPS HI, LO, LO; \
	VEXTRACTF128 $1, LO, X15; \
	VADDPS X15, X, X; \
	VPSHUFD $0x0e, X, X15; \
	VADDPS X15, X, X; \
	VPSHUFD $0x01, X, X15; \
	VADDSS X15, X, X; \
	VMOVSS X, P

#define ZERO3(A, B, C) \
	VXORPS A, A, A; \
	VXORPS B, B, B; \
	VXORPS C, C, C

#define TILE(LOAD, HALF) \
	MOVQ y+0(FP), BX; \
	MOVQ stride+8(FP), R10; \
	MOVQ w+16(FP), SI; \
	MOVQ wstride+24(FP), R8; \
	MOVQ x+32(FP), DI; \
	MOVQ n+40(FP), CX; \
	SHLQ $2, R10; \
	LEAQ (CX*4), R9; \
	ZERO3(Y0, Y1, Y2); \
	ZERO3(Y3, Y4, Y5); \
	ZERO3(Y6, Y7, Y8); \
	ZERO3(Y9, Y10, Y11); \
sixteen: \
	SIXTEEN(LOAD, HALF); \
	ADDQ $(2*HALF), SI; \
	ADDQ $64, DI; \
	SUBQ $16, CX; \
	JNZ sixteen; \
	SUM(Y0, Y1, X0, (BX)); \
	SUM(Y2, Y3, X2, (BX)(R10*1)); \
	SUM(Y4, Y5, X4, (BX)(R10*2)); \
	SUM(Y6, Y7, X6, 4(BX)); \
	SUM(Y8, Y9, X8, 4(BX)(R10*1)); \
	SUM(Y10, Y11, X10, 4(BX)(R10*2)); \
	VZEROUPPER; \
	RET

// func tileF32AVX2(y *float32, stride int, w *byte, wstride int, x *float32, n int)
TEXT ·tileF32AVX2(SB), NOSPLIT, $0-48
	TILE(LOADF32, 32)

// func tileF16AVX2(y *float32, stride int, w *byte, wstride int, x *float32, n int)
TEXT ·tileF16AVX2(SB), NOSPLIT, $0-48
	TILE(LOADF16, 16)

// func tileBF16AVX2(y *float32, stride int, w *byte, wstride int, x *float32, n int)
TEXT ·tileBF16AVX2(SB), NOSPLIT, $0-48
	TILE(LOADBF16, 16)
