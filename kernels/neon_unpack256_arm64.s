//go:build !noasm

#include "textflag.h"
#include "neon_arm64.h"

// Unpackers of one row of super-blocks of 256 weights: to int8, and into the
// row's place in the heads of its quad, which are 160 bytes each: d, dmin 16
// bytes on, words of four scales from 32 on and of minimums from 96 on, each 16
// bytes after the other.
//
//	R0 q  R1 head  R2 w  R3 super-blocks  V16 3 or 15 in every byte

#define UNPACK_ARGS \
	MOVD q+0(FP), R0     \
	MOVD head+8(FP), R1  \
	MOVD w+16(FP), R2    \
	MOVD blocks+24(FP), R3

#define SCALE(offset) \
	MOVHU offset(R2), R4 \
	FMOVS R4, F4         \
	FCVTHS F4, F4        \
	FMOVS F4, (R1)

#define SCALE_MIN(offset) \
	FMOVS offset(R2), F4 \
	FCVTL(4, 4)          \
	FMOVS F4, (R1)       \
	VMOV  V4.S[1], R4    \
	MOVW  R4, 16(R1)

// The words of v from offset of the head on.
#define STORE_WORDS(v, offset) \
	ADD  $offset, R1, R4          \
	MOVD $16, R5                  \
	VST1.P v.S[0], (R4)(R5)       \
	VST1.P v.S[1], (R4)(R5)       \
	VST1.P v.S[2], (R4)(R5)       \
	VST1   v.S[3], (R4)

#define NEXT(size, block) \
	ADD  $160, R1   \
	ADD  $size, R2  \
	SUB  $1, R3     \
	CBNZ R3, block  \
	RET

// The scales and minimums, six bits each, of Q4_K and Q5_K; R10 has 15, R11 48,
// R12 63 in every byte of a word.
#define SIX_BITS \
	MOVWU 4(R2), R4      \
	MOVWU 8(R2), R5      \
	MOVWU 12(R2), R6     \
	AND   R4, R12, R7    \
	AND   R5, R12, R8    \
	MOVW  R7, 32(R1)     \
	MOVW  R8, 96(R1)     \
	AND   R4>>2, R11, R4 \
	AND   R5>>2, R11, R5 \
	AND   R6, R10, R7    \
	AND   R6>>4, R10, R8 \
	ORR   R4, R7, R7     \
	ORR   R5, R8, R8     \
	MOVW  R7, 48(R1)     \
	MOVW  R8, 112(R1)

#define SIX_BITS_CONSTANTS \
	MOVD $0x0f0f0f0f, R10 \
	MOVD $0x30303030, R11 \
	MOVD $0x3f3f3f3f, R12

#define LOAD_32(offset) \
	FMOVQ offset(R2), F0    \
	FMOVQ offset+16(R2), F1

// V0-V3 = the low and then the high nibbles of 32 bytes.
#define NIBBLES(offset) \
	LOAD_32(offset)               \
	VUSHR $4, V0.B16, V2.B16      \
	VUSHR $4, V1.B16, V3.B16      \
	VAND  V16.B16, V0.B16, V0.B16 \
	VAND  V16.B16, V1.B16, V1.B16

#define STORE_64 \
	FSTPQ.P (F0, F1), 32(R0) \
	FSTPQ.P (F2, F3), 32(R0)

#define QUARTER_Q4_K(offset) \
	NIBBLES(offset) \
	STORE_64

// func unpackQ4_KNeon(q *byte, head unsafe.Pointer, w *byte, blocks int)
TEXT ·unpackQ4_KNeon(SB), NOSPLIT, $0-32
	UNPACK_ARGS
	SIX_BITS_CONSTANTS
	VMOVI $15, V16.B16

block:
	SCALE_MIN(0)
	SIX_BITS
	QUARTER_Q4_K(16)
	QUARTER_Q4_K(48)
	QUARTER_Q4_K(80)
	QUARTER_Q4_K(112)
	NEXT(144, block)

// Bit b of the 32 bytes in V5, V6 becomes bit 4 of the weights x, y.
#define FIFTH(b, x, y) \
	VMOVI $(1<<b), V7.B16              \
	VCMTST V7.B16, V5.B16, V18.B16     \
	VCMTST V7.B16, V6.B16, V19.B16     \
	VAND  V17.B16, V18.B16, V18.B16    \
	VAND  V17.B16, V19.B16, V19.B16    \
	VORR  V18.B16, x.B16, x.B16        \
	VORR  V19.B16, y.B16, y.B16

#define QUARTER_Q5_K(offset, b0, b1) \
	NIBBLES(offset)   \
	FIFTH(b0, V0, V1) \
	FIFTH(b1, V2, V3) \
	STORE_64

