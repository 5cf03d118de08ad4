//go:build amd64 && !noasm

#include "textflag.h"
#include "avx2_attend_amd64.h"

// Attention for AVX2: scores, and sums of weighted values. The values of a block
// follow its keys, and the keys of the next head the values: each is fetched while
// the other is used.

// Two elements of the keys of both tiles, at SI and BX, a turn. SIZE = bytes of
// sixteen elements, DX = values, FETCHn fetches n·2·SIZE bytes.
#define SCORESW(LANES, SIZE, FETCH2, N, inner) \
	N(NONEW); \
inner: \
	FETCH2(DX); \
	LANES(0, SI); \
	N(SCORE0LO); \
	LANES(0, BX); \
	N(SCORE0HI); \
	LANES(SIZE, SI); \
	N(SCORE1LO); \
	LANES(SIZE, BX); \
	N(SCORE1HI); \
	ADDQ $(2*SIZE), SI; \
	ADDQ $(2*SIZE), BX; \
	ADDQ $(4*SIZE), DX; \
	ADDQ $8, R8; \
	SUBQ $2, CX; \
	JNZ  inner; \
	N(PUTSCORESW); \
	VZEROUPPER; \
	RET

// The same of one tile, and then of the other, at BX.
#define SCORESN(LANES, SIZE, FETCH1, N, outer, inner) \
outer: \
	N(NONEN); \
inner: \
	FETCH1(DX); \
	LANES(0, SI); \
	N(SCORE0N); \
	LANES(SIZE, SI); \
	N(SCORE1N); \
	ADDQ $(2*SIZE), SI; \
	ADDQ $(2*SIZE), DX; \
	ADDQ $8, R8; \
	ADDQ $8, R11; \
	SUBQ $2, CX; \
	JNZ  inner; \
	N(PUTSCORESN); \
	ADDQ $64, DI; \
	MOVQ R9, CX; \
	SUBQ R9, R8; \
	SUBQ R9, R11; \
	SHRQ $2, CX; \
	CMPQ SI, BX; \
	JEQ  outer; \
	VZEROUPPER; \
	RET

// Sums of 16 or 32 elements at a time over all positions. R12 = values, R13 =
// bytes between them, CX = elements, DX = corrections, BX = the next keys.
#define SUMSW(LANES, SIZE, FETCH1, N, outer, inner) \
outer: \
	MOVQ p+16(FP), DI; \
	MOVQ positions+64(FP), AX; \
	MOVQ R12, SI; \
	N(CORRECTW); \
inner: \
	FETCH1(BX); \
	LANES(0, SI); \
	N(WEIGHLO); \
	LANES(SIZE, SI); \
	N(WEIGHHI); \
	ADDQ R13, SI; \
	ADDQ $(2*SIZE), BX; \
	ADDQ $4, DI; \
	DECQ AX; \
	JNZ  inner; \
	N(PUTSUMSW); \
	ADDQ $(2*SIZE), R12; \
	ADDQ $128, R8; \
	SUBQ $32, CX; \
	JNZ  outer; \
	VZEROUPPER; \
	RET
#define SUMSN(LANES, SIZE, N, outer, inner) \
outer: \
	MOVQ p+16(FP), DI; \
	MOVQ positions+64(FP), AX; \
	MOVQ R12, SI; \
	N(CORRECTN); \
inner: \
	PREFETCHT0 (BX); \
	LANES(0, SI); \
	N(WEIGHN); \
	ADDQ R13, SI; \
	ADDQ $SIZE, BX; \
	ADDQ $4, DI; \
	DECQ AX; \
	JNZ  inner; \
	N(PUTSUMSN); \
	ADDQ $SIZE, R12; \
	ADDQ $64, R8; \
	ADDQ $64, R11; \
	SUBQ $16, CX; \
	JNZ  outer; \
	VZEROUPPER; \
	RET

#define FETCH64(P) PREFETCHT0 (P)
#define FETCH128(P) PREFETCHT0 (P); PREFETCHT0 64(P)
#define FETCH256(P) FETCH128(P); PREFETCHT0 128(P); PREFETCHT0 192(P)

#define SCORESF16W(N, outer, inner) SCORESW(LANESF16, 32, FETCH128, N, inner)
#define SCORESF16N(N, outer, inner) SCORESN(LANESF16, 32, FETCH64, N, outer, inner)
#define SCORESF32W(N, outer, inner) SCORESW(LANESF32, 64, FETCH256, N, inner)
#define SCORESF32N(N, outer, inner) SCORESN(LANESF32, 64, FETCH128, N, outer, inner)
#define SUMSF16W(N, outer, inner) SUMSW(LANESF16, 32, FETCH64, N, outer, inner)
#define SUMSF16N(N, outer, inner) SUMSN(LANESF16, 32, N, outer, inner)
#define SUMSF32W(N, outer, inner) SUMSW(LANESF32, 64, FETCH128, N, outer, inner)
#define SUMSF32N(N, outer, inner) SUMSN(LANESF32, 64, N, outer, inner)
#define SUMSI8W(N, outer, inner) SUMSW(LANESI8, 16, FETCH64, N, outer, inner)
#define SUMSI8N(N, outer, inner) SUMSN(LANESI8, 16, N, outer, inner)

