// Q6_K times one column, four rows side by side. A super-block is two halves of
// 128 weights; a step takes sixteen bytes of a half's low nibbles, the sixteen
// 32 bytes on, and sixteen bytes of bit pairs, of all four rows (V16-V27, three
// vectors per row), which make one group of sixteen weights in each quarter of
// the half. The weights are unpacked as 0 to 63; 32 times the sum of scale and
// activations is taken off at the start.
//
//	V12 15 in every byte  V13 48 in every byte  V14 activations  V28 weights

#define LOAD_STEP(low, high) \
	FMOVQ low(R4), F16    \
	FMOVQ low+32(R4), F17 \
	FMOVQ high(R4), F18   \
	FMOVQ low(R5), F19    \
	FMOVQ low+32(R5), F20 \
	FMOVQ high(R5), F21   \
	FMOVQ low(R6), F22    \
	FMOVQ low+32(R6), F23 \
	FMOVQ high(R6), F24   \
	FMOVQ low(R7), F25    \
	FMOVQ low+32(R7), F26 \
	FMOVQ high(R7), F27

// V28 = the weights of a quarter, of low nibbles (two vectors) and bit pairs.
#define QUARTER_0(low0, low1, high) \
	VAND V12.B16, low0.B16, V28.B16 \
	VSHL $4, high.B16, V29.B16      \
	VBIT V13.B16, V29.B16, V28.B16
#define QUARTER_1(low0, low1, high) \
	VAND V12.B16, low1.B16, V28.B16 \
	VSHL $2, high.B16, V29.B16      \
	VBIT V13.B16, V29.B16, V28.B16
#define QUARTER_2(low0, low1, high) \
	VUSHR $4, low0.B16, V28.B16      \
	VBIT  V13.B16, high.B16, V28.B16
#define QUARTER_3(low0, low1, high) \
	VUSHR $4, low1.B16, V28.B16     \
	VUSHR $2, high.B16, V29.B16     \
	VBIT  V13.B16, V29.B16, V28.B16

// V4 += V7·(d·da), then on to the next super-block.
#define ACCUMULATE \
	MOVHU 208(R4), R11   \
	MOVHU 208(R5), R12   \
	MOVHU 208(R6), R13   \
	MOVHU 208(R7), R14   \
	HALVES               \
	FMOVS.P 4(R9), F23   \
	SCVTF(7, 7)          \
	FMUL_0(23, 22, 22)   \
	FMUL(22, 7, 7)       \
	FADD(7, 4, 4)        \
	ADD   $210, R4       \
	ADD   $210, R5       \
	ADD   $210, R6       \
	ADD   $210, R7       \
	PRFM  (R24), PLDL1KEEP \
	ADD   $72, R24       \
	ADD   $256, R8