// func unpackQ5_KNeon(q *byte, head unsafe.Pointer, w *byte, blocks int)
TEXT ·unpackQ5_KNeon(SB), NOSPLIT, $0-32
	UNPACK_ARGS
	SIX_BITS_CONSTANTS
	VMOVI $15, V16.B16
	VMOVI $16, V17.B16

block:
	SCALE_MIN(0)
	SIX_BITS
	FMOVQ 16(R2), F5
	FMOVQ 32(R2), F6
	QUARTER_Q5_K(48, 0, 1)
	QUARTER_Q5_K(80, 2, 3)
	QUARTER_Q5_K(112, 4, 5)
	QUARTER_Q5_K(144, 6, 7)
	NEXT(176, block)

// The quarters of a half of Q6_K: nibbles v and v + 32 bytes on, bit pairs V4, V5
// shifted to bits 4 and 5; V17 has 48, V18 32 in every byte.
#define STORE_Q6_K(x, y, fx, fy, p, q) \
	VBIT V17.B16, p.B16, x.B16  \
	VBIT V17.B16, q.B16, y.B16  \
	VSUB V18.B16, x.B16, x.B16  \
	VSUB V18.B16, y.B16, y.B16  \
	FSTPQ.P (fx, fy), 32(R0)

#define HALF_Q6_K(low, high) \
	NIBBLES(low)                    \
	FMOVQ high(R2), F4              \
	FMOVQ high+16(R2), F5           \
	VSHL  $4, V4.B16, V6.B16        \
	VSHL  $4, V5.B16, V7.B16        \
	STORE_Q6_K(V0, V1, F0, F1, V6, V7) \
	FMOVQ low+32(R2), F0            \
	FMOVQ low+48(R2), F1            \
	VUSHR $4, V0.B16, V20.B16       \
	VUSHR $4, V1.B16, V21.B16       \
	VAND  V16.B16, V0.B16, V0.B16   \
	VAND  V16.B16, V1.B16, V1.B16   \
	VSHL  $2, V4.B16, V6.B16        \
	VSHL  $2, V5.B16, V7.B16        \
	STORE_Q6_K(V0, V1, F0, F1, V6, V7) \
	STORE_Q6_K(V2, V3, F2, F3, V4, V5) \
	VUSHR $2, V4.B16, V6.B16        \
	VUSHR $2, V5.B16, V7.B16        \
	STORE_Q6_K(V20, V21, F20, F21, V6, V7)

// func unpackQ6_KNeon(q *byte, head unsafe.Pointer, w *byte, blocks int)
TEXT ·unpackQ6_KNeon(SB), NOSPLIT, $0-32
	UNPACK_ARGS
	VMOVI $15, V16.B16
	VMOVI $48, V17.B16
	VMOVI $32, V18.B16

block:
	SCALE(208)
	FMOVQ 192(R2), F0
	STORE_WORDS(V0, 32)
	HALF_Q6_K(0, 128)
	HALF_Q6_K(64, 160)
	NEXT(210, block)

// V2, V3 = bits from n on, two each, of V0, V1.
#define PAIRS(n) \
	VUSHR $n, V0.B16, V2.B16      \
	VUSHR $n, V1.B16, V3.B16      \
	VAND  V16.B16, V2.B16, V2.B16 \
	VAND  V16.B16, V3.B16, V3.B16

#define PAIRS_0 \
	VAND  V16.B16, V0.B16, V2.B16 \
	VAND  V16.B16, V1.B16, V3.B16

#define STORE_PAIRS FSTPQ.P (F2, F3), 32(R0)

#define HALF_Q2_K(offset) \
	LOAD_32(offset) \
	PAIRS_0         \
	STORE_PAIRS     \
	PAIRS(2)        \
	STORE_PAIRS     \
	PAIRS(4)        \
	STORE_PAIRS     \
	PAIRS(6)        \
	STORE_PAIRS

// func unpackQ2_KNeon(q *byte, head unsafe.Pointer, w *byte, blocks int)
TEXT ·unpackQ2_KNeon(SB), NOSPLIT, $0-32
	UNPACK_ARGS
	VMOVI $3, V16.B16
	VMOVI $15, V17.B16

block:
	SCALE_MIN(80)
	FMOVQ (R2), F0
	VUSHR $4, V0.B16, V1.B16
	VAND  V17.B16, V0.B16, V0.B16
	STORE_WORDS(V0, 32)
	STORE_WORDS(V1, 96)
	HALF_Q2_K(16)
	HALF_Q2_K(48)
	NEXT(84, block)