#define SUMS_ARGS \
	MOVQ acc+0(FP), R8; \
	MOVQ c+8(FP), DX; \
	MOVQ v+24(FP), R12; \
	MOVQ ahead+32(FP), BX; \
	ADDQ R12, BX; \
	MOVQ head+40(FP), R13; \
	MOVQ width+48(FP), CX; \
	LEAQ (R13*4), R9; \
	STRIDES

// TILE = log2 of the bytes of sixteen elements.
#define SCORES_ARGS(TILE) \
	MOVQ p+0(FP), DI; \
	MOVQ q+8(FP), R8; \
	MOVQ k+16(FP), SI; \
	MOVQ head+24(FP), CX; \
	LEAQ (CX*4), R9; \
	STRIDES; \
	MOVQ CX, BX; \
	SHLQ $TILE, BX; \
	LEAQ (SI)(BX*2), DX; \
	ADDQ SI, BX

// func scoresF16AVX2(p, q *float32, k *byte, head, n int)
//
// p[i][t] = Σ q[i][d]·k[t][d] for n queries, one to six, and all 32 positions.
TEXT ·scoresF16AVX2(SB), NOSPLIT, $0-40
	SCORES_ARGS(5)
	BYQUERIES(n+32(FP), SCORESF16W, SCORESF16N)

// func scoresF32AVX2(p, q *float32, k *byte, head, n int)
TEXT ·scoresF32AVX2(SB), NOSPLIT, $0-40
	SCORES_ARGS(6)
	BYQUERIES(n+32(FP), SCORESF32W, SCORESF32N)

// func sumsF16AVX2(acc, c, p *float32, v *byte, ahead, head, width, n, positions int)
//
// acc[i] = acc[i]·c[i] + Σ p[i][t]·v[t] for n queries, one to six, over positions ≥
// 1 in their order, and the first width elements of head, a multiple of 32. What
// lies ahead of v by that many bytes is fetched.
TEXT ·sumsF16AVX2(SB), NOSPLIT, $0-72
	SUMS_ARGS
	SHLQ $1, R13
	BYQUERIES(n+56(FP), SUMSF16W, SUMSF16N)

// func sumsF32AVX2(acc, c, p *float32, v *byte, ahead, head, width, n, positions int)
TEXT ·sumsF32AVX2(SB), NOSPLIT, $0-72
	SUMS_ARGS
	SHLQ $2, R13
	BYQUERIES(n+56(FP), SUMSF32W, SUMSF32N)

// func sumsI8AVX2(acc, c, p *float32, v *byte, ahead, head, width, n, positions int)
TEXT ·sumsI8AVX2(SB), NOSPLIT, $0-72
	SUMS_ARGS
	BYQUERIES(n+56(FP), SUMSI8W, SUMSI8N)

#define SCATTER(X, OFF) \
	VPEXTRW $0, X, (OFF+0)(DI); \
	VPEXTRW $1, X, (OFF+32)(DI); \
	VPEXTRW $2, X, (OFF+64)(DI); \
	VPEXTRW $3, X, (OFF+96)(DI); \
	VPEXTRW $4, X, (OFF+128)(DI); \
	VPEXTRW $5, X, (OFF+160)(DI); \
	VPEXTRW $6, X, (OFF+192)(DI); \
	VPEXTRW $7, X, (OFF+224)(DI)

// func storeF16AVX2(k, v *byte, key, value *float32, head int)
//
// Writes a key down a column of its tile, and a value along its row.
TEXT ·storeF16AVX2(SB), NOSPLIT, $0-40
	MOVQ k+0(FP), DI
	MOVQ v+8(FP), SI
	MOVQ key+16(FP), R8
	MOVQ value+24(FP), R9
	MOVQ head+32(FP), CX

eight:
	VMOVUPS   (R8), Y0
	VMOVUPS   (R9), Y1
	VCVTPS2PH $0, Y0, X0
	VCVTPS2PH $0, Y1, (SI)
	SCATTER(X0, 0)
	ADDQ      $32, R8
	ADDQ      $32, R9
	ADDQ      $16, SI
	ADDQ      $256, DI
	SUBQ      $8, CX
	JNZ       eight
	VZEROUPPER
	RET
