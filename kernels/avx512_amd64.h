// Macros shared by the AVX-512 kernels. Operands stand in Go's order: sources
// right to left, the destination last.

// Stage 1 of a transposition of dwords: two rows interleave.
#define PAIR(a, b, lo, hi) \
	VPUNPCKLDQ b, a, lo; \
	VPUNPCKHDQ b, a, hi

// Rows of four from two pairs: u0-u3 hold, per 128-bit lane l, column 4l+i of
// four rows.
#define QUAD(t0, t1, t2, t3, u0, u1, u2, u3) \
	VPUNPCKLQDQ t2, t0, u0; \
	VPUNPCKHQDQ t2, t0, u1; \
	VPUNPCKLQDQ t3, t1, u2; \
	VPUNPCKHQDQ t3, t1, u3

// Four quads u (rows 0-3, 4-7, 8-11, 12-15) of one i become the columns
// i, 4+i, 8+i and 12+i, in c0-c3. Clobbers u; c must differ from u.
#define LANES(u0, u1, u2, u3, c0, c1, c2, c3) \
	VSHUFI32X4 $0x88, u1, u0, c0; \
	VSHUFI32X4 $0xdd, u1, u0, c1; \
	VSHUFI32X4 $0x88, u3, u2, u0; \
	VSHUFI32X4 $0xdd, u3, u2, u1; \
	VSHUFI32X4 $0xdd, u0, c0, c2; \
	VSHUFI32X4 $0x88, u0, c0, c0; \
	VSHUFI32X4 $0xdd, u1, c1, c3; \
	VSHUFI32X4 $0x88, u1, c1, c1

// Transposes the dwords of Z0-Z15 (rows): column i comes to be in Z(16+i).
// Clobbers Z0-Z15.
#define TRANSPOSE16 \
	PAIR(Z0, Z1, Z16, Z17); \
	PAIR(Z2, Z3, Z18, Z19); \
	PAIR(Z4, Z5, Z20, Z21); \
	PAIR(Z6, Z7, Z22, Z23); \
	PAIR(Z8, Z9, Z24, Z25); \
	PAIR(Z10, Z11, Z26, Z27); \
	PAIR(Z12, Z13, Z28, Z29); \
	PAIR(Z14, Z15, Z30, Z31); \
	QUAD(Z16, Z17, Z18, Z19, Z0, Z1, Z2, Z3); \
	QUAD(Z20, Z21, Z22, Z23, Z4, Z5, Z6, Z7); \
	QUAD(Z24, Z25, Z26, Z27, Z8, Z9, Z10, Z11); \
	QUAD(Z28, Z29, Z30, Z31, Z12, Z13, Z14, Z15); \
	LANES(Z0, Z4, Z8, Z12, Z16, Z20, Z24, Z28); \
	LANES(Z1, Z5, Z9, Z13, Z17, Z21, Z25, Z29); \
	LANES(Z2, Z6, Z10, Z14, Z18, Z22, Z26, Z30); \
	LANES(Z3, Z7, Z11, Z15, Z19, Z23, Z27, Z31)

// Stores eight columns, left by TRANSPOSE16 in Z16-Z23 or Z24-Z31.
#define STORE8(P, z0, z1, z2, z3, z4, z5, z6, z7) \
	VMOVDQU64 z0, 0(P); \
	VMOVDQU64 z1, 64(P); \
	VMOVDQU64 z2, 128(P); \
	VMOVDQU64 z3, 192(P); \
	VMOVDQU64 z4, 256(P); \
	VMOVDQU64 z5, 320(P); \
	VMOVDQU64 z6, 384(P); \
	VMOVDQU64 z7, 448(P)

// The columns 0-7 of a group are M(I, F, T, Q, D, B): the registers of the
// integer sum, the accumulator and the super-block's sum, the addresses of the
// values, scales and sums. Columns lie R9 bytes apart in the values (R8 =
// column 0, R10 = 3·R9, R11 = column 4) and R13 bytes in the scales (R12 =
// column 0, R15 = 3·R13, R14 = column 4); the rest is the family's.
#define COLS1(M) COL0(M)
#define COLS2(M) COLS1(M); COL1(M)
#define COLS3(M) COLS2(M); COL2(M)
#define COLS4(M) COLS3(M); COL3(M)
#define COLS5(M) COLS4(M); COL4(M)
#define COLS6(M) COLS5(M); COL5(M)
#define COLS7(M) COLS6(M); COL6(M)
#define COLS8(M) COLS7(M); COL7(M)

