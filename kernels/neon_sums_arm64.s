//go:build !noasm

#include "textflag.h"
#include "neon_arm64.h"

// Sums of activations split into bytes for SDOT and SMMLA: s = low + 128·high
// with low in [0, 128) and high an int8.

// V(n).8h into eight bytes of low and of high.
#define SPLIT(n, v, low, high) \
	SSHR_H(7, n, high)            \
	VAND V16.B16, v.B16, v.B16    \
	XTN_H(n, low)                 \
	XTN_H(high, high)

// func splitSums32(dst *int16, sums *int16, blocks int)
TEXT ·splitSums32(SB), NOSPLIT, $0-24
	MOVD  dst+0(FP), R0
	MOVD  sums+8(FP), R1
	MOVD  blocks+16(FP), R2
	VMOVI $127, V16.B16
	VUSHR $8, V16.H8, V16.H8 // 127 in every half

loop:
	FMOVQ (R1), F0
	FMOVQ 16(R1), F1
	ADD   $32, R1
	VADDP V1.H8, V0.H8, V0.H8
	SPLIT(0, V0, 2, 3)
	FSTPD (F2, F3), (R0)
	ADD   $16, R0
	SUB   $1, R2
	CBNZ  R2, loop
	RET

// func splitSums16(dst *int16, sums *int16, blocks int)
TEXT ·splitSums16(SB), NOSPLIT, $0-24
	MOVD  dst+0(FP), R0
	MOVD  sums+8(FP), R1
	MOVD  blocks+16(FP), R2
	VMOVI $127, V16.B16
	VUSHR $8, V16.H8, V16.H8

loop:
	FMOVQ (R1), F0
	FMOVQ 16(R1), F1
	ADD   $32, R1
	SPLIT(0, V0, 2, 3)
	SPLIT(1, V1, 4, 5)
	FSTPD (F2, F4), (R0)
	FSTPD (F3, F5), 16(R0)
	ADD   $32, R0
	SUB   $1, R2
	CBNZ  R2, loop
	RET
