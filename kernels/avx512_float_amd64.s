//go:build amd64 && !noasm

#include "textflag.h"
#include "avx512_elem_amd64.h"

// Products of plain numbers: four rows times one column or four, in sixteen
// lanes each. Z0-Z3, Z4-Z7, Z10-Z13 and Z21-Z24 are the sums of the columns,
// Z16-Z19 the rows' weights, Z20 the activations. Rows lie R8 bytes apart (SI; R10 = 3·R8), columns
// R9 (DI; R11 = 3·R9); CX = whole vectors left, K1 = the lanes of the rest.

// Sixteen weights at P, or those of K1.
#define LOADF32(P, D, Y) VMOVUPS P, D
#define RESTF32(P, D, Y) VMOVUPS.Z P, K1, D
#define LOADF16(P, D, Y) VCVTPH2PS P, D
#define RESTF16(P, D, Y) VMOVDQU16.Z P, K1, Y; VCVTPH2PS Y, D
#define LOADBF16(P, D, Y) VPMOVZXWD P, D; VPSLLD $16, D, D
#define RESTBF16(P, D, Y) VPMOVZXWD.Z P, K1, D; VPSLLD $16, D, D

#define ROWS(LOAD) \
	LOAD((SI), Z16, Y16); \
	LOAD((SI)(R8*1), Z17, Y17); \
	LOAD((SI)(R8*2), Z18, Y18); \
	LOAD((SI)(R10*1), Z19, Y19)

#define COL(LOAD, P, C0, C1, C2, C3) \
	LOAD(P, Z20, Y20); \
	VFMADD231PS Z20, Z16, C0; \
	VFMADD231PS Z20, Z17, C1; \
	VFMADD231PS Z20, Z18, C2; \
	VFMADD231PS Z20, Z19, C3

#define ONE(LOAD) \
	COL(LOAD, (DI), Z0, Z1, Z2, Z3)
#define FOUR(LOAD) \
	COL(LOAD, (DI), Z0, Z1, Z2, Z3); \
	COL(LOAD, (DI)(R9*1), Z4, Z5, Z6, Z7); \
	COL(LOAD, (DI)(R9*2), Z10, Z11, Z12, Z13); \
	COL(LOAD, (DI)(R11*1), Z21, Z22, Z23, Z24)

#define ZERO4(A, B, C, D) \
	VPXORQ A, A, A; \
	VPXORQ B, B, B; \
	VPXORQ C, C, C; \
	VPXORQ D, D, D

// SIZE = bytes of sixteen weights.
#define DOTS(COLS, LOAD, REST, SIZE) \
	TAILMASK; \
	LEAQ (R8)(R8*2), R10; \
	LEAQ (R9)(R9*2), R11; \
	ZERO4(Z0, Z1, Z2, Z3); \
	ZERO4(Z4, Z5, Z6, Z7); \
	ZERO4(Z10, Z11, Z12, Z13); \
	ZERO4(Z21, Z22, Z23, Z24); \
	TESTQ CX, CX; \
	JZ rest; \
sixteen: \
	ROWS(LOAD); \
	COLS(LOADF32); \
	ADDQ $SIZE, SI; \
	ADDQ $64, DI; \
	DECQ CX; \
	JNZ sixteen; \
rest: \
	KTESTW K1, K1; \
	JZ sum; \
	ROWS(REST); \
	COLS(RESTF32); \
sum: \
	SUMTREE8(Z0, Z1, Z2, Z3, Z4, Z5, Z6, Z7); \
	MOVL rows+48(FP), AX; \
	KMOVW AX, K1; \
	VMOVUPS X0, K1, (BX)

// The other three columns.
#define PUT3 \
	MOVQ stride+8(FP), R8; \
	SHLQ $2, R8; \
	LEAQ (R8)(R8*2), R9; \
	VEXTRACTF128 $1, Y0, X0; \
	VMOVUPS X0, K1, (BX)(R8*1); \
	SUMTREE8(Z10, Z11, Z12, Z13, Z21, Z22, Z23, Z24); \
	VMOVUPS X0, K1, (BX)(R8*2); \
	VEXTRACTF128 $1, Y0, X0; \
	VMOVUPS X0, K1, (BX)(R9*1)

// func dotsF32x1AVX512(y *float32, stride int, w *byte, wstride int, x *float32, k int, rows uint32)
TEXT ·dotsF32x1AVX512(SB), NOSPLIT, $0-52
	MOVQ y+0(FP), BX
	MOVQ w+16(FP), SI
	MOVQ wstride+24(FP), R8
	MOVQ x+32(FP), DI
	MOVQ k+40(FP), CX
	LEAQ (CX*4), R9
	DOTS(ONE, LOADF32, RESTF32, 64)
	VZEROUPPER
	RET

// func dotsF32x4AVX512(y *float32, stride int, w *byte, wstride int, x *float32, k int, rows uint32)
TEXT ·dotsF32x4AVX512(SB), NOSPLIT, $0-52
	MOVQ y+0(FP), BX
	MOVQ w+16(FP), SI
	MOVQ wstride+24(FP), R8
	MOVQ x+32(FP), DI
	MOVQ k+40(FP), CX
	LEAQ (CX*4), R9
	DOTS(FOUR, LOADF32, RESTF32, 64)
	PUT3
	VZEROUPPER
	RET

// func dotsF16x1AVX512(y *float32, stride int, w *byte, wstride int, x *float32, k int, rows uint32)
TEXT ·dotsF16x1AVX512(SB), NOSPLIT, $0-52
	MOVQ y+0(FP), BX
	MOVQ w+16(FP), SI
	MOVQ wstride+24(FP), R8
	MOVQ x+32(FP), DI
	MOVQ k+40(FP), CX
	LEAQ (CX*4), R9
	DOTS(ONE, LOADF16, RESTF16, 32)
	VZEROUPPER
	RET

// func dotsF16x4AVX512(y *float32, stride int, w *byte, wstride int, x *float32, k int, rows uint32)
TEXT ·dotsF16x4AVX512(SB), NOSPLIT, $0-52
	MOVQ y+0(FP), BX
	MOVQ w+16(FP), SI
	MOVQ wstride+24(FP), R8
	MOVQ x+32(FP), DI
	MOVQ k+40(FP), CX
	LEAQ (CX*4), R9
	DOTS(FOUR, LOADF16, RESTF16, 32)
	PUT3
	VZEROUPPER
	RET

// func dotsBF16x1AVX512(y *float32, stride int, w *byte, wstride int, x *float32, k int, rows uint32)
TEXT ·dotsBF16x1AVX512(SB), NOSPLIT, $0-52
	MOVQ y+0(FP), BX
	MOVQ w+16(FP), SI
	MOVQ wstride+24(FP), R8
	MOVQ x+32(FP), DI
	MOVQ k+40(FP), CX
	LEAQ (CX*4), R9
	DOTS(ONE, LOADBF16, RESTBF16, 32)
	VZEROUPPER
	RET

// func dotsBF16x4AVX512(y *float32, stride int, w *byte, wstride int, x *float32, k int, rows uint32)
TEXT ·dotsBF16x4AVX512(SB), NOSPLIT, $0-52
	MOVQ y+0(FP), BX
	MOVQ w+16(FP), SI
	MOVQ wstride+24(FP), R8
	MOVQ x+32(FP), DI
	MOVQ k+40(FP), CX
	LEAQ (CX*4), R9
	DOTS(FOUR, LOADBF16, RESTBF16, 32)
	PUT3
	VZEROUPPER
	RET
