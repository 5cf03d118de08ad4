//go:build !noasm

#include "textflag.h"
#include "neon_arm64.h"

// Unpackers of one row of blocks of 32 weights: to int8, and into the row's place
// in the heads of its quad, which are 32 bytes each: d, and 16 bytes on the
// minimum, of which the format has the negative.
//
//	R0 q  R1 head  R2 w  R3 blocks  V0, V1 the weights

#define UNPACK_ARGS \
	MOVD q+0(FP), R0     \
	MOVD head+8(FP), R1  \
	MOVD w+16(FP), R2    \
	MOVD blocks+24(FP), R3

#define SCALE \
	LDR_H(2, 4)     \
	FCVTHS F4, F4    \
	FMOVS  F4, (R1)

// V4 = d and m.
#define SCALE_MIN \
	FMOVS (R2), F4   \
	FCVTL(4, 4)      \
	FMOVS F4, (R1)   \
	FNEG(4, 4)       \
	VMOV  V4.S[1], R4 \
	MOVW  R4, 16(R1)

#define NIBBLES(offset) \
	FMOVQ offset(R2), F1          \
	VAND  V16.B16, V1.B16, V0.B16 \
	VUSHR $4, V1.B16, V1.B16

// The weights less 16, with the table of fifth bits at R20; see Q5_0_UNPACK.
#define FIFTHS(bits, offset) \
	MOVWU bits(R2), R4      \
	FMOVQ offset(R2), F0    \
	UBFX  $0, R4, $8, R5    \
	UBFX  $8, R4, $8, R6    \
	UBFX  $16, R4, $8, R7   \
	UBFX  $24, R4, $8, R8   \
	ADD   R6<<3, R20, R6    \
	ADD   R8<<3, R20, R8    \
	FMOVD (R20)(R5<<3), F2  \
	FMOVD (R20)(R7<<3), F1  \
	VLD1  (R6), V2.D[1]     \
	VLD1  (R8), V1.D[1]     \
	VSRI  $4, V0.B16, V1.B16 \
	VSLI  $4, V2.B16, V0.B16

#define SUBTRACT \
	VSUB V17.B16, V0.B16, V0.B16 \
	VSUB V17.B16, V1.B16, V1.B16

#define NEXT(size, block) \
	FSTPQ.P (F0, F1), 32(R0) \
	ADD  $32, R1    \
	ADD  $size, R2  \
	SUB  $1, R3     \
	CBNZ R3, block  \
	RET

// func unpackQ4_0Neon(q *byte, head unsafe.Pointer, w *byte, blocks int)
TEXT ·unpackQ4_0Neon(SB), NOSPLIT, $0-32
	UNPACK_ARGS
	VMOVI $15, V16.B16
	VMOVI $8, V17.B16

block:
	SCALE
	NIBBLES(2)
	SUBTRACT
	NEXT(18, block)

// func unpackQ4_1Neon(q *byte, head unsafe.Pointer, w *byte, blocks int)
TEXT ·unpackQ4_1Neon(SB), NOSPLIT, $0-32
	UNPACK_ARGS
	VMOVI $15, V16.B16

block:
	SCALE_MIN
	NIBBLES(4)
	NEXT(20, block)

// func unpackQ5_0Neon(q *byte, head unsafe.Pointer, w *byte, blocks int)
TEXT ·unpackQ5_0Neon(SB), NOSPLIT, $0-32
	UNPACK_ARGS
	MOVD $·fifthBits(SB), R20

block:
	SCALE
	FIFTHS(2, 6)
	NEXT(22, block)

// func unpackQ5_1Neon(q *byte, head unsafe.Pointer, w *byte, blocks int)
TEXT ·unpackQ5_1Neon(SB), NOSPLIT, $0-32
	UNPACK_ARGS
	MOVD  $·fifthBits(SB), R20
	VMOVI $240, V17.B16 // -16

block:
	SCALE_MIN
	FIFTHS(4, 8)
	SUBTRACT
	NEXT(24, block)

// func unpackQ8_0Neon(q *byte, head unsafe.Pointer, w *byte, blocks int)
TEXT ·unpackQ8_0Neon(SB), NOSPLIT, $0-32
	UNPACK_ARGS

block:
	SCALE
	FMOVQ 2(R2), F0
	FMOVQ 18(R2), F1
	NEXT(34, block)

// func unpackIQ4_NLNeon(q *byte, head unsafe.Pointer, w *byte, blocks int)
TEXT ·unpackIQ4_NLNeon(SB), NOSPLIT, $0-32
	UNPACK_ARGS
	VMOVI $15, V16.B16
	MOVD  $·valuesIQ4(SB), R20
	FMOVQ (R20), F18

block:
	SCALE
	NIBBLES(2)
	VTBL  V0.B16, [V18.B16], V0.B16
	VTBL  V1.B16, [V18.B16], V1.B16
	NEXT(18, block)
