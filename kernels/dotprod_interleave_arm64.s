//go:build !noasm

#include "textflag.h"
#include "interleave_arm64.h"

// func interleaveDotprod(dst, src *int8, k int)
TEXT ·interleaveDotprod(SB), NOSPLIT, $0-24
	INTERLEAVE_ARGS

loop:
	LOAD_ROWS
	VST4.P [V0.S4, V1.S4, V2.S4, V3.S4], 64(R0)
	SUB  $16, R5
	CBNZ R5, loop
	RET
