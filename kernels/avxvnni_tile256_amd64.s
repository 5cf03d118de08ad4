//go:build amd64 && !noasm

#include "textflag.h"
#include "avx2_tile_amd64.h"
#include "avxvnni_amd64.h"
#include "avxvnni_tile_amd64.h"

// The tile of IQ4_XS, AVX-VNNI: the panel of avx2_tile256_amd64.s. The other
// super-block formats have smaller weights, whose products avx2 adds up in 16
// bits: to multiply sums of 32 bits by the scales takes most of what VPDPBUSD
// saves.
//
// Scales of activations lie AX bytes apart from R12 (CX = 3·AX, but for the
// time of the groups, where it fetches), sums of sixteen R13 from SI. The sums of
// a super-block are in memory at DX.
#define COL0(M) M(Y0, Y4, (R8), (R12), (SI), (R11), 0, 4)
#define COL1(M) M(Y1, Y5, (R8)(R9*1), (R12)(AX*1), (SI)(R13*1), (R11)(BX*1), 1, 5)
#define COL2(M) M(Y2, Y6, (R8)(R9*2), (R12)(AX*2), (SI)(R13*2), (R11)(BX*2), 2, 6)
#define COL3(M) M(Y3, Y7, (R8)(R10*1), (R12)(CX*1), (SI)(R15*1), (R11)(R14*1), 3, 7)

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

// The super-block's sums are 0: Y11.
#define CLEART(A, B, Q, D, S, Y, TA, TB) \
	VMOVDQU Y11, (64*TA)(DX); \
	VMOVDQU Y11, (64*TA+32)(DX)

// The weights' offset, -128 times the sum of 32 activations, begins a group.
#define FROM(A, B, Q, D, S, Y, TA, TB) \
	VPBROADCASTD S, A; \
	VPMADDWD ·minus128(SB), A, A; \
	VMOVDQA A, B

// The sums of a group, times the scales Y14 and Y15, join the super-block's.
#define WEIGH(A, B, Q, D, S, Y, TA, TB) \
	VPMULLD Y14, A, A; \
	VPMULLD Y15, B, B; \
	VPADDD (64*TA)(DX), A, A; \
	VPADDD (64*TA+32)(DX), B, B; \
	VMOVDQU A, (64*TA)(DX); \
	VMOVDQU B, (64*TA+32)(DX)

#define SUPERS(N, add, super, group) \
	CMPB add+88(FP), $0; \
	JNE add; \
	VPXOR Y13, Y13, Y13; \
	N(CLEARY); \
add: \
	VPBROADCASTD ·splat+12(SB), Y13; \
super: \
	VPXOR Y11, Y11, Y11; \
	N(CLEART); \
	MOVQ $8, left-16(SP); \
	MOVQ fetch+72(FP), CX; \
group: \
	N(FROM); \
	WEIGHTS32(N, OFFSETWEIGHTS); \
	VMOVDQU 1024(DI), Y14; \
	VMOVDQU 1056(DI), Y15; \
	VPSRAD $16, Y14, Y14; \
	VPSRAD $16, Y15, Y15; \
	N(WEIGH); \
	ADDQ $1152, DI; \
	ADDQ $32, R8; \
	ADDQ $4, SI; \
	DECQ left-16(SP); \
	JNZ group; \
	MOVQ CX, fetch+72(FP); \
	LEAQ (AX)(AX*2), CX; \
	VMOVUPS 512(DI), Y14; \
	VMOVUPS 544(DI), Y15; \
	N(ADDSUM); \
	ADDQ $640, DI; \
	ADDQ $4, R12; \
	DECQ supers-8(SP); \
	JNZ super

// func tileSigned256AVXVNNI(y *float32, stride int, panel *byte, n int, q *int8, d *float32, start *int16, k, cols int, fetch uintptr, step int, add bool)
TEXT ·tileSigned256AVXVNNI(SB), NOSPLIT, $304-89
	STRIDES_COMMON
	MOVQ R9, R13
	SHRQ $3, R13
	LEAQ (R13)(R13*2), R15
	MOVQ R9, AX
	SHRQ $6, AX
	LEAQ (AX)(AX*2), CX
	COLUMNS(SETUP, ADVANCE, SUPERS)
