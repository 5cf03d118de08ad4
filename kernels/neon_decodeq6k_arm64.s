//go:build !noasm

#include "textflag.h"
#include "neon_arm64.h"
#include "decode_arm64.h"
#include "decodeq6k_arm64.h"

// Row's scales of a half into V(scale).8h, and V(acc) -= 32 times their product
// with the sums of 16 in V14.
#define SCALES(row, offset, f, scale, acc, v) \
	FMOVD offset(row), f       \
	SXTL_B(scale, scale)       \
	SMULL_H(14, scale, 28)     \
	SMLAL2_H(14, scale, 28)    \
	VSHL $5, V28.S4, V28.S4    \
	VSUB V28.S4, v.S4, v.S4

#define HALF_SCALES(h) \
	FMOVQ.P 16(R15), F14                    \
	SCALES(R4, 192+8*h, F8, 8, 5, V5)       \
	SCALES(R5, 192+8*h, F9, 9, 6, V6)       \
	SCALES(R6, 192+8*h, F10, 10, 7, V7)     \
	SCALES(R7, 192+8*h, F11, 11, 15, V15)

// Four products of an int6 and an int8 fit in int16: two in each lane, then rows
// 0, 0, 0, 0, 1, 1, 1, 1. Scale i of the half multiplies them into V5, V6, V7, V15.
#define GROUP_MUL(QUARTER, offset, i) \
	FMOVQ offset(R8), F14      \
	QUARTER(V16, V17, V18)     \
	SMULL_B(14, 28, 0)         \
	SMLAL2_B(14, 28, 0)        \
	QUARTER(V19, V20, V21)     \
	SMULL_B(14, 28, 1)         \
	SMLAL2_B(14, 28, 1)        \
	QUARTER(V22, V23, V24)     \
	SMULL_B(14, 28, 2)         \
	SMLAL2_B(14, 28, 2)        \
	QUARTER(V25, V26, V27)     \
	SMULL_B(14, 28, 3)         \
	SMLAL2_B(14, 28, 3)        \
	VADDP V1.H8, V0.H8, V30.H8 \
	VADDP V3.H8, V2.H8, V31.H8 \
	SMLAL_HI(i, 8, 30, 5)      \
	SMLAL2_HI(i, 9, 30, 6)     \
	SMLAL_HI(i, 10, 31, 7)     \
	SMLAL2_HI(i, 11, 31, 15)

#define STEP_MUL(h, s) \
	LOAD_STEP(64*h+16*s, 128+32*h+16*s)           \
	GROUP_MUL(QUARTER_0, 128*h+16*s, s)           \
	GROUP_MUL(QUARTER_1, 128*h+32+16*s, (2+s))    \
	GROUP_MUL(QUARTER_2, 128*h+64+16*s, (4+s))    \
	GROUP_MUL(QUARTER_3, 128*h+96+16*s, (6+s))

// func decodeQ6_KNeon(y *float32, w *byte, rowBytes, groups, blocks int, q *int8, d *float32, sums *int16)
//
// sums is the activations' sums of 16.
TEXT ·decodeQ6_KNeon(SB), NOSPLIT, $0-64
	ARGS
	VMOVI $15, V12.B16
	VMOVI $48, V13.B16

group:
	GROUP
	MOVD sums+56(FP), R15

block:
	VMOVI $0, V5.B16
	VMOVI $0, V6.B16
	VMOVI $0, V7.B16
	VMOVI $0, V15.B16
	HALF_SCALES(0)
	PREFETCH_192
	STEP_MUL(0, 0)
	PREFETCH_192
	STEP_MUL(0, 1)
	HALF_SCALES(1)
	PREFETCH_192
	STEP_MUL(1, 0)
	PREFETCH_192
	STEP_MUL(1, 1)
	VADDP V6.S4, V5.S4, V5.S4
	VADDP V15.S4, V7.S4, V7.S4
	VADDP V7.S4, V5.S4, V7.S4
	ACCUMULATE
	NEXT(group, block)
