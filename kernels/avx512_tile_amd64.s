//go:build amd64 && !noasm

#include "textflag.h"
#include "avx512_amd64.h"

// The tile of the block formats: a panel of sixteen rows times up to eight
// columns, lanes = rows. Z0-Z7 are the integer sums of a block, which start
// at the bias of the block, Z8-Z15 the accumulators.

#define START(I, F, Q, D, B) VPBROADCASTD B, I

// acc += float32(sum)·(d·da), each product rounded.
#define FINISH(I, F, Q, D, B) \
	VMULPS.BCST D, Z24, Z25; \
	VCVTDQ2PS I, I; \
	VMULPS Z25, I, I; \
	VADDPS I, F, F

#define TILE(N, block) \
	N(CLEAR); \
block: \
	N(START); \
	DOTS(N, 0); \
	VCVTPH2PS 512(DI), Z24; \
	N(FINISH); \
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
	RET

// func tileBlocksAVX512(y *float32, stride int, panel *byte, blocks int, q *int8, d *float32, bias *int32, k, cols int, mask uint32)
TEXT ·tileBlocksAVX512(SB), NOSPLIT, $0-76
	MOVQ  y+0(FP), AX
	MOVQ  stride+8(FP), CX
	MOVQ  panel+16(FP), DI
	MOVQ  blocks+24(FP), DX
	MOVQ  q+32(FP), R8
	MOVQ  d+40(FP), R12
	MOVQ  bias+48(FP), SI
	MOVQ  k+56(FP), R9
	MOVL  mask+72(FP), R13
	KMOVW R13, K1
	SHLQ  $2, CX
	LEAQ  (R9)(R9*2), R10
	LEAQ  (R8)(R9*4), R11
	MOVQ  R9, R13
	SHRQ  $3, R13
	LEAQ  (R12)(R13*4), R14
	LEAQ  (SI)(R13*4), BX
	LEAQ  (R13)(R13*2), R15
	CMPQ  cols+64(FP), $4
	JLT   upto3
	JEQ   four
	CMPQ  cols+64(FP), $6
	JLT   five
	JEQ   six
	CMPQ  cols+64(FP), $8
	JLT   seven
	TILE(COLS8, block8)

upto3:
	CMPQ cols+64(FP), $2
	JGT  three
	JEQ  two
	TILE(COLS1, block1)

two:
	TILE(COLS2, block2)

three:
	TILE(COLS3, block3)

four:
	TILE(COLS4, block4)

five:
	TILE(COLS5, block5)

six:
	TILE(COLS6, block6)

seven:
	TILE(COLS7, block7)
