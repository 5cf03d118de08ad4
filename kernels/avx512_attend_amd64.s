//go:build amd64 && !noasm

#include "textflag.h"
#include "avx512_amd64.h"
#include "avx512_attend_amd64.h"

// Attention over float16 or float32 keys and values.

#define ZERO(A, B, Q, P, C) VPXORQ A, A, A; VPXORQ B, B, B

// Element 0 or 1 of the query times that of 32 keys in Z16, Z17 or Z18, Z19.
#define SCORE0(A, B, Q, P, C) \
	VFMADD231PS.BCST 0 Q, Z16, A; \
	VFMADD231PS.BCST 0 Q, Z17, B
#define SCORE1(A, B, Q, P, C) \
	VFMADD231PS.BCST 4 Q, Z18, A; \
	VFMADD231PS.BCST 4 Q, Z19, B

#define PUTSCORES(A, B, Q, P, C) \
	VMOVUPS A, P(DI); \
	VMOVUPS B, (P+64)(DI)

// LOAD(i, tile 0 at SI, tile 1 at BX), SIZE = bytes of sixteen elements. The
// values of the block follow its keys, and the keys of the next head the values:
// each is fetched while the other is used. DX = values.
#define LOADF16(i, A, B) \
	PREFETCHT0 (i*64)(DX); \
	VCVTPH2PS (i*32)(SI), A; \
	VCVTPH2PS (i*32)(BX), B
#define LOADF32(i, A, B) \
	PREFETCHT0 (i*128)(DX); \
	PREFETCHT0 (i*128+64)(DX); \
	VMOVUPS (i*64)(SI), A; \
	VMOVUPS (i*64)(BX), B

#define SCORES(N, LOAD, SIZE, dim) \
	N(ZERO); \
dim: \
	LOAD(0, Z16, Z17); \
	LOAD(1, Z18, Z19); \
	N(SCORE0); \
	N(SCORE1); \
	ADDQ $(2*SIZE), SI; \
	ADDQ $(2*SIZE), BX; \
	ADDQ $(4*SIZE), DX; \
	ADDQ $8, R8; \
	ADDQ $8, R11; \
	SUBQ $2, CX; \
	JNZ dim; \
	N(PUTSCORES); \
	VZEROUPPER; \
	RET

#define SCORESF16(N, dim, other) SCORES(N, LOADF16, 32, dim)
#define SCORESF32(N, dim, other) SCORES(N, LOADF32, 64, dim)

// R14 = the next keys.
#define VALUEF16 PREFETCHT0 (R14); VCVTPH2PS (SI), Z16; VCVTPH2PS 32(SI), Z17
#define VALUEF32 PREFETCHT0 (R14); PREFETCHT0 64(R14); VMOVUPS (SI), Z16; VMOVUPS 64(SI), Z17

#define SUMS(N, VALUE, SIZE, dims, position) \
dims: \
	MOVQ p+16(FP), BX; \
	MOVQ DI, SI; \
	MOVQ R12, AX; \
	N(CORRECT); \
position: \
	VALUE; \
	N(WEIGH); \
	ADDQ R13, SI; \
	ADDQ $(2*SIZE), R14; \
	ADDQ $4, BX; \
	DECQ AX; \
	JNZ position; \
	N(PUTSUMS); \
	ADDQ $(2*SIZE), DI; \
	ADDQ $128, R8; \
	ADDQ $128, R11; \
	SUBQ $32, CX; \
	JNZ dims; \
	VZEROUPPER; \
	RET

#define SUMSF16(N, dims, position) SUMS(N, VALUEF16, 32, dims, position)
#define SUMSF32(N, dims, position) SUMS(N, VALUEF32, 64, dims, position)

