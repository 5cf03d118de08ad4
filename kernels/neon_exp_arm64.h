// exp32 on four lanes, and the tree of sumLanes.
//
//	V16 log2(e)  V17 1.5·2^23  V18, V19 -ln(2) in two parts
//	V20-V25 the polynomial  V26 1  V27 88  V28 -87

#define EXP_CONSTANTS \
	MOVD $·expConstants(SB), R9  \
	VLD1R.P 4(R9), [V16.S4]      \
	VLD1R.P 4(R9), [V17.S4]      \
	VLD1R.P 4(R9), [V18.S4]      \
	VLD1R.P 4(R9), [V19.S4]      \
	VLD1R.P 4(R9), [V20.S4]      \
	VLD1R.P 4(R9), [V21.S4]      \
	VLD1R.P 4(R9), [V22.S4]      \
	VLD1R.P 4(R9), [V23.S4]      \
	VLD1R.P 4(R9), [V24.S4]      \
	VLD1R.P 4(R9), [V25.S4]      \
	VLD1R.P 4(R9), [V26.S4]      \
	VLD1R.P 4(R9), [V27.S4]      \
	VLD1R.P 4(R9), [V28.S4]

// x = exp32(x); t, n, p, q are overwritten. After the addition of V17 the low
// bits of t are the integer n, of which t then becomes 2^n. FMIN keeps NaN.
#define EXP(vx, x, vt, t, vn, n, vp, p, vq, q) \
	FCMGT(x, 28, q)               \
	FMIN(27, x, x)                \
	FMUL(16, x, t)                \
	FADD(17, t, t)                \
	FSUB(17, t, n)                \
	VFMLA V18.S4, vn.S4, vx.S4    \
	VFMLA V19.S4, vn.S4, vx.S4    \
	VORR  V21.B16, V21.B16, vp.B16 \
	VFMLA V20.S4, vx.S4, vp.S4    \
	VORR  V22.B16, V22.B16, vn.B16 \
	VFMLA vp.S4, vx.S4, vn.S4     \
	VORR  V23.B16, V23.B16, vp.B16 \
	VFMLA vn.S4, vx.S4, vp.S4     \
	VORR  V24.B16, V24.B16, vn.B16 \
	VFMLA vp.S4, vx.S4, vn.S4     \
	VORR  V25.B16, V25.B16, vp.B16 \
	VFMLA vn.S4, vx.S4, vp.S4     \
	FMUL(x, x, n)                 \
	VFMLA vp.S4, vn.S4, vx.S4     \
	FADD(26, x, x)                \
	VSHL  $23, vt.S4, vt.S4       \
	VADD  V26.S4, vt.S4, vt.S4    \
	FMUL(t, x, x)                 \
	BIC(q, x, x)

// The low lane of a = the sum of the sixteen lanes of a, b, c, d; t is
// overwritten.
#define SUM_LANES(va, a, b, c, d, vt, t) \
	FADD(c, a, a)                       \
	FADD(d, b, b)                       \
	FADD(b, a, a)                       \
	VEXT $8, va.B16, va.B16, vt.B16     \
	FADD(t, a, a)                       \
	VEXT $4, va.B16, va.B16, vt.B16     \
	FADD(t, a, a)
