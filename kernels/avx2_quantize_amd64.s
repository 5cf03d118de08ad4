//go:build amd64 && !noasm

#include "textflag.h"

// Quantization of activations for AVX2.

// X0 = the greatest lane of Y0. Clobbers Y1.
#define MAXTREE \
	VEXTRACTF128 $1, Y0, X1; \
	VMAXPS X1, X0, X0; \
	VPSHUFD $0x0e, X0, X1; \
	VMAXPS X1, X0, X0; \
	VPSHUFD $0x01, X0, X1; \
	VMAXPS X1, X0, X0

// Y15 = magnitude bits, X14 = the least magnitude, X13 = 127, X12 = 1, Y11 =
// the order of dwords after packing, Y10 = 128 in bytes, Y9 = 0.
#define CONSTS_QUANTIZE \
	VPCMPEQD Y15, Y15, Y15; \
	VPSRLD   $1, Y15, Y15; \
	MOVL     $0x0d800000, AX; \
	VMOVD    AX, X14; \
	MOVL     $0x42fe0000, AX; \
	VMOVD    AX, X13; \
	MOVL     $0x3f800000, AX; \
	VMOVD    AX, X12; \
	VMOVDQU  ·packOrder(SB), Y11; \
	VPBROADCASTD ·splat+12(SB), Y10; \
	VPXOR    Y9, Y9, Y9

// Y2 = 32 elements at SI times Y8, as bytes in their order. Clobbers Y3-Y5.
#define PACK32 \
	VMULPS (SI), Y8, Y2; \
	VMULPS 32(SI), Y8, Y3; \
	VMULPS 64(SI), Y8, Y4; \
	VMULPS 96(SI), Y8, Y5; \
	VCVTPS2DQ Y2, Y2; \
	VCVTPS2DQ Y3, Y3; \
	VCVTPS2DQ Y4, Y4; \
	VCVTPS2DQ Y5, Y5; \
	VPACKSSDW Y3, Y2, Y2; \
	VPACKSSDW Y5, Y4, Y4; \
	VPACKSSWB Y4, Y2, Y2; \
	VPERMD Y2, Y11, Y2

// func quantize32AVX2(q *int8, d *float32, bias *int32, x *float32, blocks int)
TEXT ·quantize32AVX2(SB), NOSPLIT, $0-40
	MOVQ q+0(FP), DI
	MOVQ d+8(FP), R8
	MOVQ bias+16(FP), R9
	MOVQ x+24(FP), SI
	MOVQ blocks+32(FP), CX
	CONSTS_QUANTIZE

block:
	VANDPS (SI), Y15, Y0
	VANDPS 32(SI), Y15, Y1
	VANDPS 64(SI), Y15, Y2
	VANDPS 96(SI), Y15, Y3
	VMAXPS Y1, Y0, Y0
	VMAXPS Y3, Y2, Y2
	VMAXPS Y2, Y0, Y0
	MAXTREE
	VCMPSS $5, X14, X0, X6
	VDIVSS X13, X0, X0
	VDIVSS X0, X12, X8
	VCVTPS2PH $0, X0, X0
	VCVTPH2PS X0, X0
	VANDPS X6, X0, X0
	VANDPS X6, X8, X8
	VMOVSS X0, (R8)
	VBROADCASTSS X8, Y8
	PACK32
	VMOVDQU Y2, (DI)

	// The sum of the bytes with an offset of 128 each.
	VPXOR   Y10, Y2, Y2
	VPSADBW Y9, Y2, Y2
	VEXTRACTI128 $1, Y2, X3
	VPADDD  X3, X2, X2
	VPSHUFD $0x0e, X2, X3
	VPADDD  X3, X2, X2
	VMOVD   X2, AX
	SUBL    $4096, AX
	SHLL    $7, AX
	NEGL    AX
	MOVL    AX, (R9)
	ADDQ    $128, SI
	ADDQ    $32, DI
	ADDQ    $4, R8
	ADDQ    $4, R9
	DECQ    CX
	JNZ     block
	VZEROUPPER
	RET

// func quantize256AVX2(q *int8, d *float32, sum *int16, x *float32, supers int)
TEXT ·quantize256AVX2(SB), NOSPLIT, $0-40
	MOVQ q+0(FP), DI
	MOVQ d+8(FP), R8
	MOVQ sum+16(FP), R9
	MOVQ x+24(FP), SI
	MOVQ supers+32(FP), CX
	CONSTS_QUANTIZE

super:
	VXORPS Y0, Y0, Y0
	XORL   DX, DX

greatest:
	VANDPS (SI)(DX*1), Y15, Y1
	VANDPS 32(SI)(DX*1), Y15, Y2
	VMAXPS Y2, Y1, Y1
	VMAXPS Y1, Y0, Y0
	ADDL   $64, DX
	CMPL   DX, $1024
	JLT    greatest
	MAXTREE
	VCMPSS $5, X14, X0, X6
	VDIVSS X0, X13, X8
	VDIVSS X8, X12, X0
	VANDPS X6, X0, X0
	VANDPS X6, X8, X8
	VMOVSS X0, (R8)
	VBROADCASTSS X8, Y8
	MOVL   $8, DX

thirtytwo:
	PACK32
	VMOVDQU Y2, (DI)

	// The sums of the bytes of either lane, with an offset of 128 each.
	VPXOR   Y10, Y2, Y2
	VPSADBW Y9, Y2, Y2
	VPSHUFD $0x0e, Y2, Y3
	VPADDD  Y3, Y2, Y2
	VEXTRACTI128 $1, Y2, X3
	VMOVD   X2, AX
	VMOVD   X3, BX
	SUBL    $2048, AX
	SUBL    $2048, BX
	MOVW    AX, (R9)
	MOVW    BX, 2(R9)
	ADDQ    $128, SI
	ADDQ    $32, DI
	ADDQ    $4, R9
	DECL    DX
	JNZ     thirtytwo
	ADDQ    $4, R8
	DECQ    CX
	JNZ     super
	VZEROUPPER
	RET
