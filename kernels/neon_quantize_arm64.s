//go:build !noasm

#include "textflag.h"
#include "neon_arm64.h"

// Activation quantization.
//
//	R0 q  R1 d  R2 bias or sums  R3 x  R4 blocks
//	F17 the least magnitude that is not taken as zero  F18 127  F20 1
//	R8 infinity
//	V24 1.5·2^23, after whose addition the low byte of a float is the integer

#define QUANTIZE_ARGS \
	MOVD  q+0(FP), R0       \
	MOVD  d+8(FP), R1       \
	MOVD  sums+16(FP), R2   \
	MOVD  x+24(FP), R3      \
	MOVD  blocks+32(FP), R4 \
	MOVD  $0x0d800000, R5   \
	FMOVS R5, F17           \
	MOVD  $0x42fe0000, R5   \
	FMOVS R5, F18           \
	FMOVS $1.0, F20         \
	MOVD  $0x7f800000, R8   \
	MOVD  $0x4b400000, R5   \
	VDUP  R5, V24.S4

// V16, V26, V27, V28 = the greatest magnitudes of theirs and V0-V3; NaN stays.
#define MAGNITUDES \
	FABS(0, 0)      \
	FABS(1, 1)      \
	FABS(2, 2)      \
	FABS(3, 3)      \
	FMAX(0, 16, 16) \
	FMAX(1, 26, 26) \
	FMAX(2, 27, 27) \
	FMAX(3, 28, 28)

#define NO_MAGNITUDES \
	VMOVI $0, V16.B16 \
	VMOVI $0, V26.B16 \
	VMOVI $0, V27.B16 \
	VMOVI $0, V28.B16

// F16 = the greatest magnitude. Goes to spoilt if that is infinite or NaN.
#define GREATEST \
	FMAX(26, 16, 16) \
	FMAX(28, 27, 27) \
	FMAX(27, 16, 16) \
	FMAXV(16, 16)    \
	FMOVS F16, R5    \
	CMPW  R8, R5     \
	BHS   spoilt

// V0 = V0-V3 times F21, rounded to sixteen int8; V4 their sums by pairs.
#define ROUND16 \
	FMUL_0(21, 0, 0)             \
	FMUL_0(21, 1, 1)             \
	FMUL_0(21, 2, 2)             \
	FMUL_0(21, 3, 3)             \
	FADD(24, 0, 0)               \
	FADD(24, 1, 1)               \
	FADD(24, 2, 2)               \
	FADD(24, 3, 3)               \
	VUZP1 V1.H8, V0.H8, V0.H8    \
	VUZP1 V3.H8, V2.H8, V2.H8    \
	VUZP1 V2.B16, V0.B16, V0.B16 \
	SADDLP_B(0, 4)

// func quantize32Neon(q *int8, d *float32, sums *int32, x *float32, blocks int)
TEXT ·quantize32Neon(SB), NOSPLIT, $0-40
	QUANTIZE_ARGS

block:
	NO_MAGNITUDES
	VLD1.P 64(R3), [V0.S4, V1.S4, V2.S4, V3.S4]
	MAGNITUDES
	VLD1   (R3), [V0.S4, V1.S4, V2.S4, V3.S4]
	MAGNITUDES
	SUB    $64, R3
	GREATEST
	FCMPS  F17, F16
	BMI    zero
	FDIVS  F18, F16, F19
	FDIVS  F19, F20, F21
	FCVTSH F19, F19
	FCVTHS F19, F19
	FMOVS.P F19, 4(R1)
	VLD1.P 64(R3), [V0.S4, V1.S4, V2.S4, V3.S4]
	ROUND16
	FMOVQ.P F0, 16(R0)
	VORR   V4.B16, V4.B16, V5.B16
	VLD1.P 64(R3), [V0.S4, V1.S4, V2.S4, V3.S4]
	ROUND16
	FMOVQ.P F0, 16(R0)
	VADD   V5.H8, V4.H8, V4.H8
	VADDV  V4.H8, V4
	VMOV   V4.H[0], R5
	SXTH   R5, R5
	NEG    R5<<7, R5

next:
	MOVW.P R5, 4(R2)
	SUB    $1, R4
	CBNZ   R4, block
	RET

spoilt:
	MOVD   $0x7fc00000, R5
	B      clear

zero:
	MOVD   $0, R5

clear:
	MOVW.P R5, 4(R1)
	MOVD   $0, R5
	VMOVI  $0, V0.B16
	FMOVQ.P F0, 16(R0)
	FMOVQ.P F0, 16(R0)
	ADD    $128, R3
	B      next

// func quantize256Neon(q *int8, d *float32, sums *int16, x *float32, blocks int)
TEXT ·quantize256Neon(SB), NOSPLIT, $0-40
	QUANTIZE_ARGS

block:
	NO_MAGNITUDES
	MOVD $16, R6

magnitudes:
	VLD1.P 64(R3), [V0.S4, V1.S4, V2.S4, V3.S4]
	MAGNITUDES
	SUB  $1, R6
	CBNZ R6, magnitudes
	SUB  $1024, R3
	GREATEST
	MOVD $16, R6
	FCMPS F17, F16
	BMI  zero
	FDIVS F16, F18, F21
	FDIVS F21, F20, F19
	FMOVS.P F19, 4(R1)

round:
	VLD1.P 64(R3), [V0.S4, V1.S4, V2.S4, V3.S4]
	ROUND16
	FMOVQ.P F0, 16(R0)
	VADDV V4.H8, V4
	VST1.P V4.H[0], 2(R2)
	SUB  $1, R6
	CBNZ R6, round
	SUB  $1, R4
	CBNZ R4, block
	RET

spoilt:
	MOVD  $16, R6
	MOVD  $0x7fc00000, R5
	B     scale

zero:
	MOVD  $0, R5

scale:
	VMOVI $0, V0.B16
	MOVW.P R5, 4(R1)

clear:
	FMOVQ.P F0, 16(R0)
	MOVH.P ZR, 2(R2)
	SUB  $1, R6
	CBNZ R6, clear
	ADD  $1024, R3
	SUB  $1, R4
	CBNZ R4, block
	RET
