// Macros of the element-wise AVX-512 kernels.

// X = exp32(X) in the lanes K, zero in the others. Clobbers N, P, T and K. The
// sum with 1.5·2²³ rounds; VMINPS gives its last source where that is NaN.
#define EXP(X, N, P, T, K) \
	VCMPPS.BCST $5, ·expConst+0(SB), X, K, K; \
	VBROADCASTSS ·expConst+4(SB), N; \
	VMINPS X, N, X; \
	VMULPS.BCST ·expConst+8(SB), X, N; \
	VADDPS.BCST ·expConst+12(SB), N, N; \
	VSUBPS.BCST ·expConst+12(SB), N, N; \
	VFMADD231PS.BCST ·expConst+16(SB), N, X; \
	VFMADD231PS.BCST ·expConst+20(SB), N, X; \
	VBROADCASTSS ·expConst+24(SB), P; \
	VFMADD213PS.BCST ·expConst+28(SB), X, P; \
	VFMADD213PS.BCST ·expConst+32(SB), X, P; \
	VFMADD213PS.BCST ·expConst+36(SB), X, P; \
	VFMADD213PS.BCST ·expConst+40(SB), X, P; \
	VFMADD213PS.BCST ·expConst+44(SB), X, P; \
	VMULPS X, X, T; \
	VFMADD213PS X, T, P; \
	VADDPS.BCST ·expConst+48(SB), P, P; \
	VSCALEFPS.Z N, P, K, X

// The lowest lane of X (named as Z, Y and X) = the sum of its sixteen lanes in
// the tree of sumLanes. Clobbers TY (named TX).
#define SUMTREE(XZ, XY, XX, TY, TX) \
	VEXTRACTF64X4 $1, XZ, TY; \
	VADDPS TY, XY, XY; \
	VEXTRACTF128 $1, XY, TX; \
	VADDPS TX, XX, XX; \
	VPSHUFD $0x0e, XX, TX; \
	VADDPS TX, XX, XX; \
	VPSHUFD $0x01, XX, TX; \
	VADDPS TX, XX, XX

// Lanes i and i+8 of two vectors are added: [a, a, b, b] of 128-bit lanes.
#define ADDHALVES(A, B, S, T) \
	VSHUFF64X2 $0xee, B, A, T; \
	VSHUFF64X2 $0x44, B, A, S; \
	VADDPS T, S, S

// Lanes i and i+4 of four vectors: [a, b, c, d].
#define ADDQUARTERS(A, B, S, T) \
	VSHUFF32X4 $0x88, B, A, S; \
	VSHUFF32X4 $0xdd, B, A, T; \
	VADDPS T, S, S

// Y0 = the sums of the lanes of eight vectors, in the tree of sumLanes. Clobbers
// Z0-Z9; the vectors may be Z0-Z7.
#define SUMTREE8(A, B, C, D, E, F, G, H) \
	ADDHALVES(A, B, Z8, Z9); \
	ADDHALVES(C, D, Z2, Z9); \
	ADDHALVES(E, F, Z4, Z9); \
	ADDHALVES(G, H, Z6, Z9); \
	ADDQUARTERS(Z8, Z2, Z0, Z9); \
	ADDQUARTERS(Z4, Z6, Z2, Z9); \
	VUNPCKLPD Z2, Z0, Z4; \
	VUNPCKHPD Z2, Z0, Z5; \
	VADDPS    Z5, Z4, Z4; \
	VPERMILPS $0xb1, Z4, Z5; \
	VADDPS    Z5, Z4, Z4; \
	VMOVDQU   ·everyFourth(SB), Y1; \
	VPERMD    Z4, Z1, Z0

// K1 = the first CX%16 lanes; CX = CX/16. Clobbers AX and DX.
#define TAILMASK \
	MOVQ CX, DX; \
	SHRQ $4, DX; \
	ANDL $15, CX; \
	MOVL $1, AX; \
	SHLL CX, AX; \
	DECL AX; \
	KMOVW AX, K1; \
	MOVQ DX, CX
