//go:build amd64 && !noasm

#include "textflag.h"
#include "go_asm.h"
#include "avx2_tile_amd64.h"

// Tiles of the super-block formats. A super-block of the panel is 5760 bytes:
//	   0  eight groups of 32 weights: [8][16 rows][4], then the scales of the
//	      first and of the second sixteen [2][16 rows][2], each in two words
//	5120  words of minimums [8][16 rows][2], for each 16 weights, or [4] for 32
//	5632  float32 d [16] and dmin [16]
// With signed weights a group is 1152 bytes, as in block formats, and the rest
// lies 4096 bytes further.
//
// The scales of activations lie AX bytes apart from R12 (CX = 3·AX, but for the
// time of the groups, where it fetches). The sums of a super-block are in memory
// at DX.
#define COL0(M) M(Y0, Y4, (R8), (R12), (SI), (R11), 0(DX), 32(DX))
#define COL1(M) M(Y1, Y5, (R8)(R9*1), (R12)(AX*1), (SI)(R13*1), (R11)(BX*1), 64(DX), 96(DX))
#define COL2(M) M(Y2, Y6, (R8)(R9*2), (R12)(AX*2), (SI)(R13*2), (R11)(BX*2), 128(DX), 160(DX))
#define COL3(M) M(Y3, Y7, (R8)(R10*1), (R12)(CX*1), (SI)(R15*1), (R11)(R14*1), 192(DX), 224(DX))

#define SETUP \
	SETUP_COMMON; \
	MOVQ n+24(FP), DX; \
	MOVQ DX, supers-8(SP); \
	LEAQ sums-304(SP), DX; \
	ADDQ $31, DX; \
	ANDQ $-32, DX

#define ADVANCE \
	ADVANCE_COMMON; \
	LEAQ (AX*4), DX; \
	ADDQ DX, d+40(FP)

// STARTS is log2 of how many values share a byte of starts.
#define STRIDES(STARTS) \
	STRIDES_COMMON; \
	MOVQ R9, R13; \
	SHRQ $STARTS, R13; \
	LEAQ (R13)(R13*2), R15; \
	MOVQ R9, AX; \
	SHRQ $6, AX; \
	LEAQ (AX)(AX*2), CX

#define BEGIN(N, add) \
	VPXOR Y13, Y13, Y13; \
	CMPB add+88(FP), $0; \
	JNE add; \
	N(CLEARY); \
add:

#define CLEART(A, B, Q, D, S, Y, TA, TB) \
	VMOVDQU Y13, TA; \
	VMOVDQU Y13, TB

// The sums of sixteen or 32 products, times the scales Y14 and Y15, join the
// super-block's.
#define WEIGH(A, B, Q, D, S, Y, TA, TB) \
	VPMADDWD Y14, A, A; \
	VPMADDWD Y15, B, B; \
	VPADDD TA, A, A; \
	VPADDD TB, B, B; \
	VMOVDQU A, TA; \
	VMOVDQU B, TB

#define SCALES(N, OFF) \
	VMOVDQU OFF(DI), Y14; \
	VMOVDQU (OFF+32)(DI), Y15; \
	N(WEIGH)

#define LOADT(A, B, Q, D, S, Y, TA, TB) \
	VMOVDQU TA, A; \
	VMOVDQU TB, B

#define GROUPS(N, GROUP, SIZE, group) \
	MOVQ $8, left-16(SP); \
	MOVQ fetch+72(FP), CX; \
group: \
	GROUP(N); \
	ADDQ $SIZE, DI; \
	ADDQ $32, R8; \
	DECQ left-16(SP); \
	JNZ group; \
	MOVQ CX, fetch+72(FP); \
	LEAQ (AX)(AX*2), CX

#define NEXT(super) \
	ADDQ $640, DI; \
	ADDQ $4, R12; \
	DECQ supers-8(SP); \
	JNZ super

// Two sums of activations, at ADDR, times the minimums in Y8 and Y9.
#define PAIR(ADDR, A, B) \
	VPBROADCASTD ADDR, Y10; \
	VPMADDWD Y10, Y8, Y11; \
	VPMADDWD Y10, Y9, Y12; \
	VPADDD Y11, A, A; \
	VPADDD Y12, B, B
#define FIRSTPAIR(ADDR, A, B) \
	VPBROADCASTD ADDR, Y10; \
	VPMADDWD Y10, Y8, A; \
	VPMADDWD Y10, Y9, B
