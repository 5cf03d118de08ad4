//go:build !noasm

#include "textflag.h"

// YIELD is a no-op on most cores; ISB drains the pipeline, which is the wait
// that a spinning loop wants.

// func Pause(n uint32)
TEXT ·Pause(SB), NOSPLIT, $0-4
	MOVWU n+0(FP), R0
	CBZ   R0, done

loop:
	ISB $15
	SUBW $1, R0
	CBNZ R0, loop

done:
	RET
