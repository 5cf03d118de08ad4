//go:build amd64 && !noasm

#include "textflag.h"
#include "avx512_amd64.h"
#include "avx512_attend_amd64.h"

// Weighted sums of Q8_0 values.

// The weights of a query times the scales of 32 positions, Z20 and Z21.
#define SCALE(A, B, Q, P, C) \
	VMULPS P(BX), Z20, Z16; \
	VMULPS (P+64)(BX), Z21, Z17; \
	VMOVUPS Z16, P(R15); \
	VMOVUPS Z17, (P+64)(R15)

// R14 = scales of a block of 32 elements, Z22, Z23 = where those of 32 positions
// lie. R15 = the scaled weights. DX = from a value to the next keys, which are
// fetched meanwhile.
#define SUMS(N, dims, position) \
dims: \
	MOVQ p+16(FP), BX; \
	KXNORW K1, K1, K1; \
	KXNORW K2, K2, K2; \
	VGATHERDPS (R14)(Z22*4), K1, Z20; \
	VGATHERDPS (R14)(Z23*4), K2, Z21; \
	N(SCALE); \
	MOVQ first+56(FP), BX; \
	LEAQ (R15)(BX*4), BX; \
	MOVQ DI, SI; \
	MOVQ R12, AX; \
	MOVQ c+8(FP), DX; \
	N(CORRECT); \
	LEAQ (R13)(R13*8), DX; \
	SHLQ $2, DX; \
position: \
	PREFETCHT0 (SI)(DX*1); \
	VPMOVSXBD (SI), Z16; \
	VPMOVSXBD 16(SI), Z17; \
	VCVTDQ2PS Z16, Z16; \
	VCVTDQ2PS Z17, Z17; \
	N(WEIGH); \
	ADDQ R13, SI; \
	ADDQ $4, BX; \
	DECQ AX; \
	JNZ position; \
	N(PUTSUMS); \
	ADDQ $32, DI; \
	ADDQ $4, R14; \
	ADDQ $128, R8; \
	ADDQ $128, R11; \
	SUBQ $32, CX; \
	JNZ dims; \
	VZEROUPPER; \
	RET

// func sumsQ8AVX512(acc, c, p *float32, v *byte, dv *float32, head, n, first, positions int, scaled *float32)
//
// acc[i] = acc[i]·c[i] + Σ (p[i][t]·dv[t])·v[t] over positions ≥ 1 from first on,
// in their order; v is the first's value. scaled is room for [n][32].
TEXT ·sumsQ8AVX512(SB), NOSPLIT, $0-80
	MOVQ acc+0(FP), R8
	MOVQ v+24(FP), DI
	MOVQ dv+32(FP), R14
	MOVQ head+40(FP), CX
	MOVQ positions+64(FP), R12
	MOVQ scaled+72(FP), R15
	STRIDES
	MOVQ CX, R13
	MOVL CX, AX
	SHRL $5, AX
	VPBROADCASTD AX, Z20
	VPMULLD ·iota32+0(SB), Z20, Z22
	VPMULLD ·iota32+64(SB), Z20, Z23
	BYCOLS(n+48(FP), SUMS)
