// Macros of the element-wise AVX2 kernels.

// X = exp32(X), all lanes. Clobbers N, P, T and M. Constants lie eight times
// each. T becomes 2ⁿ; VMINPS gives its last source where that is NaN.
#define EXP(X, N, P, T, M) \
	VCMPPS $5, ·expConst8+0(SB), X, M; \
	VMOVUPS ·expConst8+32(SB), N; \
	VMINPS X, N, X; \
	VMULPS ·expConst8+64(SB), X, N; \
	VADDPS ·expConst8+96(SB), N, T; \
	VSUBPS ·expConst8+96(SB), T, N; \
	VPSLLD $23, T, T; \
	VPADDD ·expConst8+384(SB), T, T; \
	VFMADD231PS ·expConst8+128(SB), N, X; \
	VFMADD231PS ·expConst8+160(SB), N, X; \
	VMOVUPS ·expConst8+192(SB), P; \
	VFMADD213PS ·expConst8+224(SB), X, P; \
	VFMADD213PS ·expConst8+256(SB), X, P; \
	VFMADD213PS ·expConst8+288(SB), X, P; \
	VFMADD213PS ·expConst8+320(SB), X, P; \
	VFMADD213PS ·expConst8+352(SB), X, P; \
	VMULPS X, X, N; \
	VFMADD213PS X, N, P; \
	VADDPS ·expConst8+384(SB), P, P; \
	VMULPS T, P, P; \
	VPAND M, P, X
