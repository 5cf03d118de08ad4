// The tiles of AVX-VNNI: as those of avx2_tile_amd64.h, but that sums are 32 bits
// wide and that TA and TB are the numbers of the registers A and B.

// Four activations of a column, Y10, times four weights of sixteen rows, unsigned
// in Y8 and Y9.
#define DOT(OFF, Q, TA, TB) \
	VPBROADCASTD OFF Q, Y10; \
	VPDPBUSD_Y(10, 8, TA); \
	VPDPBUSD_Y(10, 9, TB)
#define DOT0(A, B, Q, D, S, Y, TA, TB) DOT(0, Q, TA, TB)
#define DOT1(A, B, Q, D, S, Y, TA, TB) DOT(4, Q, TA, TB)
#define DOT2(A, B, Q, D, S, Y, TA, TB) DOT(8, Q, TA, TB)
#define DOT3(A, B, Q, D, S, Y, TA, TB) DOT(12, Q, TA, TB)
#define DOT4(A, B, Q, D, S, Y, TA, TB) DOT(16, Q, TA, TB)
#define DOT5(A, B, Q, D, S, Y, TA, TB) DOT(20, Q, TA, TB)
#define DOT6(A, B, Q, D, S, Y, TA, TB) DOT(24, Q, TA, TB)
#define DOT7(A, B, Q, D, S, Y, TA, TB) DOT(28, Q, TA, TB)

// 32 weights of the rows times the columns, WEIGHTS4(N, i, DOT) by four.
#define WEIGHTS32(N, WEIGHTS4) \
	WEIGHTS4(N, 0, DOT0); \
	FETCH; \
	WEIGHTS4(N, 1, DOT1); \
	WEIGHTS4(N, 2, DOT2); \
	FETCH; \
	WEIGHTS4(N, 3, DOT3); \
	WEIGHTS4(N, 4, DOT4); \
	FETCH; \
	WEIGHTS4(N, 5, DOT5); \
	WEIGHTS4(N, 6, DOT6); \
	FETCH; \
	WEIGHTS4(N, 7, DOT7)

// The same of signed weights, which take an offset of 128: Y13, in bytes.
#define OFFSETWEIGHTS(N, i, DOT) \
	VPXOR (128*i)(DI), Y13, Y8; \
	VPXOR (128*i+32)(DI), Y13, Y9; \
	N(DOT)
