//go:build !noasm

#include "textflag.h"
#include "neon_arm64.h"
#include "tile_arm64.h"
#include "tile256_arm64.h"

// func tile256I8mm(y *float32, stride int, w *int8, head *byte, q *int8, d *float32, sums unsafe.Pointer, k, steps, mins, cols int)
TEXT ·tile256I8mm(SB), NOSPLIT, $0-88
	TILE256_ARGS
	ZERO_OUTPUTS

super:
	START_SUPER

words:
	FMOVQ.P 16(R23), F26
	FMOVQ.P 16(R24), F27
	MOVD    $4, R21

scale:
	ZERO_LOW
	MOVD R16, R22

step:
	MATRIX16
	SUB   $1, R22
	CBNZ  R22, step
	NEXT_SCALE
	VZIP1 V24.S4, V24.S4, V28.S4
	VZIP2 V24.S4, V24.S4, V29.S4
	VZIP1 V25.S4, V25.S4, V30.S4
	VZIP2 V25.S4, V25.S4, V31.S4
	MLA_S(28, 0, 8)
	MLA_S(28, 1, 9)
	MLA_S(29, 2, 10)
	MLA_S(29, 3, 11)
	MLA_S(30, 4, 12)
	MLA_S(30, 5, 13)
	MLA_S(31, 6, 14)
	MLA_S(31, 7, 15)
	SUB   $1, R21
	CBNZ  R21, scale
	SUB   $1, R20
	CBNZ  R20, words

	// From pairs of rows times pairs of columns to rows times columns.
	VUZP1 V10.S4, V8.S4, V0.S4
	VUZP1 V14.S4, V12.S4, V1.S4
	VUZP2 V10.S4, V8.S4, V2.S4
	VUZP2 V14.S4, V12.S4, V3.S4
	VUZP1 V11.S4, V9.S4, V4.S4
	VUZP1 V15.S4, V13.S4, V5.S4
	VUZP2 V11.S4, V9.S4, V6.S4
	VUZP2 V15.S4, V13.S4, V7.S4
	END_SUPER(super, mins16, next, 0, 1, 2, 3, 4, 5, 6, 7)
