// The tile of the AVX2 level: a panel of sixteen rows times up to four columns,
// lanes = rows. A column is M(A, B, Q, D, S, Y, TA, TB): A and B, the integer sums
// of rows 0-7 and 8-15; the addresses of its values, scales, starts (or sums) and
// results; where a super-block's sums are meanwhile.
//
// Columns lie R9 bytes apart in the values (R8 = column 0, R10 = 3·R9), R13 in
// the starts (SI, R15 = 3·R13) and BX in the results (R11, R14 = 3·BX).

#define COLS1(M) COL0(M)
#define COLS2(M) COLS1(M); COL1(M)
#define COLS3(M) COLS2(M); COL2(M)
#define COLS4(M) COLS3(M); COL3(M)

// Four activations of a column, Y10, times four weights of sixteen rows, unsigned
// in Y8 and Y9: sums of two products in 16 bits. FIRST begins a sum, MORE adds to
// it modulo 2^16: the sums in between may overflow where the last one cannot.
// Products themselves saturate from 2^15 on, weights up to 128 cannot reach it.
#define FIRST(OFF, A, B, Q) \
	VPBROADCASTD OFF Q, Y10; \
	VPMADDUBSW Y10, Y8, A; \
	VPMADDUBSW Y10, Y9, B
#define MORE(OFF, A, B, Q) \
	VPBROADCASTD OFF Q, Y10; \
	VPMADDUBSW Y10, Y8, Y11; \
	VPMADDUBSW Y10, Y9, Y12; \
	VPADDW Y11, A, A; \
	VPADDW Y12, B, B
#define FIRST0(A, B, Q, D, S, Y, TA, TB) FIRST(0, A, B, Q)
#define FIRST4(A, B, Q, D, S, Y, TA, TB) FIRST(16, A, B, Q)
#define MORE0(A, B, Q, D, S, Y, TA, TB) MORE(0, A, B, Q)
#define MORE1(A, B, Q, D, S, Y, TA, TB) MORE(4, A, B, Q)
#define MORE2(A, B, Q, D, S, Y, TA, TB) MORE(8, A, B, Q)
#define MORE3(A, B, Q, D, S, Y, TA, TB) MORE(12, A, B, Q)
#define MORE4(A, B, Q, D, S, Y, TA, TB) MORE(16, A, B, Q)
#define MORE5(A, B, Q, D, S, Y, TA, TB) MORE(20, A, B, Q)
#define MORE6(A, B, Q, D, S, Y, TA, TB) MORE(24, A, B, Q)
#define MORE7(A, B, Q, D, S, Y, TA, TB) MORE(28, A, B, Q)

// The sums begin with the column's start at OFF.
#define START(OFF, A, B, S) \
	VPBROADCASTD OFF S, A; \
	VMOVDQA A, B
#define START0(A, B, Q, D, S, Y, TA, TB) START(0, A, B, S)
#define START4(A, B, Q, D, S, Y, TA, TB) START(4, A, B, S)

// Weights 4i to 4i+3 of the sixteen rows, at DI, times the columns N.
#define WEIGHTS(N, i, DOT) \
	VMOVDQU (64*i)(DI), Y8; \
	VMOVDQU (64*i+32)(DI), Y9; \
	N(DOT)

// Meanwhile the weights of the next rows are fetched, a quarter of those that take
// the place of these 32 at a time: little else is read here, so that no product
// waits, as it does for the unpacking. CX = the next ones, of step bytes (up to 136).
#define FETCH \
	PREFETCHT0 (CX); \
	PREFETCHT0 64(CX); \
	ADDQ step+80(FP), CX

// The first and the second sixteen weights, but for the first four.
#define LOWER12(N) \
	FETCH; \
	WEIGHTS(N, 1, MORE1); \
	WEIGHTS(N, 2, MORE2); \
	FETCH; \
	WEIGHTS(N, 3, MORE3)
#define UPPER12(N) \
	FETCH; \
	WEIGHTS(N, 5, MORE5); \
	WEIGHTS(N, 6, MORE6); \
	FETCH; \
	WEIGHTS(N, 7, MORE7)

