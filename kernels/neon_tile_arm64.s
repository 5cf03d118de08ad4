//go:build !noasm

#include "textflag.h"
#include "neon_arm64.h"

// Tiles of one to four columns, a quad of rows and one column at a time; the
// weights of a quad lie row by row. Without SDOT for plain NEON, and with it for
// less than four columns.
//
//	R0 y  R1 bytes between y's columns  R2 weights  R3 head  R4 columns left
//	R5-R8 the rows  R9 q  R10 d  R11 head  R12 sums  R13 blocks left
//	R20 k  R21 columns  R22 bytes of a column's d  R23-R25 its q, d, sums
//	R17 mins  V4 outputs  V6, V7 sums over minimums and scales

#define NEON_ARGS \
	MOVD y+0(FP), R0         \
	MOVD stride+8(FP), R1    \
	LSL  $2, R1              \
	MOVD w+16(FP), R2        \
	MOVD head+24(FP), R3     \
	MOVD k+56(FP), R20       \
	MOVD mins+72(FP), R17    \
	MOVD cols+80(FP), R21    \
	MOVD $2, R19

#define QUAD \
	MOVD q+32(FP), R23    \
	MOVD d+40(FP), R24    \
	MOVD sums+48(FP), R25 \
	MOVD R0, R14          \
	MOVD R21, R4

#define COLUMN \
	MOVD R2, R5       \
	ADD  R20, R5, R6  \
	ADD  R20, R6, R7  \
	ADD  R20, R7, R8  \
	MOVD R3, R11      \
	MOVD R23, R9      \
	MOVD R24, R10     \
	MOVD R25, R12     \
	VMOVI $0, V4.B16

// R11 is then the next quad's head.
#define NEXT_COLUMN(quad, column, sumsShift) \
	FMOVQ F4, (R14)   \
	ADD  R1, R14      \
	ADD  R20, R23     \
	ADD  R22, R24     \
	ADD  R22<<sumsShift, R25 \
	SUB  $1, R4       \
	CBNZ R4, column   \
	ADD  $16, R0      \
	ADD  R20<<2, R2   \
	MOVD R11, R3      \
	SUB  $1, R19      \
	CBNZ R19, quad    \
	RET

// Sixteen weights of a row times V20 in V(t), four sums by four products; two
// products of int8 fit in int16.
#define MUL16(row, t) \
	FMOVQ.P 16(row), F16 \
	SMULL_B(20, 16, t)   \
	SMLAL2_B(20, 16, t)

#define MUL16_ROWS \
	FMOVQ.P 16(R9), F20 \
	MUL16(R5, 24) \
	MUL16(R6, 25) \
	MUL16(R7, 26) \
	MUL16(R8, 27)

#define FIRST16 \
	MUL16_ROWS      \
	SADDLP_H(24, 0) \
	SADDLP_H(25, 1) \
	SADDLP_H(26, 2) \
	SADDLP_H(27, 3)

#define MORE16 \
	MUL16_ROWS      \
	SADALP_H(24, 0) \
	SADALP_H(25, 1) \
	SADALP_H(26, 2) \
	SADALP_H(27, 3)

// The same with SDOT.
#define DOT16(row, acc) \
	FMOVQ.P 16(row), F16 \
	SDOT(20, 16, acc)

#define MORE16_DOT \
	FMOVQ.P 16(R9), F20 \
	DOT16(R5, 0) \
	DOT16(R6, 1) \
	DOT16(R7, 2) \
	DOT16(R8, 3)

#define FIRST16_DOT \
	VMOVI $0, V0.B16 \
	VMOVI $0, V1.B16 \
	VMOVI $0, V2.B16 \
	VMOVI $0, V3.B16 \
	MORE16_DOT

// V0 = the sums of V0, V1, V2, V3.
#define REDUCE \
	VADDP V1.S4, V0.S4, V0.S4 \
	VADDP V3.S4, V2.S4, V2.S4 \
	VADDP V2.S4, V0.S4, V0.S4

// V4 += V(isum)·(d·da), and then -= V(msum)·(min·da), d and min from the head.
#define ACCUMULATE(isum) \
	FMOVS.P 4(R10), F22 \
	FMOVQ (R11), F23    \
	SCVTF(isum, isum)   \
	FMUL_0(22, 23, 23)  \
	FMUL(23, isum, isum) \
	FADD(isum, 4, 4)

