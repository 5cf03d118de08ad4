// Q4_K times one column, four rows side by side. A super-block starts with the
// sixteen bytes d, dmin, scales, which four TRNs and four more transpose, so
// that each word of the header is one vector of the four rows:
//
//	V12 d | dmin<<16   V8, V9 scales 0-3, 4-7   V10, V11 minimums 0-3, 4-7
//
// The 32 bytes of a pair of sub-blocks lie in V16-V23, two vectors per row, and
// the 64 activations in V24-V27. V13 is 15 in every byte, V14 255 in every word.

#define HEADER \
	FMOVQ (R4), F16                   \
	FMOVQ (R5), F17                   \
	FMOVQ (R6), F18                   \
	FMOVQ (R7), F19                   \
	VTRN1 V17.S4, V16.S4, V20.S4      \
	VTRN2 V17.S4, V16.S4, V21.S4      \
	VTRN1 V19.S4, V18.S4, V22.S4      \
	VTRN2 V19.S4, V18.S4, V23.S4      \
	VTRN1 V22.D2, V20.D2, V12.D2      \
	VTRN1 V23.D2, V21.D2, V8.D2       \
	VTRN2 V22.D2, V20.D2, V10.D2      \
	VTRN2 V23.D2, V21.D2, V9.D2       \
	VMOVI $63, V28.B16                \
	VUSHR $4, V9.B16, V11.B16         \
	VUSHR $6, V10.B16, V29.B16        \
	VUSHR $6, V8.B16, V30.B16         \
	VSLI  $4, V29.B16, V11.B16        \
	VSLI  $4, V30.B16, V9.B16         \
	VAND  V28.B16, V8.B16, V8.B16     \
	VAND  V28.B16, V10.B16, V10.B16

// V31 = byte 0, 1, 2 or 3 of the words of V(words).
#define BYTE_0(words) \
	VAND V14.B16, words.B16, V31.B16
#define BYTE_1(words) \
	VUSHR $8, words.S4, V31.S4       \
	VAND  V14.B16, V31.B16, V31.B16
#define BYTE_2(words) \
	VUSHR $16, words.S4, V31.S4      \
	VAND  V14.B16, V31.B16, V31.B16
#define BYTE_3(words) \
	VUSHR $24, words.S4, V31.S4

#define LOAD_PAIR(offset) \
	FMOVQ offset(R4), F16    \
	FMOVQ offset+16(R4), F17 \
	FMOVQ offset+0(R5), F18  \
	FMOVQ offset+16(R5), F19 \
	FMOVQ offset+0(R6), F20  \
	FMOVQ offset+16(R6), F21 \
	FMOVQ offset+0(R7), F22  \
	FMOVQ offset+16(R7), F23 \
	FMOVQ (R8), F24          \
	FMOVQ 16(R8), F25        \
	FMOVQ 32(R8), F26        \
	FMOVQ 48(R8), F27        \
	ADD   $64, R8

// V28, V29 = the low or the high nibbles of two vectors.
#define LOW(x, y) \
	VAND V13.B16, x.B16, V28.B16 \
	VAND V13.B16, y.B16, V29.B16
#define HIGH(x, y) \
	VUSHR $4, x.B16, V28.B16 \
	VUSHR $4, y.B16, V29.B16

// V4 += V7·(d·da) and V4 -= V15·(dmin·da), then on to the next super-block.
#define ACCUMULATE \
	FMOVS.P 4(R9), F23            \
	VUZP1 V12.H8, V12.H8, V28.H8  \
	VUZP2 V12.H8, V12.H8, V29.H8  \
	FCVTL(28, 28)                 \
	FCVTL(29, 29)                 \
	SCVTF(7, 7)                   \
	SCVTF(15, 15)                 \
	FMUL_0(23, 28, 28)            \
	FMUL_0(23, 29, 29)            \
	FMUL(28, 7, 7)                \
	FMUL(29, 15, 15)              \
	FADD(7, 4, 4)                 \
	FSUB(15, 4, 4)                \
	ADD   $144, R4                \
	ADD   $144, R5                \
	ADD   $144, R6                \
	ADD   $144, R7
