//go:build amd64 && !noasm

#include "textflag.h"

// Quantization of activations for AVX2.

// X0 = the greatest lane of Y0, as integers: infinity and NaN lie above all
// numbers. Goes to spoilt if it is one of them. Clobbers Y1 and AX.
#define MAXTREE \
	VEXTRACTI128 $1, Y0, X1; \
	VPMAXUD X1, X0, X0; \
	VPSHUFD $0x0e, X0, X1; \
	VPMAXUD X1, X0, X0; \
	VPSHUFD $0x01, X0, X1; \
	VPMAXUD X1, X0, X0; \
	VMOVD X0, AX; \
	CMPL AX, $0x7f800000; \
	JAE spoilt

// Y15 = magnitude bits, X14 = the least magnitude, X13 = 127, X12 = 1, Y11 =
// the order of dwords after packing, Y10 = the weights' offset in bytes, Y9 = 0,
// Y7 = -1 in words.
#define CONSTS_QUANTIZE(OFFSET) \
	VPCMPEQD Y15, Y15, Y15; \
	VPSRLD   $1, Y15, Y15; \
	MOVL     $0x0d800000, AX; \
	VMOVD    AX, X14; \
	MOVL     $0x42fe0000, AX; \
	VMOVD    AX, X13; \
	MOVL     $0x3f800000, AX; \
	VMOVD    AX, X12; \
	VMOVDQU  ·packOrder(SB), Y11; \
	VPBROADCASTD OFFSET, Y10; \
	VPXOR    Y9, Y9, Y9; \
	VPCMPEQW Y7, Y7, Y7

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

// Y3 = minus the offset times the sums of the bytes Y2 by pairs of an index mod
// 4, in every dword of a lane for its 16. Clobbers Y4.
#define STARTS \
	VPMADDUBSW Y2, Y10, Y3; \
	VPSHUFD $0x4e, Y3, Y4; \
	VPADDW Y4, Y3, Y3; \
	VPSHUFD $0xb1, Y3, Y4; \
	VPADDW Y4, Y3, Y3; \
	VPSUBW Y3, Y9, Y3

// func quantize32AVX2(q *int8, d *float32, bias *int32, start *int16, x *float32, blocks int)
TEXT ·quantize32AVX2(SB), NOSPLIT, $0-48
	MOVQ q+0(FP), DI
	MOVQ d+8(FP), R8
	MOVQ bias+16(FP), R9
	MOVQ start+24(FP), R10
	MOVQ x+32(FP), SI
	MOVQ blocks+40(FP), CX
	CONSTS_QUANTIZE(·splat+8(SB))

block:
	VPAND (SI), Y15, Y0
	VPAND 32(SI), Y15, Y1
	VPAND 64(SI), Y15, Y2
	VPAND 96(SI), Y15, Y3
	VPMAXUD Y1, Y0, Y0
	VPMAXUD Y3, Y2, Y2
	VPMAXUD Y2, Y0, Y0
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

	// The bias is eight times the sum of both starts.
	STARTS
	VEXTRACTI128 $1, Y3, X4
	VPADDW   X4, X3, X3
	VMOVD    X3, (R10)
	VPMADDWD X7, X3, X3
	VPSLLD   $3, X3, X3
	VPSUBD   X3, X9, X3
	VMOVD    X3, (R9)
	ADDQ    $4, R10

next:
	ADDQ    $128, SI
	ADDQ    $32, DI
	ADDQ    $4, R8
	ADDQ    $4, R9
	DECQ    CX
	JNZ     block
	VZEROUPPER
	RET

spoilt:
	MOVL    $0x7fc00000, (R8)
	VMOVDQU Y9, (DI)
	MOVL    $0, (R9)
	MOVL    $0, (R10)
	ADDQ    $4, R10
	JMP     next

// func quantize256AVX2(q *int8, d *float32, sum, start *int16, x *float32, supers int)
TEXT ·quantize256AVX2(SB), NOSPLIT, $0-48
	MOVQ q+0(FP), DI
	MOVQ d+8(FP), R8
	MOVQ sum+16(FP), R9
	MOVQ start+24(FP), R10
	MOVQ x+32(FP), SI
	MOVQ supers+40(FP), CX
	CONSTS_QUANTIZE(·splat+28(SB))

super:
	VXORPS Y0, Y0, Y0
	XORL   DX, DX

greatest:
	VPAND  (SI)(DX*1), Y15, Y1
	VPAND  32(SI)(DX*1), Y15, Y2
	VPMAXUD Y2, Y1, Y1
	VPMAXUD Y1, Y0, Y0
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

	// The sum is the sum of both starts, divided by -32.
	STARTS
	VEXTRACTI128 $1, Y3, X4
	VMOVD    X3, (R10)
	VMOVD    X4, 4(R10)
	VPMADDWD Y7, Y3, Y3
	VPSRAD   $5, Y3, Y3
	VEXTRACTI128 $1, Y3, X4
	VPEXTRW  $0, X3, (R9)
	VPEXTRW  $0, X4, 2(R9)
	ADDQ    $8, R10
	ADDQ    $128, SI
	ADDQ    $32, DI
	ADDQ    $4, R9
	DECL    DX
	JNZ     thirtytwo

next:
	ADDQ    $4, R8
	DECQ    CX
	JNZ     super
	VZEROUPPER
	RET

spoilt:
	MOVL    $0x7fc00000, (R8)
	VMOVDQU Y9, (R9)
	VMOVDQU Y9, (R10)
	VMOVDQU Y9, 32(R10)
	ADDQ    $32, R9
	ADDQ    $64, R10
	ADDQ    $1024, SI
	MOVL    $8, DX

clear:
	VMOVDQU Y9, (DI)
	ADDQ    $32, DI
	DECL    DX
	JNZ     clear
	JMP     next
