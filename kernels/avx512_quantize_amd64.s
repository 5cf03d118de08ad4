//go:build amd64 && !noasm

#include "textflag.h"

// Quantization of activations. The integers come from the low byte of
// x·scale + 1.5·2²³, which has no bits left for a fraction.

// Z28 = magnitude bits, Z29 = 1.5·2²³, X30 = the least magnitude (2⁻¹⁰⁰),
// X31 = 127.
#define CONSTS \
	MOVL $0x7fffffff, AX; \
	VPBROADCASTD AX, Z28; \
	MOVL $0x4b400000, AX; \
	VPBROADCASTD AX, Z29; \
	MOVL $0x0d800000, AX; \
	VMOVD AX, X30; \
	MOVL $0x42fe0000, AX; \
	VMOVD AX, X31

// X2 = the greatest of the lanes of Z2, as integers: infinity and NaN lie above
// all numbers. Goes to spoilt if it is one of them. Clobbers Y3 and AX.
#define MAXTREE \
	VEXTRACTI64X4 $1, Z2, Y3; \
	VPMAXUD Y3, Y2, Y2; \
	VEXTRACTI128 $1, Y2, X3; \
	VPMAXUD X3, X2, X2; \
	VPSHUFD $0x0e, X2, X3; \
	VPMAXUD X3, X2, X2; \
	VPSHUFD $0x01, X2, X3; \
	VPMAXUD X3, X2, X2; \
	VMOVD X2, AX; \
	CMPL AX, $0x7f800000; \
	JAE spoilt

// func quantize32AVX512(q *int8, d *float32, bias *int32, x *float32, blocks int)
TEXT ·quantize32AVX512(SB), NOSPLIT, $0-40
	MOVQ q+0(FP), DI
	MOVQ d+8(FP), R8
	MOVQ bias+16(FP), R9
	MOVQ x+24(FP), SI
	MOVQ blocks+32(FP), CX
	CONSTS
	MOVL $0x3f800000, AX
	VMOVD AX, X10
	MOVL $0x80808080, AX
	VMOVD AX, X11
	VPBROADCASTD X11, Y11
	VPXOR Y12, Y12, Y12

block:
	VMOVUPS (SI), Z0
	VMOVUPS 64(SI), Z1
	VPANDD  Z28, Z0, Z2
	VPANDD  Z28, Z1, Z3
	VPMAXUD Z3, Z2, Z2
	MAXTREE

	// Scales stay zero where the greatest magnitude is below the least.
	VCMPSS   $5, X30, X2, K1
	VDIVSS   X31, X2, X2
	VDIVSS   X2, X10, X4
	VCVTPS2PH $0, X2, X2
	VCVTPH2PS X2, X2
	VMOVSS.Z X2, X2, K1, X2
	VMOVSS.Z X4, X4, K1, X4
	VMOVSS   X2, (R8)
	VBROADCASTSS X4, Z4
	VMULPS   Z4, Z0, Z0
	VMULPS   Z4, Z1, Z1
	VADDPS   Z29, Z0, Z0
	VADDPS   Z29, Z1, Z1
	VPMOVDB  Z0, X0
	VPMOVDB  Z1, X1
	VINSERTI128 $1, X1, Y0, Y0
	VMOVDQU  Y0, (DI)

	// The sum of the bytes with an offset of 128 each.
	VPXOR    Y11, Y0, Y0
	VPSADBW  Y12, Y0, Y0
	VEXTRACTI128 $1, Y0, X1
	VPADDD   X1, X0, X0
	VPSHUFD  $0x0e, X0, X1
	VPADDD   X1, X0, X0
	VMOVD    X0, AX
	SUBL     $4096, AX
	SHLL     $7, AX
	NEGL     AX
	MOVL     AX, (R9)

next:
	ADDQ     $128, SI
	ADDQ     $32, DI
	ADDQ     $4, R8
	ADDQ     $4, R9
	DECQ     CX
	JNZ      block
	VZEROUPPER
	RET

spoilt:
	MOVL     $0x7fc00000, (R8)
	VMOVDQU  Y12, (DI)
	MOVL     $0, (R9)
	JMP      next

