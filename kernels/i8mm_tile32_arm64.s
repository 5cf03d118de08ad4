//go:build !noasm

#include "textflag.h"
#include "neon_arm64.h"
#include "tile_arm64.h"
#include "tile32_arm64.h"

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
