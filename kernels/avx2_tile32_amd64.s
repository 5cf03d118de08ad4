//go:build amd64 && !noasm

#include "textflag.h"
#include "go_asm.h"
#include "avx2_tile_amd64.h"

// Tiles of the block formats. A block of the panel is 640 bytes: weights
// [8][16 rows][4], float32 scales [16] and minimums [16]. With signed weights it
// is 1152: [8][w, |w|][16 rows][4], then the same.
//
// The scales lie like the starts: R13 bytes apart from R12. Y13 = 1 in words.
#define COL0(M) M(Y0, Y4, (R8), (R12), (SI), (R11), 0, 0)
#define COL1(M) M(Y1, Y5, (R8)(R9*1), (R12)(R13*1), (SI)(R13*1), (R11)(BX*1), 0, 0)
#define COL2(M) M(Y2, Y6, (R8)(R9*2), (R12)(R13*2), (SI)(R13*2), (R11)(BX*2), 0, 0)
#define COL3(M) M(Y3, Y7, (R8)(R10*1), (R12)(R15*1), (SI)(R15*1), (R11)(R14*1), 0, 0)

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

#define BEGIN(N, add) \
	CMPB add+88(FP), $0; \
	JNE add; \
	VPXOR Y13, Y13, Y13; \
	N(CLEARY); \
add: \
	VPCMPEQW Y13, Y13, Y13; \
	VPSRLW $15, Y13, Y13

#define NEXT(SIZE, block) \
	ADDQ $SIZE, DI; \
	ADDQ $32, R8; \
	ADDQ $4, R12; \
	ADDQ $4, SI; \
	DECQ AX; \
	JNZ block

// Both words of a row become its sum.
#define WIDEN(A, B, Q, D, S, Y, TA, TB) \
	VPMADDWD Y13, A, A; \
	VPMADDWD Y13, B, B

#define OFFSET(N, add, block, group) \
	BEGIN(N, add); \
block: \
	N(START0); \
	WEIGHTS(N, 0, MORE0); \
	LOWER12(N); \
	WEIGHTS(N, 4, MORE4); \
	UPPER12(N); \
	VMOVUPS 512(DI), Y14; \
	VMOVUPS 544(DI), Y15; \
	N(WIDEN); \
	N(ADDSUM); \
	NEXT(const_panelSize32, block)

// The start without its offset of 16 is minus the sum of the activations: Y12.
// It takes the offset off the sum of the products, and, as both it and the
// panel's minimum are negative, gives theirs.
#define ADDMIN(A, B, Q, D, S, Y, TA, TB) \
	VPBROADCASTD S, Y12; \
	VPMADDWD Y13, Y12, Y12; \
	VPMADDWD Y13, A, A; \
	VPMADDWD Y13, B, B; \
	VPSUBD Y12, A, A; \
	VPSUBD Y12, B, B; \
	VPSRAD $4, Y12, Y12; \
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

#define MINS(N, add, block, group) \
	BEGIN(N, add); \
block: \
	N(START0); \
	WEIGHTS(N, 0, MORE0); \
	LOWER12(N); \
	WEIGHTS(N, 4, MORE4); \
	UPPER12(N); \
	VMOVUPS 512(DI), Y14; \
	VMOVUPS 544(DI), Y15; \
	N(ADDMIN); \
	NEXT(const_panelSize32, block)

#define SIGNED0(A, B, Q, D, S, Y, TA, TB) SIGNEDFIRST(0, A, B, Q, Y13, Y13)
#define SIGNED1(A, B, Q, D, S, Y, TA, TB) SIGNED(4, A, B, Q, Y13, Y13)
#define SIGNED2(A, B, Q, D, S, Y, TA, TB) SIGNED(8, A, B, Q, Y13, Y13)
#define SIGNED3(A, B, Q, D, S, Y, TA, TB) SIGNED(12, A, B, Q, Y13, Y13)
#define SIGNED4(A, B, Q, D, S, Y, TA, TB) SIGNED(16, A, B, Q, Y13, Y13)
#define SIGNED5(A, B, Q, D, S, Y, TA, TB) SIGNED(20, A, B, Q, Y13, Y13)
#define SIGNED6(A, B, Q, D, S, Y, TA, TB) SIGNED(24, A, B, Q, Y13, Y13)
#define SIGNED7(A, B, Q, D, S, Y, TA, TB) SIGNED(28, A, B, Q, Y13, Y13)

#define SIGNS(N, add, block, group) \
	BEGIN(N, add); \
block: \
	SIGNEDWEIGHTS(N, 0, SIGNED0); \
	FETCH; \
	SIGNEDWEIGHTS(N, 1, SIGNED1); \
	SIGNEDWEIGHTS(N, 2, SIGNED2); \
	FETCH; \
	SIGNEDWEIGHTS(N, 3, SIGNED3); \
	SIGNEDWEIGHTS(N, 4, SIGNED4); \
	FETCH; \
	SIGNEDWEIGHTS(N, 5, SIGNED5); \
	SIGNEDWEIGHTS(N, 6, SIGNED6); \
	FETCH; \
	SIGNEDWEIGHTS(N, 7, SIGNED7); \
	VMOVUPS 1024(DI), Y14; \
	VMOVUPS 1056(DI), Y15; \
	N(ADDSUM); \
	NEXT(const_panelSizeSigned32, block)

// func tileOffset32AVX2(y *float32, stride int, panel *byte, n int, q *int8, d *float32, start *int16, k, cols int, fetch uintptr, step int, add bool)
// Formats with an offset of 16 (the panel's Q4_0 has it too): eight products
// deep, 16·127·16 < 2^15.
TEXT ·tileOffset32AVX2(SB), NOSPLIT, $0-89
	STRIDES
	COLUMNS(SETUP, ADVANCE, OFFSET)

// func tileMins32AVX2(y *float32, stride int, panel *byte, n int, q *int8, d *float32, start *int16, k, cols int, fetch uintptr, step int, add bool)
// Formats with minimums, whose weights of up to 31 take the same offset of 16
// for the time of the sum.
TEXT ·tileMins32AVX2(SB), NOSPLIT, $0-89
	STRIDES
	COLUMNS(SETUP, ADVANCE, MINS)

// func tileSigned32AVX2(y *float32, stride int, panel *byte, n int, q *int8, d *float32, start *int16, k, cols int, fetch uintptr, step int, add bool)
// Formats with weights of eight bits.
TEXT ·tileSigned32AVX2(SB), NOSPLIT, $0-89
	STRIDES
	COLUMNS(SETUP, ADVANCE, SIGNS)