#define PAIR0(A, B, Q, D, S, Y, TA, TB) FIRSTPAIR(S, A, B)
#define PAIR1(A, B, Q, D, S, Y, TA, TB) PAIR(4 S, A, B)
#define PAIR2(A, B, Q, D, S, Y, TA, TB) PAIR(8 S, A, B)
#define PAIR3(A, B, Q, D, S, Y, TA, TB) PAIR(12 S, A, B)
#define PAIR4(A, B, Q, D, S, Y, TA, TB) PAIR(16 S, A, B)
#define PAIR5(A, B, Q, D, S, Y, TA, TB) PAIR(20 S, A, B)
#define PAIR6(A, B, Q, D, S, Y, TA, TB) PAIR(24 S, A, B)
#define PAIR7(A, B, Q, D, S, Y, TA, TB) PAIR(28 S, A, B)

// The sums of 32 activations, from those of sixteen, to TA. Y13 = 1 in words.
#define SUMS32(A, B, Q, D, S, Y, TA, TB) \
	VPMADDWD S, Y13, A; \
	VPACKSSDW A, A, A; \
	VPERMQ $0x08, A, A; \
	VMOVDQU A, TA
#define WIDEPAIR0(A, B, Q, D, S, Y, TA, TB) FIRSTPAIR(TA, A, B)
#define WIDEPAIR1(A, B, Q, D, S, Y, TA, TB) PAIR(4+TA, A, B)
#define WIDEPAIR2(A, B, Q, D, S, Y, TA, TB) PAIR(8+TA, A, B)
#define WIDEPAIR3(A, B, Q, D, S, Y, TA, TB) PAIR(12+TA, A, B)

#define SUBSUM(A, B, Q, D, S, Y, TA, TB) \
	VBROADCASTSS D, Y10; \
	VMULPS Y10, Y14, Y11; \
	VMULPS Y10, Y15, Y12; \
	VCVTDQ2PS A, A; \
	VCVTDQ2PS B, B; \
	VMULPS Y11, A, A; \
	VMULPS Y12, B, B; \
	VMOVUPS 0 Y, Y11; \
	VMOVUPS 32 Y, Y12; \
	VSUBPS A, Y11, A; \
	VSUBPS B, Y12, B; \
	VMOVUPS A, 0 Y; \
	VMOVUPS B, 32 Y

// The super-block's sums, then its minimums', at DI.
#define ADDSUPER(N) \
	VMOVUPS 512(DI), Y14; \
	VMOVUPS 544(DI), Y15; \
	N(LOADT); \
	N(ADDSUM)
#define SUBMINS32(N) \
	VPCMPEQW Y13, Y13, Y13; \
	VPSRLW $15, Y13, Y13; \
	N(SUMS32); \
	VPXOR Y13, Y13, Y13; \
	WEIGHTS(N, 0, WIDEPAIR0); \
	WEIGHTS(N, 1, WIDEPAIR1); \
	WEIGHTS(N, 2, WIDEPAIR2); \
	WEIGHTS(N, 3, WIDEPAIR3); \
	VMOVUPS 576(DI), Y14; \
	VMOVUPS 608(DI), Y15; \
	N(SUBSUM)
#define SUBMINS16(N) \
	WEIGHTS(N, 0, PAIR0); \
	WEIGHTS(N, 1, PAIR1); \
	WEIGHTS(N, 2, PAIR2); \
	WEIGHTS(N, 3, PAIR3); \
	WEIGHTS(N, 4, PAIR4); \
	WEIGHTS(N, 5, PAIR5); \
	WEIGHTS(N, 6, PAIR6); \
	WEIGHTS(N, 7, PAIR7); \
	VMOVUPS 576(DI), Y14; \
	VMOVUPS 608(DI), Y15; \
	N(SUBSUM)

#define GROUP32(N) \
	WEIGHTS(N, 0, FIRST0); \
	LOWER12(N); \
	WEIGHTS(N, 4, MORE4); \
	UPPER12(N); \
	SCALES(N, 512)

#define GROUP16(N) \
	WEIGHTS(N, 0, FIRST0); \
	LOWER12(N); \
	SCALES(N, 512); \
	WEIGHTS(N, 4, FIRST4); \
	UPPER12(N); \
	SCALES(N, 576)

#define STARTED16(N) \
	N(START0); \
	WEIGHTS(N, 0, MORE0); \
	LOWER12(N); \
	SCALES(N, 512); \
	N(START4); \
	WEIGHTS(N, 4, MORE4); \
	UPPER12(N); \
	SCALES(N, 576); \
	ADDQ $8, SI

#define MINS(N, GROUP, SUBMINS, add, super, group) \
	BEGIN(N, add); \
