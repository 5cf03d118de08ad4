//go:build !noasm

#include "textflag.h"
#include "neon_arm64.h"
#include "neon_exp_arm64.h"

// func sumSquaresNeon(x *float32, n int) float32
//
// n is a multiple of sixteen: sixteen lanes, then the tree of sumLanes.
TEXT ·sumSquaresNeon(SB), NOSPLIT, $0-20
	MOVD x+0(FP), R0
	MOVD n+8(FP), R1
	VMOVI $0, V16.B16
	VMOVI $0, V17.B16
	VMOVI $0, V18.B16
	VMOVI $0, V19.B16

loop:
	VLD1.P 64(R0), [V0.S4, V1.S4, V2.S4, V3.S4]
	VFMLA V0.S4, V0.S4, V16.S4
	VFMLA V1.S4, V1.S4, V17.S4
	VFMLA V2.S4, V2.S4, V18.S4
	VFMLA V3.S4, V3.S4, V19.S4
	SUB  $16, R1
	CBNZ R1, loop
	SUM_LANES(V16, 16, 17, 18, 19, V20, 20)
	FMOVS F16, ret+16(FP)
	RET

// func scaleMulNeon(dst, x, w *float32, n int, s float32)
//
// dst = (x·s)·w, n a multiple of sixteen.
TEXT ·scaleMulNeon(SB), NOSPLIT, $0-36
	MOVD  dst+0(FP), R0
	MOVD  x+8(FP), R1
	MOVD  w+16(FP), R2
	MOVD  n+24(FP), R3
	FMOVS s+32(FP), F16

loop:
	VLD1.P 64(R1), [V0.S4, V1.S4, V2.S4, V3.S4]
	VLD1.P 64(R2), [V4.S4, V5.S4, V6.S4, V7.S4]
	FMUL_0(16, 0, 0)
	FMUL_0(16, 1, 1)
	FMUL_0(16, 2, 2)
	FMUL_0(16, 3, 3)
	FMUL(4, 0, 0)
	FMUL(5, 1, 1)
	FMUL(6, 2, 2)
	FMUL(7, 3, 3)
	VST1.P [V0.S4, V1.S4, V2.S4, V3.S4], 64(R0)
	SUB  $16, R3
	CBNZ R3, loop
	RET

// func ropeNeon(x0, x1, cos, sin *float32, n int)
//
// n is a multiple of four.
TEXT ·ropeNeon(SB), NOSPLIT, $0-40
	MOVD x0+0(FP), R0
	MOVD x1+8(FP), R1
	MOVD cos+16(FP), R2
	MOVD sin+24(FP), R3
	MOVD n+32(FP), R4

loop:
	FMOVQ   (R0), F0
	FMOVQ   (R1), F1
	FMOVQ.P 16(R2), F2
	FMOVQ.P 16(R3), F3
	FMUL(2, 0, 4)
	FMUL(3, 1, 5)
	FMUL(3, 0, 6)
	FMUL(2, 1, 7)
	FSUB(5, 4, 4)
	FADD(7, 6, 6)
	FMOVQ.P F4, 16(R0)
	FMOVQ.P F6, 16(R1)
	SUB  $4, R4
	CBNZ R4, loop
	RET

// func siluMulNeon(dst, gate, up *float32, n int)
//
// n is a multiple of four.
TEXT ·siluMulNeon(SB), NOSPLIT, $0-32
	MOVD dst+0(FP), R0
	MOVD gate+8(FP), R1
	MOVD up+16(FP), R2
	MOVD n+24(FP), R3
	EXP_CONSTANTS

loop:
	FMOVQ.P 16(R1), F7
	FMOVQ.P 16(R2), F6
	FNEG(7, 0)
	EXP(V0, 0, V1, 1, V2, 2, V3, 3, V4, 4)
	FADD(26, 0, 0)
	FDIV(0, 7, 7)
	FMUL(6, 7, 7)
	FMOVQ.P F7, 16(R0)
	SUB  $4, R3
	CBNZ R3, loop
	RET

// func addNeon(dst, x *float32, n int)
//
// n is a multiple of sixteen.
TEXT ·addNeon(SB), NOSPLIT, $0-24
	MOVD dst+0(FP), R0
	MOVD x+8(FP), R1
	MOVD n+16(FP), R2

loop:
	VLD1   (R0), [V0.S4, V1.S4, V2.S4, V3.S4]
	VLD1.P 64(R1), [V4.S4, V5.S4, V6.S4, V7.S4]
	FADD(4, 0, 0)
	FADD(5, 1, 1)
	FADD(6, 2, 2)
	FADD(7, 3, 3)
	VST1.P [V0.S4, V1.S4, V2.S4, V3.S4], 64(R0)
	SUB  $16, R2
	CBNZ R2, loop
	RET

// func maxNeon(x *float32, n int) float32
//
// n is a multiple of sixteen, not 0. NaN are ignored; of zeros of both signs it
// may be either.
TEXT ·maxNeon(SB), NOSPLIT, $0-20
	MOVD x+0(FP), R0
	MOVD n+8(FP), R1
	MOVD $0xff800000, R2
	VDUP R2, V16.S4
	VDUP R2, V17.S4
	VDUP R2, V18.S4
	VDUP R2, V19.S4

loop:
	VLD1.P 64(R0), [V0.S4, V1.S4, V2.S4, V3.S4]
	FMAXNM(0, 16, 16)
	FMAXNM(1, 17, 17)
	FMAXNM(2, 18, 18)
	FMAXNM(3, 19, 19)
	SUB  $16, R1
	CBNZ R1, loop
	FMAXNM(17, 16, 16)
	FMAXNM(19, 18, 18)
	FMAXNM(18, 16, 16)
	FMAXNMV(16, 16)
	FMOVS F16, ret+16(FP)
	RET
