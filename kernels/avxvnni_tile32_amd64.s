//go:build amd64 && !noasm

#include "textflag.h"
#include "avx2_tile_amd64.h"
#include "avxvnni_amd64.h"
#include "avxvnni_tile_amd64.h"

// Tiles of the block formats, AVX-VNNI: the panels of avx2_tile32_amd64.s. Sums
// are 32 bits wide; the starts are the biases, -128 times the sums of the
// activations.
#define COL0(M) M(Y0, Y4, (R8), (R12), (SI), (R11), 0, 4)
#define COL1(M) M(Y1, Y5, (R8)(R9*1), (R12)(R13*1), (SI)(R13*1), (R11)(BX*1), 1, 5)
#define COL2(M) M(Y2, Y6, (R8)(R9*2), (R12)(R13*2), (SI)(R13*2), (R11)(BX*2), 2, 6)
#define COL3(M) M(Y3, Y7, (R8)(R10*1), (R12)(R15*1), (SI)(R15*1), (R11)(R14*1), 3, 7)

#define SETUP \
	SETUP_COMMON; \
	MOVQ n+24(FP), AX

#define ADVANCE \
	ADVANCE_COMMON; \
	LEAQ (R13*4), DX; \
	ADDQ DX, d+40(FP)

#define STRIDES \
	STRIDES_COMMON; \
	MOVQ R9, R13; \
	SHRQ $3, R13; \
	LEAQ (R13)(R13*2), R15; \
	MOVQ fetch+72(FP), CX

// Y13 = 128 in bytes.
#define BEGIN(N, add) \
	CMPB add+88(FP), $0; \
	JNE add; \
	VPXOR Y13, Y13, Y13; \
	N(CLEARY); \
add: \
	VPBROADCASTD ·splat+12(SB), Y13

#define NEXT(SIZE, block) \
	ADDQ $SIZE, DI; \
	ADDQ $32, R8; \
	ADDQ $4, R12; \
	ADDQ $4, SI; \
	DECQ AX; \
	JNZ block

#define BIAS(A, B, Q, D, S, Y, TA, TB) \
	VPBROADCASTD S, A; \
	VMOVDQA A, B
// An offset of 16.
#define BIAS16(A, B, Q, D, S, Y, TA, TB) \
	VPBROADCASTD S, A; \
	VPSRAD $3, A, A; \
	VMOVDQA A, B

// Y12 = minus the sum of the activations; as the panel's minimum is negative too,
// their product comes off.
#define ADDMIN(A, B, Q, D, S, Y, TA, TB) \
	VPBROADCASTD S, Y12; \
	VPSRAD $7, Y12, Y12; \
	VCVTDQ2PS Y12, Y12; \
	VBROADCASTSS D, Y10; \
	VCVTDQ2PS A, A; \
	VCVTDQ2PS B, B; \
	VMULPS Y10, Y14, Y11; \
	VMULPS Y11, A, A; \
	VMULPS Y10, Y15, Y11; \
	VMULPS Y11, B, B; \
	VADDPS 0 Y, A, A; \
	VADDPS 32 Y, B, B; \
	VMULPS 576(DI), Y10, Y11; \
	VMULPS 608(DI), Y10, Y10; \
	VMULPS Y11, Y12, Y11; \
	VMULPS Y10, Y12, Y10; \
	VSUBPS Y11, A, A; \
	VSUBPS Y10, B, B; \
	VMOVUPS A, 0 Y; \
	VMOVUPS B, 32 Y

#define BLOCKS(N, FROM, WEIGHTS4, SCALES, SUM, SIZE, add, block) \
	BEGIN(N, add); \
block: \
	N(FROM); \
	WEIGHTS32(N, WEIGHTS4); \
	VMOVUPS SCALES(DI), Y14; \
	VMOVUPS (SCALES+32)(DI), Y15; \
	N(SUM); \
	NEXT(SIZE, block)

#define OFFSET(N, add, block, group) BLOCKS(N, BIAS16, WEIGHTS, 512, ADDSUM, 640, add, block)
#define MINS(N, add, block, group) BLOCKS(N, CLEAR, WEIGHTS, 512, ADDMIN, 640, add, block)
#define SIGNS(N, add, block, group) BLOCKS(N, BIAS, OFFSETWEIGHTS, 1024, ADDSUM, 1152, add, block)

// func tileOffset32AVXVNNI(y *float32, stride int, panel *byte, n int, q *int8, d *float32, start *int16, k, cols int, fetch uintptr, step int, add bool)
TEXT ·tileOffset32AVXVNNI(SB), NOSPLIT, $0-89
	STRIDES
	COLUMNS(SETUP, ADVANCE, OFFSET)

// func tileMins32AVXVNNI(y *float32, stride int, panel *byte, n int, q *int8, d *float32, start *int16, k, cols int, fetch uintptr, step int, add bool)
TEXT ·tileMins32AVXVNNI(SB), NOSPLIT, $0-89
	STRIDES
	COLUMNS(SETUP, ADVANCE, MINS)

// func tileSigned32AVXVNNI(y *float32, stride int, panel *byte, n int, q *int8, d *float32, start *int16, k, cols int, fetch uintptr, step int, add bool)
TEXT ·tileSigned32AVXVNNI(SB), NOSPLIT, $0-89
	STRIDES
	COLUMNS(SETUP, ADVANCE, SIGNS)
