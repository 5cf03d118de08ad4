//go:build amd64 && !noasm

#include "textflag.h"
#include "avx512_amd64.h"

// The tile of the super-block formats: a panel of sixteen rows times up to
// eight columns, lanes = rows. Z0-Z7 are the integer sums of one group of
// weights, Z18-Z25 those of the super-block, weighted by the integer scales,
// Z8-Z15 the accumulators.
//
// A record of the panel is a super-block of 16 rows:
//	   0  weights [64][16 rows][4], unsigned bytes
//	4096  scales int32 [8 or 16][16 rows]
//	5120  pairs of int16 [8][16 rows][2]: for each 16 weights the minimum, or
//	      (formats without minimums) the scale times minus the weights' offset
//	5632  float16 d [16], float16 dmin [16]

// The sums of 16 activations lie R9/8 = AX bytes apart (CX = 3·AX) from SI and
// BX.
#define COL0(M) M(Z0, Z8, Z18, (R8), (R12), (SI))
#define COL1(M) M(Z1, Z9, Z19, (R8)(R9*1), (R12)(R13*1), (SI)(AX*1))
#define COL2(M) M(Z2, Z10, Z20, (R8)(R9*2), (R12)(R13*2), (SI)(AX*2))
#define COL3(M) M(Z3, Z11, Z21, (R8)(R10*1), (R12)(R15*1), (SI)(CX*1))
#define COL4(M) M(Z4, Z12, Z22, (R11), (R14), (BX))
#define COL5(M) M(Z5, Z13, Z23, (R11)(R9*1), (R14)(R13*1), (BX)(AX*1))
#define COL6(M) M(Z6, Z14, Z24, (R11)(R9*2), (R14)(R13*2), (BX)(AX*2))
#define COL7(M) M(Z7, Z15, Z25, (R11)(R10*1), (R14)(R15*1), (BX)(CX*1))

// The group's sum, times its scales in Z26, joins the super-block's.
#define SCALE(I, F, T, Q, D, B) \
	VPMULLD Z26, I, I; \
	VPADDD I, T, T

// Two sums of 16 activations times the rows' pairs in Z16.
#define PAIRT0(I, F, T, Q, D, B) VPDPWSSD.BCST 0 B, Z16, T
#define PAIRT1(I, F, T, Q, D, B) VPDPWSSD.BCST 4 B, Z17, T
#define PAIRT2(I, F, T, Q, D, B) VPDPWSSD.BCST 8 B, Z16, T
#define PAIRT3(I, F, T, Q, D, B) VPDPWSSD.BCST 12 B, Z17, T
#define PAIRT4(I, F, T, Q, D, B) VPDPWSSD.BCST 16 B, Z16, T
#define PAIRT5(I, F, T, Q, D, B) VPDPWSSD.BCST 20 B, Z17, T
#define PAIRT6(I, F, T, Q, D, B) VPDPWSSD.BCST 24 B, Z16, T
#define PAIRT7(I, F, T, Q, D, B) VPDPWSSD.BCST 28 B, Z17, T

// All eight pairs, at OFF(DI).
#define PAIRS(N, OFF) \
	N(CLEART); \
	VMOVDQU64 (OFF+0)(DI), Z16; \
	VMOVDQU64 (OFF+64)(DI), Z17; \
	N(PAIRT0); \
	VMOVDQU64 (OFF+128)(DI), Z16; \
	N(PAIRT1); \
	VMOVDQU64 (OFF+192)(DI), Z17; \
	N(PAIRT2); \
	VMOVDQU64 (OFF+256)(DI), Z16; \
	N(PAIRT3); \
	VMOVDQU64 (OFF+320)(DI), Z17; \
	N(PAIRT4); \
	VMOVDQU64 (OFF+384)(DI), Z16; \
	N(PAIRT5); \
	VMOVDQU64 (OFF+448)(DI), Z17; \
	N(PAIRT6); \
	N(PAIRT7)

// acc += or -= float32(sum)·(d·da), each product rounded.
#define ADDSUPER(I, F, T, Q, D, B) \
	VMULPS.BCST D, Z26, Z27; \
	VCVTDQ2PS T, T; \
	VMULPS Z27, T, T; \
	VADDPS T, F, F
#define SUBSUPER(I, F, T, Q, D, B) \
	VMULPS.BCST D, Z26, Z27; \
	VCVTDQ2PS T, T; \
	VMULPS Z27, T, T; \
	VSUBPS T, F, F

// A block of 32 weights with one scale, or with two.
#define GROUP32(N) \
	N(CLEARI); \
	DOTSLO(N, 0); \
	DOTSHI(N, 256); \
	VMOVDQU64 (DX), Z26; \
	N(SCALE); \
	ADDQ $64, DX

