//go:build amd64 && !noasm

#include "textflag.h"

// Products of plain numbers for AVX2: one row times one column or four, in
// sixteen lanes each, two registers to a column; Go adds the rest of a row and
// the lanes. Columns lie R9 bytes apart (R10 = 3·R9).

// Sixteen weights in Y8 and Y9.
#define LOADF32 \
	VMOVUPS (SI), Y8; \
	VMOVUPS 32(SI), Y9
#define LOADF16 \
	VCVTPH2PS (SI), Y8; \
	VCVTPH2PS 16(SI), Y9
#define LOADBF16 \
	VPMOVZXWD (SI), Y8; \
	VPMOVZXWD 16(SI), Y9; \
	VPSLLD $16, Y8, Y8; \
	VPSLLD $16, Y9, Y9

#define COL(P, A, B) \
	VFMADD231PS 0 P, Y8, A; \
	VFMADD231PS 32 P, Y9, B
#define ONE \
	COL((DI), Y0, Y1)
#define FOUR \
	COL((DI), Y0, Y1); \
	COL((DI)(R9*1), Y2, Y3); \
	COL((DI)(R9*2), Y4, Y5); \
	COL((DI)(R10*1), Y6, Y7)

#define PUTONE \
	VMOVUPS Y0, (AX); \
	VMOVUPS Y1, 32(AX)
#define PUTFOUR \
	PUTONE; \
	VMOVUPS Y2, 64(AX); \
	VMOVUPS Y3, 96(AX); \
	VMOVUPS Y4, 128(AX); \
	VMOVUPS Y5, 160(AX); \
	VMOVUPS Y6, 192(AX); \
	VMOVUPS Y7, 224(AX)

// SIZE = bytes of sixteen weights. CX = elements left, a multiple of sixteen.
#define DOTS(LOAD, COLS, PUT, SIZE) \
	LEAQ (R9)(R9*2), R10; \
	VXORPS Y0, Y0, Y0; \
	VXORPS Y1, Y1, Y1; \
	VXORPS Y2, Y2, Y2; \
	VXORPS Y3, Y3, Y3; \
	VXORPS Y4, Y4, Y4; \
	VXORPS Y5, Y5, Y5; \
	VXORPS Y6, Y6, Y6; \
	VXORPS Y7, Y7, Y7; \
	TESTQ CX, CX; \
	JZ done; \
sixteen: \
	LOAD; \
	COLS; \
	ADDQ $SIZE, SI; \
	ADDQ $64, DI; \
	SUBQ $16, CX; \
	JNZ sixteen; \
done: \
	PUT; \
	VZEROUPPER; \
	RET

// func dotsF32x1AVX2(lanes *float32, w *byte, x *float32, n, xstride int)
TEXT ·dotsF32x1AVX2(SB), NOSPLIT, $0-40
	MOVQ lanes+0(FP), AX
	MOVQ w+8(FP), SI
	MOVQ x+16(FP), DI
	MOVQ n+24(FP), CX
	MOVQ xstride+32(FP), R9
	DOTS(LOADF32, ONE, PUTONE, 64)

// func dotsF32x4AVX2(lanes *float32, w *byte, x *float32, n, xstride int)
TEXT ·dotsF32x4AVX2(SB), NOSPLIT, $0-40
	MOVQ lanes+0(FP), AX
	MOVQ w+8(FP), SI
	MOVQ x+16(FP), DI
	MOVQ n+24(FP), CX
	MOVQ xstride+32(FP), R9
	DOTS(LOADF32, FOUR, PUTFOUR, 64)

// func dotsF16x1AVX2(lanes *float32, w *byte, x *float32, n, xstride int)
TEXT ·dotsF16x1AVX2(SB), NOSPLIT, $0-40
	MOVQ lanes+0(FP), AX
	MOVQ w+8(FP), SI
	MOVQ x+16(FP), DI
	MOVQ n+24(FP), CX
	MOVQ xstride+32(FP), R9
	DOTS(LOADF16, ONE, PUTONE, 32)

// func dotsF16x4AVX2(lanes *float32, w *byte, x *float32, n, xstride int)
TEXT ·dotsF16x4AVX2(SB), NOSPLIT, $0-40
	MOVQ lanes+0(FP), AX
	MOVQ w+8(FP), SI
	MOVQ x+16(FP), DI
	MOVQ n+24(FP), CX
	MOVQ xstride+32(FP), R9
	DOTS(LOADF16, FOUR, PUTFOUR, 32)

// func dotsBF16x1AVX2(lanes *float32, w *byte, x *float32, n, xstride int)
TEXT ·dotsBF16x1AVX2(SB), NOSPLIT, $0-40
	MOVQ lanes+0(FP), AX
	MOVQ w+8(FP), SI
	MOVQ x+16(FP), DI
	MOVQ n+24(FP), CX
	MOVQ xstride+32(FP), R9
	DOTS(LOADBF16, ONE, PUTONE, 32)

// func dotsBF16x4AVX2(lanes *float32, w *byte, x *float32, n, xstride int)
TEXT ·dotsBF16x4AVX2(SB), NOSPLIT, $0-40
	MOVQ lanes+0(FP), AX
	MOVQ w+8(FP), SI
	MOVQ x+16(FP), DI
	MOVQ n+24(FP), CX
	MOVQ xstride+32(FP), R9
	DOTS(LOADBF16, FOUR, PUTFOUR, 32)