// Where bit b of V5, V6 is not set, V2, V3 are less by 4 (V17).
#define THIRD(b) \
	VMOVI $(1<<b), V7.B16          \
	VCMTST V7.B16, V5.B16, V18.B16 \
	VCMTST V7.B16, V6.B16, V19.B16 \
	BIC(18, 17, 18)                \
	BIC(19, 17, 19)                \
	VSUB  V18.B16, V2.B16, V2.B16  \
	VSUB  V19.B16, V3.B16, V3.B16  \
	STORE_PAIRS

#define HALF_Q3_K(offset, b0, b1, b2, b3) \
	LOAD_32(offset) \
	PAIRS_0   \
	THIRD(b0) \
	PAIRS(2)  \
	THIRD(b1) \
	PAIRS(4)  \
	THIRD(b2) \
	PAIRS(6)  \
	THIRD(b3)

// func unpackQ3_KNeon(q *byte, head unsafe.Pointer, w *byte, blocks int)
TEXT ·unpackQ3_KNeon(SB), NOSPLIT, $0-32
	UNPACK_ARGS
	MOVD  $0x0f0f0f0f, R10
	MOVD  $0x30303030, R11
	VMOVI $3, V16.B16
	VMOVI $4, V17.B16
	VMOVI $32, V20.B16

block:
	SCALE(108)
	MOVWU 96(R2), R4
	MOVWU 100(R2), R5
	MOVWU 104(R2), R6
	AND   R4, R10, R7     // scales 0-3: low nibbles, bits 0 and 1 of the third word
	AND   R6<<4, R11, R8
	ORR   R8, R7
	VMOV  R7, V0.S[0]
	AND   R5, R10, R7     // 4-7: bits 2 and 3
	AND   R6<<2, R11, R8
	ORR   R8, R7
	VMOV  R7, V0.S[1]
	AND   R4>>4, R10, R7  // 8-11: high nibbles, bits 4 and 5
	AND   R6, R11, R8
	ORR   R8, R7
	VMOV  R7, V0.S[2]
	AND   R5>>4, R10, R7  // 12-15: bits 6 and 7
	AND   R6>>2, R11, R8
	ORR   R8, R7
	VMOV  R7, V0.S[3]
	VSUB  V20.B16, V0.B16, V0.B16
	STORE_WORDS(V0, 32)
	FMOVQ (R2), F5
	FMOVQ 16(R2), F6
	HALF_Q3_K(32, 0, 1, 2, 3)
	HALF_Q3_K(64, 4, 5, 6, 7)
	NEXT(110, block)

#define GROUP_IQ4_XS(offset) \
	FMOVQ offset(R2), F1            \
	VAND  V16.B16, V1.B16, V0.B16   \
	VUSHR $4, V1.B16, V1.B16        \
	VTBL  V0.B16, [V18.B16], V0.B16 \
	VTBL  V1.B16, [V18.B16], V1.B16 \
	FSTPQ.P (F0, F1), 32(R0)

// func unpackIQ4_XSNeon(q *byte, head unsafe.Pointer, w *byte, blocks int)
TEXT ·unpackIQ4_XSNeon(SB), NOSPLIT, $0-32
	UNPACK_ARGS
	MOVD  $0x00ff00ff00ff00ff, R10
	MOVD  $0x0f0f0f0f0f0f0f0f, R11
	MOVD  $0x000000ff000000ff, R12
	MOVD  $0x000f000f000f000f, R13
	MOVD  $0x0303030303030303, R14
	MOVD  $0x0000ffff0000ffff, R15
	VMOVI $15, V16.B16
	VMOVI $32, V17.B16
	MOVD  $·valuesIQ4(SB), R4
	FMOVQ (R4), F18

block:
	SCALE(0)
	MOVWU 4(R2), R4       // eight nibbles to eight bytes
	ORR   R4<<16, R4, R4
	AND   R15, R4
	ORR   R4<<8, R4, R4
	AND   R10, R4
	ORR   R4<<4, R4, R4
	AND   R11, R4
	MOVHU 2(R2), R5       // and eight bit pairs
	ORR   R5<<24, R5, R5
	AND   R12, R5
	ORR   R5<<12, R5, R5
	AND   R13, R5
	ORR   R5<<6, R5, R5
	AND   R14, R5
	ORR   R5<<4, R4, R4
	FMOVD R4, F0
	VSUB  V17.B16, V0.B16, V0.B16
	FMOVS F0, 32(R1)
	VMOV  V0.S[1], R4
	MOVW  R4, 48(R1)
	GROUP_IQ4_XS(8)
	GROUP_IQ4_XS(24)
	GROUP_IQ4_XS(40)
	GROUP_IQ4_XS(56)
	GROUP_IQ4_XS(72)
	GROUP_IQ4_XS(88)
	GROUP_IQ4_XS(104)
	GROUP_IQ4_XS(120)
	NEXT(136, block)
