//go:build !noasm

#include "textflag.h"
#include "neon_arm64.h"
#include "tile_arm64.h"
#include "tile32_arm64.h"

// A column's sums a, b (quads) into its outputs, with its scale in V(da).
#define SCALE_COLUMN(da, a, b, acc0, acc1) \
	FMUL_0(da, 24, 16) \
	FMUL_0(da, 25, 17) \
	FSUB(31, a, a)     \
	FSUB(31, b, b)     \
	FMUL(16, a, a)     \
	FMUL(17, b, b)     \
	FADD(a, acc0, acc0) \
	FADD(b, acc1, acc1)

#define MIN_COLUMN(da, bias, acc0, acc1) \
	COLUMN_SUM(bias)    \
	FMUL_0(da, 26, 16)  \
	FMUL_0(da, 27, 17)  \
	FMUL_0(18, 16, 16)  \
	FMUL_0(18, 17, 17)  \
	FSUB(16, acc0, acc0) \
	FSUB(17, acc1, acc1)

// func tile32Dotprod(y *float32, stride int, w *int8, head *byte, q *int8, d *float32, sums unsafe.Pointer, k, steps, mins, cols int)
TEXT ·tile32Dotprod(SB), NOSPLIT, $0-88
	TILE32_ARGS

block:
	START_BLOCK
	DOT16
	DOT16
	FMOVQ   (R4), F24
	FMOVQ   (R5), F25
	FMOVS.P 4(R10), F20
	FMOVS.P 4(R11), F21
	FMOVS.P 4(R12), F22
	FMOVS.P 4(R13), F23
	SCALE_COLUMN(20, 0, 1, 8, 9)
	SCALE_COLUMN(21, 2, 3, 10, 11)
	SCALE_COLUMN(22, 4, 5, 12, 13)
	SCALE_COLUMN(23, 6, 7, 14, 15)
	CBZ     R21, next
	FMOVQ   16(R4), F26
	FMOVQ   16(R5), F27
	MIN_COLUMN(20, R14, 8, 9)
	MIN_COLUMN(21, R15, 10, 11)
	MIN_COLUMN(22, R16, 12, 13)
	MIN_COLUMN(23, R17, 14, 15)

next:
	ADD   $32, R4
	ADD   $32, R5
	SUB   $1, R19
	CBNZ  R19, block
	FSTPQ (F8, F9), (R0)
	ADD   R1, R0
	FSTPQ (F10, F11), (R0)
	ADD   R1, R0
	FSTPQ (F12, F13), (R0)
	ADD   R1, R0
	FSTPQ (F14, F15), (R0)
	RET