super: \
	N(CLEART); \
	GROUPS(N, GROUP, const_panelSize32, group); \
	ADDSUPER(N); \
	SUBMINS(N); \
	ADDQ $32, SI; \
	NEXT(super)

#define MINSQ4_K(N, add, super, group) MINS(N, GROUP32, SUBMINS32, add, super, group)
#define MINSQ5_K(N, add, super, group) MINS(N, GROUP16, SUBMINS32, add, super, group)
#define MINSQ2_K(N, add, super, group) MINS(N, GROUP16, SUBMINS16, add, super, group)

#define OFFSET16(N, add, super, group) \
	BEGIN(N, add); \
super: \
	N(CLEART); \
	GROUPS(N, STARTED16, const_panelSize32, group); \
	ADDSUPER(N); \
	NEXT(super)

#define SIGNED0(A, B, Q, D, S, Y, TA, TB) SIGNED(0, A, B, Q, 1024(DI), 1056(DI))
#define SIGNED1(A, B, Q, D, S, Y, TA, TB) SIGNED(4, A, B, Q, 1024(DI), 1056(DI))
#define SIGNED2(A, B, Q, D, S, Y, TA, TB) SIGNED(8, A, B, Q, 1024(DI), 1056(DI))
#define SIGNED3(A, B, Q, D, S, Y, TA, TB) SIGNED(12, A, B, Q, 1024(DI), 1056(DI))
#define SIGNED4(A, B, Q, D, S, Y, TA, TB) SIGNED(16, A, B, Q, 1024(DI), 1056(DI))
#define SIGNED5(A, B, Q, D, S, Y, TA, TB) SIGNED(20, A, B, Q, 1024(DI), 1056(DI))
#define SIGNED6(A, B, Q, D, S, Y, TA, TB) SIGNED(24, A, B, Q, 1024(DI), 1056(DI))
#define SIGNED7(A, B, Q, D, S, Y, TA, TB) SIGNED(28, A, B, Q, 1024(DI), 1056(DI))

#define SIGNEDGROUP(N) \
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
	SIGNEDWEIGHTS(N, 7, SIGNED7)

#define SIGNS(N, add, super, group) \
	BEGIN(N, add); \
super: \
	N(CLEAR); \
	GROUPS(N, SIGNEDGROUP, const_panelSizeSigned32, group); \
	VMOVUPS 512(DI), Y14; \
	VMOVUPS 544(DI), Y15; \
	N(ADDSUM); \
	NEXT(super)

// func tileQ4_KAVX2(y *float32, stride int, panel *byte, n int, q *int8, d *float32, start *int16, k, cols int, fetch uintptr, step int, add bool)
// Scales and minimums for 32 weights, eight products deep: 15·127·16 < 2^15.
TEXT ·tileQ4_KAVX2(SB), NOSPLIT, $304-89
	STRIDES(3)
	COLUMNS(SETUP, ADVANCE, MINSQ4_K)

// func tileQ5_KAVX2(y *float32, stride int, panel *byte, n int, q *int8, d *float32, start *int16, k, cols int, fetch uintptr, step int, add bool)
// The same, but that of greater weights only half as many fit: 31·127·8 < 2^15.
TEXT ·tileQ5_KAVX2(SB), NOSPLIT, $304-89
	STRIDES(3)
	COLUMNS(SETUP, ADVANCE, MINSQ5_K)

// func tileQ2_KAVX2(y *float32, stride int, panel *byte, n int, q *int8, d *float32, start *int16, k, cols int, fetch uintptr, step int, add bool)
// Scales and minimums for 16 weights.
TEXT ·tileQ2_KAVX2(SB), NOSPLIT, $304-89
	STRIDES(3)
	COLUMNS(SETUP, ADVANCE, MINSQ2_K)

// func tileOffset256AVX2(y *float32, stride int, panel *byte, n int, q *int8, d *float32, start *int16, k, cols int, fetch uintptr, step int, add bool)
// An offset of 32 (the panel's Q3_K has it too), a scale for 16 weights: four
// products deep, 32·127·8 < 2^15.
TEXT ·tileOffset256AVX2(SB), NOSPLIT, $304-89
	STRIDES(2)
	COLUMNS(SETUP, ADVANCE, OFFSET16)

// func tileSigned256AVX2(y *float32, stride int, panel *byte, n int, q *int8, d *float32, start *int16, k, cols int, fetch uintptr, step int, add bool)
// IQ4_XS: weights of eight bits.
TEXT ·tileSigned256AVX2(SB), NOSPLIT, $304-89
	STRIDES(3)
	COLUMNS(SETUP, ADVANCE, SIGNS)