// A word of each of eight keys' elements, 32 bytes apart.
#define SCATTER(X, OFF) \
	VPEXTRW $0, X, (OFF+0)(DI); \
	VPEXTRW $1, X, (OFF+32)(DI); \
	VPEXTRW $2, X, (OFF+64)(DI); \
	VPEXTRW $3, X, (OFF+96)(DI); \
	VPEXTRW $4, X, (OFF+128)(DI); \
	VPEXTRW $5, X, (OFF+160)(DI); \
	VPEXTRW $6, X, (OFF+192)(DI); \
	VPEXTRW $7, X, (OFF+224)(DI)

// func scoresF16AVX512(p, q *float32, k *byte, head, n int)
//
// p[i][t] = Σ q[i][d]·k[t][d] for n queries and all 32 positions.
TEXT ·scoresF16AVX512(SB), NOSPLIT, $0-40
	MOVQ p+0(FP), DI
	MOVQ q+8(FP), R8
	MOVQ k+16(FP), SI
	MOVQ head+24(FP), CX
	STRIDES
	MOVQ CX, BX
	SHLQ $5, BX
	ADDQ SI, BX
	MOVQ CX, DX
	SHLQ $6, DX
	ADDQ SI, DX
	BYCOLS(n+32(FP), SCORESF16)

// func scoresF32AVX512(p, q *float32, k *byte, head, n int)
TEXT ·scoresF32AVX512(SB), NOSPLIT, $0-40
	MOVQ p+0(FP), DI
	MOVQ q+8(FP), R8
	MOVQ k+16(FP), SI
	MOVQ head+24(FP), CX
	STRIDES
	MOVQ CX, BX
	SHLQ $6, BX
	ADDQ SI, BX
	MOVQ CX, DX
	SHLQ $7, DX
	ADDQ SI, DX
	BYCOLS(n+32(FP), SCORESF32)

// func sumsF16AVX512(acc, c, p *float32, v *byte, head, n, positions int)
//
// acc[i] = acc[i]·c[i] + Σ p[i][t]·v[t] over positions ≥ 1, in their order.
TEXT ·sumsF16AVX512(SB), NOSPLIT, $0-56
	MOVQ acc+0(FP), R8
	MOVQ c+8(FP), DX
	MOVQ v+24(FP), DI
	MOVQ head+32(FP), CX
	MOVQ positions+48(FP), R12
	STRIDES
	LEAQ (CX*2), R13
	MOVQ CX, R14
	SHLQ $6, R14
	ADDQ DI, R14
	BYCOLS(n+40(FP), SUMSF16)

// func sumsF32AVX512(acc, c, p *float32, v *byte, head, n, positions int)
TEXT ·sumsF32AVX512(SB), NOSPLIT, $0-56
	MOVQ acc+0(FP), R8
	MOVQ c+8(FP), DX
	MOVQ v+24(FP), DI
	MOVQ head+32(FP), CX
	MOVQ positions+48(FP), R12
	STRIDES
	LEAQ (CX*4), R13
	MOVQ CX, R14
	SHLQ $7, R14
	ADDQ DI, R14
	BYCOLS(n+40(FP), SUMSF32)

// func storeF16AVX512(k, v *byte, key, value *float32, head int)
//
// Writes a key down a column of its tile, and a value along its row.
TEXT ·storeF16AVX512(SB), NOSPLIT, $0-40
	MOVQ k+0(FP), DI
	MOVQ v+8(FP), SI
	MOVQ key+16(FP), R8
	MOVQ value+24(FP), R9
	MOVQ head+32(FP), CX

sixteen:
	VMOVUPS   (R8), Z0
	VMOVUPS   (R9), Z1
	VCVTPS2PH $0, Z0, Y0
	VCVTPS2PH $0, Z1, (SI)
	SCATTER(X0, 0)
	VEXTRACTI128 $1, Y0, X0
	SCATTER(X0, 256)
	ADDQ      $64, R8
	ADDQ      $64, R9
	ADDQ      $32, SI
	ADDQ      $512, DI
	SUBQ      $16, CX
	JNZ       sixteen
	VZEROUPPER
	RET
