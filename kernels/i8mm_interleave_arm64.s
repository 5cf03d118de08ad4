//go:build !noasm

#include "textflag.h"
#include "interleave_arm64.h"

// func interleaveI8mm(dst, src *int8, k int)
TEXT ·interleaveI8mm(SB), NOSPLIT, $0-24
	INTERLEAVE_ARGS

loop:
	LOAD_ROWS
	VST4.P [V0.D2, V1.D2, V2.D2, V3.D2], 64(R0)
	SUB  $16, R5
	CBNZ R5, loop
	RET