#define SUBTRACT(msum) \
	FMOVQ 16(R11), F23  \
	SCVTF(msum, msum)   \
	FMUL_0(22, 23, 23)  \
	FMUL(23, msum, msum) \
	FSUB(msum, 4, 4)

#define TILE32(FIRST, MORE, quad, column, block, next) \
	NEON_ARGS            \
	LSR  $3, R20, R22    \
quad: \
	QUAD                 \
column: \
	COLUMN               \
	LSR $5, R20, R13     \
block: \
	FIRST                \
	MORE                 \
	REDUCE               \
	ACCUMULATE(0)        \
	CBZ  R17, next       \
	VLD1R (R12), [V6.S4] \
	SSHR_S(7, 6, 6)      \
	NEG_S(6, 6)          \
	SUBTRACT(6)          \
next: \
	ADD  $4, R12         \
	ADD  $32, R11        \
	SUB  $1, R13         \
	CBNZ R13, block      \
	NEXT_COLUMN(quad, column, 0)

// func tile32Neon(y *float32, stride int, w *int8, head *byte, q *int8, d *float32, sums unsafe.Pointer, k, steps, mins, cols int)
TEXT ·tile32Neon(SB), NOSPLIT, $0-88
	TILE32(FIRST16, MORE16, quad, column, block, next)

// func tile32Rows(y *float32, stride int, w *int8, head *byte, q *int8, d *float32, sums unsafe.Pointer, k, steps, mins, cols int)
TEXT ·tile32Rows(SB), NOSPLIT, $0-88
	TILE32(FIRST16_DOT, MORE16_DOT, quad, column, block, next)

// V(to) = the lowest bytes of the words of v, with sign; v moves on by a byte.
#define NEXT_BYTE(v, to, n) \
	VSHL  $24, v.S4, to.S4 \
	SSHR_S(24, n, n)       \
	VUSHR $8, v.S4, v.S4

// V10, V11 hold four scales and minimums of each row, V12 the sum of activations
// that the next minimum is for. R15 counts scales, of which four are in a word.
#define TILE256(FIRST, MORE, quad, column, super, scale, same, last, next) \
	NEON_ARGS                         \
	LSR   $6, R20, R22                \
	MOVD  steps+64(FP), R16           \
quad: \
	QUAD                              \
column: \
	COLUMN                            \
	LSR   $8, R20, R13                \
super: \
	VMOVI $0, V6.B16                  \
	VMOVI $0, V7.B16                  \
	ADD   $32, R11, R26               \
	MOVD  $32, R15                    \
	LSR   R16, R15                    \
scale: \
	TST     $3, R15                   \
	BNE     same                      \
	FMOVQ.P 16(R26), F10              \
	FMOVQ   48(R26), F11              \
same: \
	FIRST                             \
	VLD1R.P 2(R12), [V12.H8]          \
	SXTL_H(12, 12)                    \
	CMP     $1, R16                   \
	BEQ     last                      \
	MORE                              \
	VLD1R.P 2(R12), [V13.H8]          \
	SXTL_H(13, 13)                    \
	VADD    V13.S4, V12.S4, V12.S4    \
last: \
	REDUCE                            \
	NEXT_BYTE(V10, V24, 24)           \
	MLA_S(24, 0, 7)                   \
	NEXT_BYTE(V11, V24, 24)           \
	MLA_S(24, 12, 6)                  \
	SUB   $1, R15                     \
	CBNZ  R15, scale                  \
	ACCUMULATE(7)                     \
	CBZ   R17, next                   \
	SUBTRACT(6)                       \
next: \
	ADD   $160, R11                   \
	SUB   $1, R13                     \
	CBNZ  R13, super                  \
	NEXT_COLUMN(quad, column, 3)

// func tile256Neon(y *float32, stride int, w *int8, head *byte, q *int8, d *float32, sums unsafe.Pointer, k, steps, mins, cols int)
TEXT ·tile256Neon(SB), NOSPLIT, $0-88
	TILE256(FIRST16, MORE16, quad, column, super, scale, same, last, next)

// func tile256Rows(y *float32, stride int, w *int8, head *byte, q *int8, d *float32, sums unsafe.Pointer, k, steps, mins, cols int)
TEXT ·tile256Rows(SB), NOSPLIT, $0-88
	TILE256(FIRST16_DOT, MORE16_DOT, quad, column, super, scale, same, last, next)