// One of eight bodies BODY(columns, two labels), by the number of columns at CMP.
#define BYCOLS(N, BODY) \
	CMPQ N, $4; \
	JLT upto3; \
	JEQ four; \
	CMPQ N, $6; \
	JLT five; \
	JEQ six; \
	CMPQ N, $8; \
	JLT seven; \
	BODY(COLS8, cols8, block8); \
upto3: \
	CMPQ N, $2; \
	JGT three; \
	JEQ two; \
	BODY(COLS1, cols1, block1); \
two: \
	BODY(COLS2, cols2, block2); \
three: \
	BODY(COLS3, cols3, block3); \
four: \
	BODY(COLS4, cols4, block4); \
five: \
	BODY(COLS5, cols5, block5); \
six: \
	BODY(COLS6, cols6, block6); \
seven: \
	BODY(COLS7, cols7, block7)

// M(row, its register, the same as XMM) for sixteen rows.
#define ROWS16(M) \
	M(0, Z0, X0); M(1, Z1, X1); M(2, Z2, X2); M(3, Z3, X3); \
	M(4, Z4, X4); M(5, Z5, X5); M(6, Z6, X6); M(7, Z7, X7); \
	M(8, Z8, X8); M(9, Z9, X9); M(10, Z10, X10); M(11, Z11, X11); \
	M(12, Z12, X12); M(13, Z13, X13); M(14, Z14, X14); M(15, Z15, X15)

// Four activations of a column, broadcast, times four weights of 16 rows in
// Z16 (unsigned), at byte 4·k of the block.
#define DOT0(I, F, T, Q, D, B) VPDPBUSD.BCST 0 Q, Z16, I
#define DOT1(I, F, T, Q, D, B) VPDPBUSD.BCST 4 Q, Z17, I
#define DOT2(I, F, T, Q, D, B) VPDPBUSD.BCST 8 Q, Z16, I
#define DOT3(I, F, T, Q, D, B) VPDPBUSD.BCST 12 Q, Z17, I
#define DOT4(I, F, T, Q, D, B) VPDPBUSD.BCST 16 Q, Z16, I
#define DOT5(I, F, T, Q, D, B) VPDPBUSD.BCST 20 Q, Z17, I
#define DOT6(I, F, T, Q, D, B) VPDPBUSD.BCST 24 Q, Z16, I
#define DOT7(I, F, T, Q, D, B) VPDPBUSD.BCST 28 Q, Z17, I

// Sixteen weights of 16 rows at OFF(DI), times the columns N: the first and the
// second half of a block of 32.
#define DOTSLO(N, OFF) \
	VMOVDQU64 (OFF+0)(DI), Z16; \
	VMOVDQU64 (OFF+64)(DI), Z17; \
	N(DOT0); \
	VMOVDQU64 (OFF+128)(DI), Z16; \
	N(DOT1); \
	VMOVDQU64 (OFF+192)(DI), Z17; \
	N(DOT2); \
	N(DOT3)
#define DOTSHI(N, OFF) \
	VMOVDQU64 (OFF+0)(DI), Z16; \
	VMOVDQU64 (OFF+64)(DI), Z17; \
	N(DOT4); \
	VMOVDQU64 (OFF+128)(DI), Z16; \
	N(DOT5); \
	VMOVDQU64 (OFF+192)(DI), Z17; \
	N(DOT6); \
	N(DOT7)

#define CLEARI(I, F, T, Q, D, B) VPXORQ I, I, I
#define CLEARF(I, F, T, Q, D, B) VPXORQ F, F, F
#define CLEART(I, F, T, Q, D, B) VPXORQ T, T, T

// Stores a column's rows under K1 at AX, and goes CX bytes on.
#define PUT(I, F, T, Q, D, B) \
	VMOVUPS F, K1, (AX); \
	ADDQ CX, AX
