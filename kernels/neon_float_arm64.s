//go:build !noasm

#include "textflag.h"
#include "neon_arm64.h"
#include "neon_exp_arm64.h"

// Two rows of plain numbers times two columns: sixteen lanes each, in V0-V3 (row
// 0, column 0), V4-V7 (row 0, column 1), V8-V15 (row 1).
//
//	R0 y  R1, R2 bytes between its rows and columns  R3, R4 the rows
//	R5, R6 the columns  R7 weights left

#define FLOATS_ARGS \
	MOVD y+0(FP), R0         \
	MOVD yRow+8(FP), R1      \
	MOVD yCol+16(FP), R2     \
	MOVD w+24(FP), R3        \
	MOVD rowBytes+32(FP), R4 \
	ADD  R3, R4              \
	MOVD x+40(FP), R5        \
	MOVD xBytes+48(FP), R6   \
	ADD  R5, R6              \
	MOVD k+56(FP), R7        \
	VMOVI $0, V0.B16         \
	VMOVI $0, V1.B16         \
	VMOVI $0, V2.B16         \
	VMOVI $0, V3.B16         \
	VMOVI $0, V4.B16         \
	VMOVI $0, V5.B16         \
	VMOVI $0, V6.B16         \
	VMOVI $0, V7.B16         \
	VMOVI $0, V8.B16         \
	VMOVI $0, V9.B16         \
	VMOVI $0, V10.B16        \
	VMOVI $0, V11.B16        \
	VMOVI $0, V12.B16        \
	VMOVI $0, V13.B16        \
	VMOVI $0, V14.B16        \
	VMOVI $0, V15.B16

#define LOAD_COLUMNS \
	VLD1.P 64(R5), [V20.S4, V21.S4, V22.S4, V23.S4] \
	VLD1.P 64(R6), [V24.S4, V25.S4, V26.S4, V27.S4]

// The weights of a row in V16-V19.
#define DOTS(a0, a1, a2, a3, b0, b1, b2, b3) \
	VFMLA V20.S4, V16.S4, a0.S4 \
	VFMLA V21.S4, V17.S4, a1.S4 \
	VFMLA V22.S4, V18.S4, a2.S4 \
	VFMLA V23.S4, V19.S4, a3.S4 \
	VFMLA V24.S4, V16.S4, b0.S4 \
	VFMLA V25.S4, V17.S4, b1.S4 \
	VFMLA V26.S4, V18.S4, b2.S4 \
	VFMLA V27.S4, V19.S4, b3.S4

#define LOAD_F32(row) VLD1.P 64(row), [V16.S4, V17.S4, V18.S4, V19.S4]

#define LOAD_F16(row) \
	FMOVQ.P 16(row), F17 \
	FMOVQ.P 16(row), F19 \
	FCVTL(17, 16)  \
	FCVTL2(17, 17) \
	FCVTL(19, 18)  \
	FCVTL2(19, 19)

#define LOAD_BF16(row) \
	FMOVQ.P 16(row), F17 \
	FMOVQ.P 16(row), F19 \
	SHLL16(17, 16)  \
	SHLL16_2(17, 17) \
	SHLL16(19, 18)  \
	SHLL16_2(19, 19)

#define LOOP(LOAD, loop) \
loop: \
	LOAD_COLUMNS \
	LOAD(R3)     \
	DOTS(V0, V1, V2, V3, V4, V5, V6, V7) \
	LOAD(R4)     \
	DOTS(V8, V9, V10, V11, V12, V13, V14, V15) \
	SUB  $16, R7   \
	CBNZ R7, loop  \
	SUM_LANES(V0, 0, 1, 2, 3, V16, 16)     \
	SUM_LANES(V4, 4, 5, 6, 7, V17, 17)     \
	SUM_LANES(V8, 8, 9, 10, 11, V18, 18)   \
	SUM_LANES(V12, 12, 13, 14, 15, V19, 19) \
	ADD  R1, R0, R3 \
	FMOVS F0, (R0)  \
	FMOVS F8, (R3)  \
	ADD  R2, R0     \
	ADD  R2, R3     \
	FMOVS F4, (R0)  \
	FMOVS F12, (R3) \
	RET

// func floatsF32(y *float32, yRow, yCol int, w *byte, rowBytes int, x *float32, xBytes, k int)
TEXT ·floatsF32(SB), NOSPLIT, $0-64
	FLOATS_ARGS
	LOOP(LOAD_F32, loop)

// func floatsF16(y *float32, yRow, yCol int, w *byte, rowBytes int, x *float32, xBytes, k int)
TEXT ·floatsF16(SB), NOSPLIT, $0-64
	FLOATS_ARGS
	LOOP(LOAD_F16, loop)

// func floatsBF16(y *float32, yRow, yCol int, w *byte, rowBytes int, x *float32, xBytes, k int)
TEXT ·floatsBF16(SB), NOSPLIT, $0-64
	FLOATS_ARGS
	LOOP(LOAD_BF16, loop)
