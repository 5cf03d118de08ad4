// Macros of the AVX2 attention over float keys and values. A turn multiplies 16
// lanes of a block, in Y12 and Y13, with one number of each query: a key's element
// of 16 positions with the query's, or 16 elements of a value with its weight. Up
// to three queries have four accumulators, for twice 16 lanes, up to six have two.
//
// A query is M(its accumulators, V, I): its row of queries (for the scores) or of
// sums lies at V, R9 bytes from the next (R8 = query 0, R10 = 3·R9, R11 = query
// 4); its scores or weights lie at I·128(DI).

#define WIDE1(M) M(Y0, Y1, Y2, Y3, (R8), 0)
#define WIDE2(M) WIDE1(M); M(Y4, Y5, Y6, Y7, (R8)(R9*1), 1)
#define WIDE3(M) WIDE2(M); M(Y8, Y9, Y10, Y11, (R8)(R9*2), 2)

#define NARROW4(M) \
	M(Y0, Y1, (R8), 0); \
	M(Y2, Y3, (R8)(R9*1), 1); \
	M(Y4, Y5, (R8)(R9*2), 2); \
	M(Y6, Y7, (R8)(R10*1), 3)
#define NARROW5(M) NARROW4(M); M(Y8, Y9, (R11), 4)
#define NARROW6(M) NARROW5(M); M(Y10, Y11, (R11)(R9*1), 5)

// One of six bodies, by the number of queries: BODYW for three, BODYN for more.
#define BYQUERIES(N, BODYW, BODYN) \
	CMPQ N, $3; \
	JGT  more; \
	JEQ  three; \
	CMPQ N, $1; \
	JGT  two; \
	BODYW(WIDE1, outer1, inner1); \
two: \
	BODYW(WIDE2, outer2, inner2); \
three: \
	BODYW(WIDE3, outer3, inner3); \
more: \
	CMPQ N, $5; \
	JGT  six; \
	JEQ  five; \
	BODYN(NARROW4, outer4, inner4); \
five: \
	BODYN(NARROW5, outer5, inner5); \
six: \
	BODYN(NARROW6, outer6, inner6)

// R8-R11 = addresses of rows of R9 bytes.
#define STRIDES \
	LEAQ (R9)(R9*2), R10; \
	LEAQ (R8)(R9*4), R11

#define LANESF16(OFF, P) \
	VCVTPH2PS OFF(P), Y12; \
	VCVTPH2PS (OFF+16)(P), Y13
#define LANESF32(OFF, P) \
	VMOVUPS OFF(P), Y12; \
	VMOVUPS (OFF+32)(P), Y13
#define LANESI8(OFF, P) \
	VPMOVSXBD OFF(P), Y12; \
	VPMOVSXBD (OFF+8)(P), Y13; \
	VCVTDQ2PS Y12, Y12; \
	VCVTDQ2PS Y13, Y13

// Scores: nothing, then the products with element 0 or 1 of the query, and the
// sums' places.
#define NONEW(A, B, C, D, V, I) VXORPS A, A, A; VXORPS B, B, B; VXORPS C, C, C; VXORPS D, D, D
#define NONEN(A, B, V, I) VXORPS A, A, A; VXORPS B, B, B
#define SCORE(OFF, A, B, V) \
	VBROADCASTSS OFF V, Y15; \
	VFMADD231PS Y15, Y12, A; \
	VFMADD231PS Y15, Y13, B
#define SCORE0N(A, B, V, I) SCORE(0, A, B, V)
#define SCORE1N(A, B, V, I) SCORE(4, A, B, V)
#define SCORE0LO(A, B, C, D, V, I) SCORE(0, A, B, V)
#define SCORE0HI(A, B, C, D, V, I) SCORE(0, C, D, V)
#define SCORE1LO(A, B, C, D, V, I) SCORE(4, A, B, V)
#define SCORE1HI(A, B, C, D, V, I) SCORE(4, C, D, V)
#define PUTSCORESN(A, B, V, I) \
	VMOVUPS A, (I*128)(DI); \
	VMOVUPS B, (I*128+32)(DI)
#define PUTSCORESW(A, B, C, D, V, I) \
	VMOVUPS A, (I*128)(DI); \
	VMOVUPS B, (I*128+32)(DI); \
	VMOVUPS C, (I*128+64)(DI); \
	VMOVUPS D, (I*128+96)(DI)

// Sums: those so far, corrected by DX[I], then the weighted values.
#define CORRECTN(A, B, V, I) \
	VBROADCASTSS (I*4)(DX), Y15; \
	VMULPS 0 V, Y15, A; \
	VMULPS 32 V, Y15, B
#define CORRECTW(A, B, C, D, V, I) \
	VBROADCASTSS (I*4)(DX), Y15; \
	VMULPS 0 V, Y15, A; \
	VMULPS 32 V, Y15, B; \
	VMULPS 64 V, Y15, C; \
	VMULPS 96 V, Y15, D
#define WEIGH(A, B, I) \
	VBROADCASTSS (I*128)(DI), Y15; \
	VFMADD231PS Y15, Y12, A; \
	VFMADD231PS Y15, Y13, B
#define WEIGHN(A, B, V, I) WEIGH(A, B, I)
#define WEIGHLO(A, B, C, D, V, I) WEIGH(A, B, I)
#define WEIGHHI(A, B, C, D, V, I) WEIGH(C, D, I)
#define PUTSUMSN(A, B, V, I) \
	VMOVUPS A, 0 V; \
	VMOVUPS B, 32 V
#define PUTSUMSW(A, B, C, D, V, I) \
	VMOVUPS A, 0 V; \
	VMOVUPS B, 32 V; \
	VMOVUPS C, 64 V; \
	VMOVUPS D, 96 V