#define GROUP16(N) \
	N(CLEARI); \
	DOTSLO(N, 0); \
	VMOVDQU64 (DX), Z26; \
	N(SCALE); \
	N(CLEARI); \
	DOTSHI(N, 256); \
	VMOVDQU64 64(DX), Z26; \
	N(SCALE); \
	ADDQ $128, DX

// Eight blocks; leaves DI at the record's scales.
#define GROUPS(N, GROUP, label) \
	LEAQ 4096(DI), DX; \
	MOVQ $8, left-8(SP); \
label: \
	GROUP(N); \
	ADDQ $512, DI; \
	ADDQ $32, R8; \
	ADDQ $32, R11; \
	DECQ left-8(SP); \
	JNZ label

#define NEXT(label) \
	ADDQ $1600, DI; \
	ADDQ $4, R12; \
	ADDQ $4, R14; \
	ADDQ $32, SI; \
	ADDQ $32, BX; \
	DECQ supers+24(FP); \
	JNZ label

#define FINISH(N) \
	MOVQ y+0(FP), AX; \
	MOVQ stride+8(FP), CX; \
	SHLQ $2, CX; \
	N(PUT); \
	VZEROUPPER; \
	RET

#define TILE_MINS(N, GROUP, super, block) \
	N(CLEARF); \
super: \
	N(CLEART); \
	GROUPS(N, GROUP, block); \
	VCVTPH2PS 1536(DI), Z26; \
	N(ADDSUPER); \
	PAIRS(N, 1024); \
	VCVTPH2PS 1568(DI), Z26; \
	N(SUBSUPER); \
	NEXT(super); \
	FINISH(N)

#define TILE_OFFSET(N, GROUP, super, block) \
	N(CLEARF); \
super: \
	PAIRS(N, 5120); \
	GROUPS(N, GROUP, block); \
	VCVTPH2PS 1536(DI), Z26; \
	N(ADDSUPER); \
	NEXT(super); \
	FINISH(N)

#define ARGS \
	MOVQ  panel+16(FP), DI; \
	MOVQ  q+32(FP), R8; \
	MOVQ  d+40(FP), R12; \
	MOVQ  sum+48(FP), SI; \
	MOVQ  k+56(FP), R9; \
	MOVL  mask+72(FP), R13; \
	KMOVW R13, K1; \
	LEAQ  (R9)(R9*2), R10; \
	LEAQ  (R8)(R9*4), R11; \
	MOVQ  R9, AX; \
	SHRQ  $3, AX; \
	LEAQ  (AX)(AX*2), CX; \
	LEAQ  (SI)(AX*4), BX; \
	MOVQ  R9, R13; \
	SHRQ  $6, R13; \
	LEAQ  (R12)(R13*4), R14; \
	LEAQ  (R13)(R13*2), R15

#define MINS32(N, super, block) TILE_MINS(N, GROUP32, super, block)
#define MINS16(N, super, block) TILE_MINS(N, GROUP16, super, block)
#define OFFSET32(N, super, block) TILE_OFFSET(N, GROUP32, super, block)
#define OFFSET16(N, super, block) TILE_OFFSET(N, GROUP16, super, block)

// func tileMins32AVX512(y *float32, stride int, panel *byte, supers int, q *int8, d *float32, sum *int16, k, cols int, mask uint32)
// Formats with minimums and a scale for 32 weights: Q4_K, Q5_K.
TEXT ·tileMins32AVX512(SB), NOSPLIT, $8-76
	ARGS
	BYCOLS(cols+64(FP), MINS32)

// func tileMins16AVX512(y *float32, stride int, panel *byte, supers int, q *int8, d *float32, sum *int16, k, cols int, mask uint32)
// Formats with minimums and a scale for 16 weights: Q2_K.
TEXT ·tileMins16AVX512(SB), NOSPLIT, $8-76
	ARGS
	BYCOLS(cols+64(FP), MINS16)

// func tileOffset32AVX512(y *float32, stride int, panel *byte, supers int, q *int8, d *float32, sum *int16, k, cols int, mask uint32)
// Formats without minimums and a scale for 32 weights: IQ4_XS.
TEXT ·tileOffset32AVX512(SB), NOSPLIT, $8-76
	ARGS
	BYCOLS(cols+64(FP), OFFSET32)

// func tileOffset16AVX512(y *float32, stride int, panel *byte, supers int, q *int8, d *float32, sum *int16, k, cols int, mask uint32)
// Formats without minimums and a scale for 16 weights: Q3_K, Q6_K.
TEXT ·tileOffset16AVX512(SB), NOSPLIT, $8-76
	ARGS
	BYCOLS(cols+64(FP), OFFSET16)
