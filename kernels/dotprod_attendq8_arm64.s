//go:build !noasm

#include "textflag.h"
#include "neon_arm64.h"
#include "attendq8_arm64.h"

#define DOT4(SDOT_I, q) \
	KEYS              \
	SDOT_I(q, 16, 0)  \
	SDOT_I(q, 17, 1)  \
	SDOT_I(q, 18, 2)  \
	SDOT_I(q, 19, 3)

// func scoresQ8Dotprod(s *float32, q *int8, dq *float32, k *byte, dk *float32, n int)
TEXT ·scoresQ8Dotprod(SB), NOSPLIT, $0-48
	SCORES_ARGS

block:
	BLOCK
	DOT4(SDOT_0, 20)
	DOT4(SDOT_1, 20)
	DOT4(SDOT_2, 20)
	DOT4(SDOT_3, 20)
	DOT4(SDOT_0, 21)
	DOT4(SDOT_1, 21)
	DOT4(SDOT_2, 21)
	DOT4(SDOT_3, 21)
	END_BLOCK(block)