// Signed weights: |w|, Y14 and Y15, times the activations with the signs of w.
// That is exact, since no activation is -128 and 128·127·2 < 2^15; the sum of
// four such products would not fit, so that each is widened, times the words SA
// and SB, before it is added.
#define SIGNED(OFF, A, B, Q, SA, SB) \
	SIGNEDFIRST(OFF, Y11, Y12, Q, SA, SB); \
	VPADDD Y11, A, A; \
	VPADDD Y12, B, B
#define SIGNEDFIRST(OFF, A, B, Q, SA, SB) \
	VPBROADCASTD OFF Q, Y10; \
	VPSIGNB Y8, Y10, Y11; \
	VPSIGNB Y9, Y10, Y12; \
	VPMADDUBSW Y11, Y14, Y11; \
	VPMADDUBSW Y12, Y15, Y12; \
	VPMADDWD SA, Y11, A; \
	VPMADDWD SB, Y12, B

// The panel holds both, w and |w|.
#define SIGNEDWEIGHTS(N, i, DOT) \
	VMOVDQU (128*i)(DI), Y8; \
	VMOVDQU (128*i+32)(DI), Y9; \
	VMOVDQU (128*i+64)(DI), Y14; \
	VMOVDQU (128*i+96)(DI), Y15; \
	N(DOT)

#define CLEAR(A, B, Q, D, S, Y, TA, TB) \
	VPXOR A, A, A; \
	VPXOR B, B, B

// Y13 = 0.
#define CLEARY(A, B, Q, D, S, Y, TA, TB) \
	VMOVDQU Y13, 0 Y; \
	VMOVDQU Y13, 32 Y

// acc += float32(sum)·(d·da), every product rounded: Y14, Y15 = the rows' d.
#define ADDSUM(A, B, Q, D, S, Y, TA, TB) \
	VBROADCASTSS D, Y10; \
	VMULPS Y10, Y14, Y11; \
	VMULPS Y10, Y15, Y12; \
	VCVTDQ2PS A, A; \
	VCVTDQ2PS B, B; \
	VMULPS Y11, A, A; \
	VMULPS Y12, B, B; \
	VADDPS 0 Y, A, A; \
	VADDPS 32 Y, B, B; \
	VMOVUPS A, 0 Y; \
	VMOVUPS B, 32 Y

// All columns by BODY(columns, labels), four at a time. SETUP sets the pointers to the next
// columns' from the arguments, which ADVANCE moves by four columns.
#define COLUMNS(SETUP, ADVANCE, BODY) \
columns: \
	SETUP; \
	CMPQ cols+64(FP), $4; \
	JLT few; \
	BODY(COLS4, add4, block4, group4); \
	ADVANCE; \
	SUBQ $4, cols+64(FP); \
	JMP columns; \
few: \
	CMPQ cols+64(FP), $2; \
	JGT three; \
	JEQ two; \
	CMPQ cols+64(FP), $1; \
	JNE done; \
	BODY(COLS1, add1, block1, group1); \
done: \
	VZEROUPPER; \
	RET; \
two: \
	BODY(COLS2, add2, block2, group2); \
	VZEROUPPER; \
	RET; \
three: \
	BODY(COLS3, add3, block3, group3); \
	VZEROUPPER; \
	RET

#define SETUP_COMMON \
	MOVQ y+0(FP), R11; \
	MOVQ panel+16(FP), DI; \
	MOVQ q+32(FP), R8; \
	MOVQ d+40(FP), R12; \
	MOVQ start+48(FP), SI

// DX is free.
#define ADVANCE_COMMON \
	LEAQ (R9*4), DX; \
	ADDQ DX, q+32(FP); \
	LEAQ (R13*4), DX; \
	ADDQ DX, start+48(FP); \
	LEAQ (BX*4), DX; \
	ADDQ DX, y+0(FP)

#define STRIDES_COMMON \
	MOVQ stride+8(FP), BX; \
	SHLQ $2, BX; \
	LEAQ (BX)(BX*2), R14; \
	MOVQ k+56(FP), R9; \
	LEAQ (R9)(R9*2), R10
