//go:build amd64 && !noasm

#include "textflag.h"
#include "avx2_elem_amd64.h"

// Attention for AVX2: four queries at a time, R9 bytes apart (R8 = query 0, R10 =
// 3·R9), over float16 keys and values.

// An element of a query times that of sixteen keys in Y8, Y9.
#define SCORE(Q, A, B) \
	VBROADCASTSS Q, Y10; \
	VFMADD231PS Y10, Y8, A; \
	VFMADD231PS Y10, Y9, B

// func scoresF16AVX2(p, q *float32, k *byte, head int)
//
// The scores of four queries, p [4][32], over one tile of sixteen positions.
TEXT ·scoresF16AVX2(SB), NOSPLIT, $0-32
	MOVQ p+0(FP), DI
	MOVQ q+8(FP), R8
	MOVQ k+16(FP), SI
	MOVQ head+24(FP), CX
	LEAQ (CX*4), R9
	LEAQ (R9)(R9*2), R10
	VXORPS Y0, Y0, Y0
	VXORPS Y1, Y1, Y1
	VXORPS Y2, Y2, Y2
	VXORPS Y3, Y3, Y3
	VXORPS Y4, Y4, Y4
	VXORPS Y5, Y5, Y5
	VXORPS Y6, Y6, Y6
	VXORPS Y7, Y7, Y7

dim:
	VCVTPH2PS (SI), Y8
	VCVTPH2PS 16(SI), Y9
	SCORE((R8), Y0, Y1)
	SCORE((R8)(R9*1), Y2, Y3)
	SCORE((R8)(R9*2), Y4, Y5)
	SCORE((R8)(R10*1), Y6, Y7)
	ADDQ $32, SI
	ADDQ $4, R8
	DECQ CX
	JNZ  dim
	VMOVUPS Y0, (DI)
	VMOVUPS Y1, 32(DI)
	VMOVUPS Y2, 128(DI)
	VMOVUPS Y3, 160(DI)
	VMOVUPS Y4, 256(DI)
	VMOVUPS Y5, 288(DI)
	VMOVUPS Y6, 384(DI)
	VMOVUPS Y7, 416(DI)
	VZEROUPPER
	RET

// Sixteen accumulators of a query, and their correction.
#define CORRECT(Q, C, A, B) \
	VBROADCASTSS C(DX), Y8; \
	VMULPS 0 Q, Y8, A; \
	VMULPS 32 Q, Y8, B
#define WEIGH(P, A, B) \
	VBROADCASTSS P(BX), Y10; \
	VFMADD231PS Y10, Y8, A; \
	VFMADD231PS Y10, Y9, B
#define PUT(Q, A, B) \
	VMOVUPS A, 0 Q; \
	VMOVUPS B, 32 Q

// func sumsF16AVX2(acc, c, p *float32, v *byte, head, positions int)
//
// acc[i] = acc[i]·c[i] + Σ p[i][t]·v[t] of four queries over positions ≥ 1.
TEXT ·sumsF16AVX2(SB), NOSPLIT, $0-48
	MOVQ acc+0(FP), R8
	MOVQ c+8(FP), DX
	MOVQ v+24(FP), DI
	MOVQ head+32(FP), CX
	LEAQ (CX*4), R9
	LEAQ (R9)(R9*2), R10
	LEAQ (CX*2), R11

dims:
	MOVQ p+16(FP), BX
	MOVQ positions+40(FP), AX
	MOVQ DI, SI
	CORRECT((R8), 0, Y0, Y1)
	CORRECT((R8)(R9*1), 4, Y2, Y3)
	CORRECT((R8)(R9*2), 8, Y4, Y5)
	CORRECT((R8)(R10*1), 12, Y6, Y7)

position:
	VCVTPH2PS (SI), Y8
	VCVTPH2PS 16(SI), Y9
	WEIGH(0, Y0, Y1)
	WEIGH(128, Y2, Y3)
	WEIGH(256, Y4, Y5)
	WEIGH(384, Y6, Y7)
	ADDQ R11, SI
	ADDQ $4, BX
	DECQ AX
	JNZ  position
	PUT((R8), Y0, Y1)
	PUT((R8)(R9*1), Y2, Y3)
	PUT((R8)(R9*2), Y4, Y5)
	PUT((R8)(R10*1), Y6, Y7)
	ADDQ $32, DI
	ADDQ $64, R8
	SUBQ $16, CX
	JNZ  dims
	VZEROUPPER
	RET

// Eight weights at OFF(DI) of the positions from FROM on; [Y11, Y12) = visible,
// Y13 = 0 to 7, Y14 = maximum. Stays in D.
#define WEIGHTS(OFF, FROM, D) \
	VPADDD ·eights+FROM(SB), Y13, Y6; \
	VPCMPGTD Y6, Y11, Y5; \
	VPCMPGTD Y6, Y12, Y6; \
	VPANDN   Y6, Y5, Y6; \
	VMOVUPS OFF(DI), D; \
	VSUBPS Y14, D, D; \
	EXP(D, Y7, Y8, Y9, Y10); \
	VPAND Y6, D, D; \
	VMOVUPS D, OFF(DI)

// func weightsAVX2(p *float32, m float32, lo, hi int32) float32
//
// p [32] = exp32(p - m), zero outside [lo, hi); the result is the sum of p[0..16)
// + p[16..32) in the tree of sumLanes.
TEXT ·weightsAVX2(SB), NOSPLIT, $0-28
	MOVQ p+0(FP), DI
	VBROADCASTSS m+8(FP), Y14
	MOVL lo+12(FP), AX
	VMOVD AX, X11
	VPBROADCASTD X11, Y11
	MOVL hi+16(FP), AX
	VMOVD AX, X12
	VPBROADCASTD X12, Y12
	VMOVDQU ·eights+128(SB), Y13
	WEIGHTS(0, 0, Y0)
	WEIGHTS(32, 32, Y1)
	WEIGHTS(64, 64, Y2)
	WEIGHTS(96, 96, Y3)
	VADDPS Y2, Y0, Y0
	VADDPS Y3, Y1, Y1
	VADDPS Y1, Y0, Y0
	VEXTRACTF128 $1, Y0, X1
	VADDPS X1, X0, X0
	VPSHUFD $0x0e, X0, X1
	VADDPS X1, X0, X0
	VPSHUFD $0x01, X0, X1
	VADDPS X1, X0, X0
	VMOVSS X0, ret+24(FP)
	VZEROUPPER
	RET

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
