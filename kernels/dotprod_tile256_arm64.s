//go:build !noasm

#include "textflag.h"
#include "neon_arm64.h"
#include "tile_arm64.h"
#include "tile256_arm64.h"

// func tile256Dotprod(y *float32, stride int, w *int8, head *byte, q *int8, d *float32, sums unsafe.Pointer, k, steps, mins, cols int)
TEXT ·tile256Dotprod(SB), NOSPLIT, $0-88
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
	DOT16
	SUB  $1, R22
	CBNZ R22, step
	NEXT_SCALE
	MLA_S(24, 0, 8)
	MLA_S(25, 1, 9)
	MLA_S(24, 2, 10)
	MLA_S(25, 3, 11)
	MLA_S(24, 4, 12)
	MLA_S(25, 5, 13)
	MLA_S(24, 6, 14)
	MLA_S(25, 7, 15)
	SUB  $1, R21
	CBNZ R21, scale
	SUB  $1, R20
	CBNZ R20, words

	END_SUPER(super, mins16, next, 8, 9, 10, 11, 12, 13, 14, 15)
