//go:build !noasm

#include "textflag.h"
#include "neon_arm64.h"
#include "tile_arm64.h"

// Tiles of formats with blocks of 32 weights. A quad's head has for each block
// the four rows' d, then their minimums, as float32. V8-V15 are the outputs.
//
// V0-V7 start at the bits of the float 1.5·2^23, so that a sum below 2^22 becomes
// a float by subtracting that: SCVTF takes twice as long.
//
//	R10-R13 the columns' scales  R14-R17 their Bias  R19 blocks left  R21 mins

#define START_BLOCK \
	VORR V31.B16, V31.B16, V0.B16 \
	VORR V31.B16, V31.B16, V1.B16 \
	VORR V31.B16, V31.B16, V2.B16 \
	VORR V31.B16, V31.B16, V3.B16 \
	VORR V31.B16, V31.B16, V4.B16 \
	VORR V31.B16, V31.B16, V5.B16 \
	VORR V31.B16, V31.B16, V6.B16 \
	VORR V31.B16, V31.B16, V7.B16

#define TILE32_ARGS \
	TILE_ARGS              \
	ADD  R20, R4, R5       \
	MOVD d+40(FP), R10     \
	LSR  $3, R20, R19      \
	ADD  R19, R10, R11     \
	ADD  R19, R11, R12     \
	ADD  R19, R12, R13     \
	MOVD sums+48(FP), R14  \
	ADD  R19, R14, R15     \
	ADD  R19, R15, R16     \
	ADD  R19, R16, R17     \
	LSR  $5, R20, R19      \
	MOVD mins+72(FP), R21  \
	MOVD $0x4b400000, R22  \
	VDUP R22, V31.S4       \
	ZERO_HIGH

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

// F18 = the column's sum of activations.
#define COLUMN_SUM(bias) \
	FMOVS.P 4(bias), F18 \
	SSHR_S(7, 18, 18)    \
	NEG_S(18, 18)        \
	SCVTF(18, 18)

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

// Two columns' numbers x, y as x, y, x, y.
#define PAIR_COLUMNS(x, y, to) \
	VZIP1 y.S4, x.S4, to.S4   \
	VZIP1 to.D2, to.D2, to.D2

// Rows 2p and 2p+1: their d is V(d), twice each; the columns' scales V28, V29.
#define SCALE_ROWS(d, a, b, acc0, acc1) \
	FMUL(28, d, 16) \
	FMUL(29, d, 17) \
	FSUB(31, a, a)  \
	FSUB(31, b, b)  \
	FMUL(16, a, a)  \
	FMUL(17, b, b)  \
	FADD(a, acc0, acc0) \
	FADD(b, acc1, acc1)

#define MIN_ROWS(min, acc0, acc1) \
	FMUL(28, min, 16)    \
	FMUL(29, min, 17)    \
	FMUL(16, 30, 16)     \
	FMUL(17, 21, 17)     \
	FSUB(16, acc0, acc0) \
	FSUB(17, acc1, acc1)

// The quads' numbers at offset of their heads, each twice, in V24-V27.
#define TWICE(offset) \
	FMOVQ offset(R4), F22        \
	FMOVQ offset(R5), F23        \
	VZIP1 V22.S4, V22.S4, V24.S4 \
	VZIP2 V22.S4, V22.S4, V25.S4 \
	VZIP1 V23.S4, V23.S4, V26.S4 \
	VZIP2 V23.S4, V23.S4, V27.S4

// The outputs of two columns, from pairs of rows times pairs of columns.
#define STORE_PAIR(p0, p1, p2, p3) \
	VUZP1 p1.S4, p0.S4, V16.S4 \
	VUZP1 p3.S4, p2.S4, V17.S4 \
	VUZP2 p1.S4, p0.S4, V18.S4 \
	VUZP2 p3.S4, p2.S4, V19.S4 \
	FSTPQ (F16, F17), (R0)     \
	ADD   R1, R0               \
	FSTPQ (F18, F19), (R0)     \
	ADD   R1, R0

// func tile32I8mm(y *float32, stride int, w *int8, head *byte, q *int8, d *float32, sums unsafe.Pointer, k, steps, mins, cols int)
TEXT ·tile32I8mm(SB), NOSPLIT, $0-88
	TILE32_ARGS

block:
	START_BLOCK
	MATRIX16
	MATRIX16
	TWICE(0)
	FMOVS.P 4(R10), F28
	FMOVS.P 4(R11), F29
	FMOVS.P 4(R12), F30
	FMOVS.P 4(R13), F21
	PAIR_COLUMNS(V28, V29, V28)
	PAIR_COLUMNS(V30, V21, V29)
	SCALE_ROWS(24, 0, 1, 8, 9)
	SCALE_ROWS(25, 2, 3, 10, 11)
	SCALE_ROWS(26, 4, 5, 12, 13)
	SCALE_ROWS(27, 6, 7, 14, 15)
	CBZ     R21, next
	TWICE(16)
	COLUMN_SUM(R14)
	VORR    V18.B16, V18.B16, V30.B16
	COLUMN_SUM(R15)
	PAIR_COLUMNS(V30, V18, V30)
	COLUMN_SUM(R16)
	VORR    V18.B16, V18.B16, V21.B16
	COLUMN_SUM(R17)
	PAIR_COLUMNS(V21, V18, V21)
	MIN_ROWS(24, 8, 9)
	MIN_ROWS(25, 10, 11)
	MIN_ROWS(26, 12, 13)
	MIN_ROWS(27, 14, 15)

next:
	ADD  $32, R4
	ADD  $32, R5
	SUB  $1, R19
	CBNZ R19, block
	STORE_PAIR(V8, V10, V12, V14)
	STORE_PAIR(V9, V11, V13, V15)
	RET
