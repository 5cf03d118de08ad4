//go:build amd64 && !noasm

#include "textflag.h"
#include "avx512_elem_amd64.h"

// Element-wise functions, sixteen elements at a time; the rest under a mask.

// func rmsNormAVX512(dst, x, w *float32, n int, eps float32)
TEXT ·rmsNormAVX512(SB), NOSPLIT, $0-36
	MOVQ dst+0(FP), DI
	MOVQ x+8(FP), SI
	MOVQ w+16(FP), BX
	MOVQ n+24(FP), CX
	VCVTSI2SSQ CX, X3, X3
	TAILMASK
	VPXORQ Z0, Z0, Z0
	XORQ R8, R8
	MOVQ CX, R9
	TESTQ CX, CX
	JZ   squareTail

square:
	VMOVUPS (SI)(R8*1), Z1
	VFMADD231PS Z1, Z1, Z0
	ADDQ $64, R8
	DECQ R9
	JNZ  square

squareTail:
	VMOVUPS.Z (SI)(R8*1), K1, Z1
	VFMADD231PS Z1, Z1, Z0
	SUMTREE(Z0, Y0, X0, Y1, X1)
	VDIVSS  X3, X0, X0
	VADDSS  eps+32(FP), X0, X0
	VSQRTSS X0, X0, X0
	MOVL    $0x3f800000, AX
	VMOVD   AX, X1
	VDIVSS  X0, X1, X0
	VBROADCASTSS X0, Z0
	XORQ    R8, R8
	TESTQ   CX, CX
	JZ      scaleTail

scale:
	VMULPS  (SI)(R8*1), Z0, Z1
	VMULPS  (BX)(R8*1), Z1, Z1
	VMOVUPS Z1, (DI)(R8*1)
	ADDQ    $64, R8
	DECQ    CX
	JNZ     scale

scaleTail:
	VMOVUPS.Z (SI)(R8*1), K1, Z1
	VMOVUPS.Z (BX)(R8*1), K1, Z2
	VMULPS    Z0, Z1, Z1
	VMULPS    Z2, Z1, Z1
	VMOVUPS   Z1, K1, (DI)(R8*1)
	VZEROUPPER
	RET

// func ropeAVX512(x0, x1, cos, sin *float32, n int)
TEXT ·ropeAVX512(SB), NOSPLIT, $0-40
	MOVQ x0+0(FP), SI
	MOVQ x1+8(FP), DI
	MOVQ cos+16(FP), R8
	MOVQ sin+24(FP), R9
	MOVQ n+32(FP), CX
	TAILMASK
	XORQ BX, BX
	KXNORW K2, K2, K2

// The last turn, of CX = 0, takes the mask K1.
turn:
	TESTQ CX, CX
	JNZ   whole
	KMOVW K1, K2

whole:
	VMOVUPS.Z (SI)(BX*1), K2, Z0
	VMOVUPS.Z (DI)(BX*1), K2, Z1
	VMOVUPS.Z (R8)(BX*1), K2, Z2
	VMOVUPS.Z (R9)(BX*1), K2, Z3
	VMULPS    Z2, Z0, Z4
	VMULPS    Z3, Z1, Z5
	VMULPS    Z3, Z0, Z6
	VMULPS    Z2, Z1, Z7
	VSUBPS    Z5, Z4, Z4
	VADDPS    Z7, Z6, Z6
	VMOVUPS   Z4, K2, (SI)(BX*1)
	VMOVUPS   Z6, K2, (DI)(BX*1)
	ADDQ      $64, BX
	DECQ      CX
	JGE       turn
	VZEROUPPER
	RET

// func siluMulAVX512(dst, gate, up *float32, n int)
TEXT ·siluMulAVX512(SB), NOSPLIT, $0-32
	MOVQ dst+0(FP), DI
	MOVQ gate+8(FP), SI
	MOVQ up+16(FP), R8
	MOVQ n+24(FP), CX
	TAILMASK
	XORQ BX, BX
	KXNORW K2, K2, K2
	MOVL $0x80000000, AX
	VPBROADCASTD AX, Z8

turn:
	TESTQ CX, CX
	JNZ   whole
	KMOVW K1, K2

whole:
	VMOVUPS.Z (SI)(BX*1), K2, Z0
	VMOVUPS.Z (R8)(BX*1), K2, Z1
	VPXORD    Z8, Z0, Z2
	KXNORW    K3, K3, K3
	EXP(Z2, Z3, Z4, Z5, K3)
	VADDPS.BCST ·expConst+48(SB), Z2, Z2
	VDIVPS    Z2, Z0, Z0
	VMULPS    Z1, Z0, Z0
	VMOVUPS   Z0, K2, (DI)(BX*1)
	ADDQ      $64, BX
	DECQ      CX
	JGE       turn
	VZEROUPPER
	RET

// func addAVX512(dst, x *float32, n int)
TEXT ·addAVX512(SB), NOSPLIT, $0-24
	MOVQ dst+0(FP), DI
	MOVQ x+8(FP), SI
	MOVQ n+16(FP), CX
	TAILMASK
	XORQ BX, BX
	KXNORW K2, K2, K2

turn:
	TESTQ CX, CX
	JNZ   whole
	KMOVW K1, K2

whole:
	VMOVUPS.Z (DI)(BX*1), K2, Z0
	VMOVUPS.Z (SI)(BX*1), K2, Z1
	VADDPS    Z1, Z0, Z0
	VMOVUPS   Z0, K2, (DI)(BX*1)
	ADDQ      $64, BX
	DECQ      CX
	JGE       turn
	VZEROUPPER
	RET

// func maxAVX512(x *float32, n int) float32
//
// VMAXPS gives its last source where one is NaN, and that is the maximum.
TEXT ·maxAVX512(SB), NOSPLIT, $0-20
	MOVQ x+0(FP), SI
	MOVQ n+8(FP), CX
	TAILMASK
	MOVL $0xff800000, AX
	VPBROADCASTD AX, Z0
	VMOVUPS Z0, Z1
	TESTQ CX, CX
	JZ   tail

turn:
	VMOVUPS (SI), Z3
	VMAXPS  Z0, Z3, Z0
	ADDQ    $64, SI
	DECQ    CX
	JNZ     turn

tail:
	VMOVUPS (SI), K1, Z1
	VMAXPS  Z0, Z1, Z0
	VEXTRACTF64X4 $1, Z0, Y1
	VMAXPS  Y0, Y1, Y0
	VEXTRACTF128 $1, Y0, X1
	VMAXPS  X0, X1, X0
	VPSHUFD $0x0e, X0, X1
	VMAXPS  X0, X1, X0
	VPSHUFD $0x01, X0, X1
	VMAXPS  X0, X1, X0
	VMOVSS  X0, ret+16(FP)
	VZEROUPPER
	RET