#define GREATEST(OFF, M) \
	VPANDD OFF(SI), Z28, Z0; \
	VPMAXUD Z0, M, M

#define ROUND(OFF, QOFF) \
	VMULPS OFF(SI), Z4, Z0; \
	VADDPS Z29, Z0, Z0; \
	VPMOVDB Z0, QOFF(DI)

// func quantize256AVX512(q *int8, d *float32, sum *int16, x *float32, supers int)
TEXT ·quantize256AVX512(SB), NOSPLIT, $0-40
	MOVQ q+0(FP), DI
	MOVQ d+8(FP), R8
	MOVQ sum+16(FP), R9
	MOVQ x+24(FP), SI
	MOVQ supers+32(FP), CX
	CONSTS
	MOVL $0x3f800000, AX
	VMOVD AX, X10
	MOVL $0x01010101, AX
	VPBROADCASTD AX, Z11
	VMOVDQU64 ·transpose4(SB), Z12

super:
	VPXORQ Z2, Z2, Z2
	VPXORQ Z5, Z5, Z5
	GREATEST(0, Z2)
	GREATEST(64, Z5)
	GREATEST(128, Z2)
	GREATEST(192, Z5)
	GREATEST(256, Z2)
	GREATEST(320, Z5)
	GREATEST(384, Z2)
	GREATEST(448, Z5)
	GREATEST(512, Z2)
	GREATEST(576, Z5)
	GREATEST(640, Z2)
	GREATEST(704, Z5)
	GREATEST(768, Z2)
	GREATEST(832, Z5)
	GREATEST(896, Z2)
	GREATEST(960, Z5)
	VPMAXUD Z5, Z2, Z2
	MAXTREE
	VCMPSS   $5, X30, X2, K1
	VDIVSS   X2, X31, X4
	VDIVSS   X4, X10, X2
	VMOVSS.Z X2, X2, K1, X2
	VMOVSS.Z X4, X4, K1, X4
	VMOVSS   X2, (R8)
	VBROADCASTSS X4, Z4
	ROUND(0, 0)
	ROUND(64, 16)
	ROUND(128, 32)
	ROUND(192, 48)
	ROUND(256, 64)
	ROUND(320, 80)
	ROUND(384, 96)
	ROUND(448, 112)
	ROUND(512, 128)
	ROUND(576, 144)
	ROUND(640, 160)
	ROUND(704, 176)
	ROUND(768, 192)
	ROUND(832, 208)
	ROUND(896, 224)
	ROUND(960, 240)

	// Sums of four, then of sixteen: lane l of the j-th 64 has group 4j+l.
	VPXORQ Z0, Z0, Z0
	VPXORQ Z1, Z1, Z1
	VPXORQ Z2, Z2, Z2
	VPXORQ Z3, Z3, Z3
	VPDPBUSD (DI), Z11, Z0
	VPDPBUSD 64(DI), Z11, Z1
	VPDPBUSD 128(DI), Z11, Z2
	VPDPBUSD 192(DI), Z11, Z3
	VPUNPCKLDQ Z1, Z0, Z4
	VPUNPCKHDQ Z1, Z0, Z5
	VPUNPCKLDQ Z3, Z2, Z6
	VPUNPCKHDQ Z3, Z2, Z7
	VPADDD Z5, Z4, Z4
	VPADDD Z7, Z6, Z6
	VPUNPCKLQDQ Z6, Z4, Z0
	VPUNPCKHQDQ Z6, Z4, Z1
	VPADDD Z1, Z0, Z0
	VPERMD Z0, Z12, Z0
	VPMOVDW Z0, Y0
	VMOVDQU Y0, (R9)

next:
	ADDQ $1024, SI
	ADDQ $256, DI
	ADDQ $4, R8
	ADDQ $32, R9
	DECQ CX
	JNZ  super
	VZEROUPPER
	RET

spoilt:
	MOVL $0x7fc00000, (R8)
	VPXORQ Z0, Z0, Z0
	VMOVDQU64 Z0, (DI)
	VMOVDQU64 Z0, 64(DI)
	VMOVDQU64 Z0, 128(DI)
	VMOVDQU64 Z0, 192(DI)
	VMOVDQU Y0, (R9)
	JMP  next
