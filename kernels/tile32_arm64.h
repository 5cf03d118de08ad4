// Tiles of formats with blocks of 32 weights. A quad's head has for each block
// the four rows' d, then their minimums, as float32. V8-V15 are the outputs.
//
// V0-V7 start at the bits of the float 1.5·2^23, so that a sum below 2^22 becomes
// a float by subtracting that: SCVTF takes twice as long.
//
//	R10-R13 the columns' scales  R14-R17 their Bias  R19 blocks left  R21 mins

#define START_BLOCK \
	VORR V31.B16, V31.B16, V0.B16 \
	VORR V31.B16, V31.B16, V1.B16 \
	VORR V31.B16, V31.B16, V2.B16 \
	VORR V31.B16, V31.B16, V3.B16 \
	VORR V31.B16, V31.B16, V4.B16 \
	VORR V31.B16, V31.B16, V5.B16 \
	VORR V31.B16, V31.B16, V6.B16 \
	VORR V31.B16, V31.B16, V7.B16

#define TILE32_ARGS \
	TILE_ARGS              \
	ADD  R20, R4, R5       \
	MOVD d+40(FP), R10     \
	LSR  $3, R20, R19      \
	ADD  R19, R10, R11     \
	ADD  R19, R11, R12     \
	ADD  R19, R12, R13     \
	MOVD sums+48(FP), R14  \
	ADD  R19, R14, R15     \
	ADD  R19, R15, R16     \
	ADD  R19, R16, R17     \
	LSR  $5, R20, R19      \
	MOVD mins+72(FP), R21  \
	MOVD $0x4b400000, R22  \
	VDUP R22, V31.S4       \
	ZERO_HIGH

// F18 = the column's sum of activations.
#define COLUMN_SUM(bias) \
	FMOVS.P 4(bias), F18 \
	SSHR_S(7, 18, 18)    \
	NEG_S(18, 18)        \
	SCVTF(18, 18)
