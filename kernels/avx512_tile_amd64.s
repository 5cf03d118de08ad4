//go:build amd64 && !noasm

#include "textflag.h"
#include "avx512_amd64.h"

// The tile of the block formats: a panel of sixteen rows times up to eight
// columns, lanes = rows. Z0-Z7 are the integer sums of a block, which start
// at the bias of the block, Z8-Z15 the accumulators.

// The biases lie like the scales, from SI and BX.
#define COL0(M) M(Z0, Z8, Z18, (R8), (R12), (SI))
#define COL1(M) M(Z1, Z9, Z19, (R8)(R9*1), (R12)(R13*1), (SI)(R13*1))
#define COL2(M) M(Z2, Z10, Z20, (R8)(R9*2), (R12)(R13*2), (SI)(R13*2))
#define COL3(M) M(Z3, Z11, Z21, (R8)(R10*1), (R12)(R15*1), (SI)(R15*1))
#define COL4(M) M(Z4, Z12, Z22, (R11), (R14), (BX))
#define COL5(M) M(Z5, Z13, Z23, (R11)(R9*1), (R14)(R13*1), (BX)(R13*1))
#define COL6(M) M(Z6, Z14, Z24, (R11)(R9*2), (R14)(R13*2), (BX)(R13*2))
#define COL7(M) M(Z7, Z15, Z25, (R11)(R10*1), (R14)(R15*1), (BX)(R15*1))

#define START(I, F, T, Q, D, B) VPBROADCASTD B, I

// acc += float32(sum)·(d·da), each product rounded.
#define FINISH(I, F, T, Q, D, B) \
	VMULPS.BCST D, Z26, Z27; \
	VCVTDQ2PS I, I; \
	VMULPS Z27, I, I; \
	VADDPS I, F, F

// The same with minimums, whose sum of activations is -bias/128.
#define FINISHMIN(I, F, T, Q, D, B) \
	VPBROADCASTD B, Z29; \
	VMULPS.BCST D, Z26, Z27; \
	VMULPS.BCST D, Z28, Z30; \
	VPSRAD $7, Z29, Z29; \
	VCVTDQ2PS I, I; \
	VCVTDQ2PS Z29, Z29; \
	VMULPS Z27, I, I; \
	VMULPS Z30, Z29, Z29; \
	VADDPS I, F, F; \
	VSUBPS Z29, F, F

#define NEXT(N, block) \
	ADDQ $576, DI; \
	ADDQ $32, R8; \
	ADDQ $32, R11; \
	ADDQ $4, R12; \
	ADDQ $4, R14; \
	ADDQ $4, SI; \
	ADDQ $4, BX; \
	DECQ DX; \
	JNZ block; \
	N(PUT); \
	VZEROUPPER; \
	RET

#define TILE(N, block, inner) \
	N(CLEARF); \
block: \
	N(START); \
	DOTSLO(N, 0); \
	DOTSHI(N, 256); \
	VCVTPH2PS 512(DI), Z26; \
	N(FINISH); \
	NEXT(N, block)

#define TILEMIN(N, block, inner) \
	N(CLEARF); \
block: \
	N(CLEARI); \
	DOTSLO(N, 0); \
	DOTSHI(N, 256); \
	VCVTPH2PS 512(DI), Z26; \
	VCVTPH2PS 544(DI), Z28; \
	N(FINISHMIN); \
	NEXT(N, block)

#define ARGS \
	MOVQ  y+0(FP), AX; \
	MOVQ  stride+8(FP), CX; \
	MOVQ  panel+16(FP), DI; \
	MOVQ  blocks+24(FP), DX; \
	MOVQ  q+32(FP), R8; \
	MOVQ  d+40(FP), R12; \
	MOVQ  bias+48(FP), SI; \
	MOVQ  k+56(FP), R9; \
	MOVL  mask+72(FP), R13; \
	KMOVW R13, K1; \
	SHLQ  $2, CX; \
	LEAQ  (R9)(R9*2), R10; \
	LEAQ  (R8)(R9*4), R11; \
	MOVQ  R9, R13; \
	SHRQ  $3, R13; \
	LEAQ  (R12)(R13*4), R14; \
	LEAQ  (SI)(R13*4), BX; \
	LEAQ  (R13)(R13*2), R15

// func tileBlocksAVX512(y *float32, stride int, panel *byte, blocks int, q *int8, d *float32, bias *int32, k, cols int, mask uint32)
TEXT ·tileBlocksAVX512(SB), NOSPLIT, $0-76
	ARGS
	BYCOLS(cols+64(FP), TILE)

// func tileMinBlocksAVX512(y *float32, stride int, panel *byte, blocks int, q *int8, d *float32, bias *int32, k, cols int, mask uint32)
TEXT ·tileMinBlocksAVX512(SB), NOSPLIT, $0-76
	ARGS
	BYCOLS(cols+64(FP), TILEMIN)
