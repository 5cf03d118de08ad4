//go:build amd64 && !noasm

#include "textflag.h"
#include "avx2_elem_amd64.h"

// Element-wise functions for AVX2, eight elements at a time; Go does the rest.

// func squaresAVX2(lanes, x *float32, n int)
//
// The squares of n elements, a multiple of 16, in sixteen lanes.
TEXT ·squaresAVX2(SB), NOSPLIT, $0-24
	MOVQ lanes+0(FP), DI
	MOVQ x+8(FP), SI
	MOVQ n+16(FP), CX
	VXORPS Y0, Y0, Y0
	VXORPS Y1, Y1, Y1
	TESTQ CX, CX
	JZ done

sixteen:
	VMOVUPS (SI), Y2
	VMOVUPS 32(SI), Y3
	VFMADD231PS Y2, Y2, Y0
	VFMADD231PS Y3, Y3, Y1
	ADDQ $64, SI
	SUBQ $16, CX
	JNZ sixteen

done:
	VMOVUPS Y0, (DI)
	VMOVUPS Y1, 32(DI)
	VZEROUPPER
	RET

// func scaleAVX2(dst, x, w *float32, s float32, n int)
//
// dst = (x·s)·w, n > 0 a multiple of 8.
TEXT ·scaleAVX2(SB), NOSPLIT, $0-40
	MOVQ dst+0(FP), DI
	MOVQ x+8(FP), SI
	MOVQ w+16(FP), BX
	VBROADCASTSS s+24(FP), Y0
	MOVQ n+32(FP), CX
	XORQ AX, AX

eight:
	VMULPS  (SI)(AX*4), Y0, Y1
	VMULPS  (BX)(AX*4), Y1, Y1
	VMOVUPS Y1, (DI)(AX*4)
	ADDQ    $8, AX
	CMPQ    AX, CX
	JLT     eight
	VZEROUPPER
	RET

// func ropeAVX2(x0, x1, cos, sin *float32, n int)
TEXT ·ropeAVX2(SB), NOSPLIT, $0-40
	MOVQ x0+0(FP), SI
	MOVQ x1+8(FP), DI
	MOVQ cos+16(FP), R8
	MOVQ sin+24(FP), R9
	MOVQ n+32(FP), CX
	XORQ AX, AX

eight:
	VMOVUPS (SI)(AX*4), Y0
	VMOVUPS (DI)(AX*4), Y1
	VMOVUPS (R8)(AX*4), Y2
	VMOVUPS (R9)(AX*4), Y3
	VMULPS  Y2, Y0, Y4
	VMULPS  Y3, Y1, Y5
	VMULPS  Y3, Y0, Y6
	VMULPS  Y2, Y1, Y7
	VSUBPS  Y5, Y4, Y4
	VADDPS  Y7, Y6, Y6
	VMOVUPS Y4, (SI)(AX*4)
	VMOVUPS Y6, (DI)(AX*4)
	ADDQ    $8, AX
	CMPQ    AX, CX
	JLT     eight
	VZEROUPPER
	RET

// func siluMulAVX2(dst, gate, up *float32, n int)
TEXT ·siluMulAVX2(SB), NOSPLIT, $0-32
	MOVQ dst+0(FP), DI
	MOVQ gate+8(FP), SI
	MOVQ up+16(FP), BX
	MOVQ n+24(FP), CX
	XORQ AX, AX
	VPCMPEQD Y9, Y9, Y9
	VPSLLD   $31, Y9, Y9

eight:
	VMOVUPS (SI)(AX*4), Y0
	VXORPS  Y9, Y0, Y1
	EXP(Y1, Y2, Y3, Y4, Y5)
	VADDPS  ·expConst8+384(SB), Y1, Y1
	VDIVPS  Y1, Y0, Y0
	VMULPS  (BX)(AX*4), Y0, Y0
	VMOVUPS Y0, (DI)(AX*4)
	ADDQ    $8, AX
	CMPQ    AX, CX
	JLT     eight
	VZEROUPPER
	RET

// func addAVX2(dst, x *float32, n int)
TEXT ·addAVX2(SB), NOSPLIT, $0-24
	MOVQ dst+0(FP), DI
	MOVQ x+8(FP), SI
	MOVQ n+16(FP), CX
	XORQ AX, AX

eight:
	VMOVUPS (DI)(AX*4), Y0
	VADDPS  (SI)(AX*4), Y0, Y0
	VMOVUPS Y0, (DI)(AX*4)
	ADDQ    $8, AX
	CMPQ    AX, CX
	JLT     eight
	VZEROUPPER
	RET

// func maxAVX2(lanes, x *float32, n int)
//
// The greatest of the eight lanes of x; VMAXPS gives its last source where one
// is NaN, and that is the maximum.
TEXT ·maxAVX2(SB), NOSPLIT, $0-24
	MOVQ lanes+0(FP), DI
	MOVQ x+8(FP), SI
	MOVQ n+16(FP), CX
	MOVL $0xff800000, AX
	VMOVD AX, X0
	VPBROADCASTD X0, Y0

eight:
	VMOVUPS (SI), Y1
	VMAXPS  Y0, Y1, Y0
	ADDQ    $32, SI
	SUBQ    $8, CX
	JNZ     eight
	VMOVUPS Y0, (DI)
	VZEROUPPER
	RET
