// Macros of the attention of up to eight queries over one block. Queries and
// their sums lie R9 bytes apart (R8 = query 0, R10 = 3·R9, R11 = query 4); a query
// is M(A, B, its address, offset in P, offset in C): scores and weights P are
// [8][32], corrections C [8].

#define COL0(M) M(Z0, Z8, (R8), 0, 0)
#define COL1(M) M(Z1, Z9, (R8)(R9*1), 128, 4)
#define COL2(M) M(Z2, Z10, (R8)(R9*2), 256, 8)
#define COL3(M) M(Z3, Z11, (R8)(R10*1), 384, 12)
#define COL4(M) M(Z4, Z12, (R11), 512, 16)
#define COL5(M) M(Z5, Z13, (R11)(R9*1), 640, 20)
#define COL6(M) M(Z6, Z14, (R11)(R9*2), 768, 24)
#define COL7(M) M(Z7, Z15, (R11)(R10*1), 896, 28)

// The accumulators of 32 elements, corrected.
#define CORRECT(A, B, Q, P, C) \
	VBROADCASTSS C(DX), Z16; \
	VMULPS 0 Q, Z16, A; \
	VMULPS 64 Q, Z16, B

// The weight of a position times 32 elements of its value.
#define WEIGH(A, B, Q, P, C) \
	VFMADD231PS.BCST P(BX), Z16, A; \
	VFMADD231PS.BCST P(BX), Z17, B

#define PUTSUMS(A, B, Q, P, C) \
	VMOVUPS A, 0 Q; \
	VMOVUPS B, 64 Q

// R8-R11 = addresses of queries of CX elements.
#define STRIDES \
	LEAQ (CX*4), R9; \
	LEAQ (R9)(R9*2), R10; \
	LEAQ (R8)(R9*4), R11
