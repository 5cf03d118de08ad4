// Four rows of k int8, one after another, as the tiles want them: sixteen
// weights of each row become 64 bytes, in which the rows alternate.
//
//	R0 dst  R1-R4 the rows  R5 bytes left

#define INTERLEAVE_ARGS \
	MOVD dst+0(FP), R0 \
	MOVD src+8(FP), R1 \
	MOVD k+16(FP), R5  \
	ADD  R5, R1, R2    \
	ADD  R5, R2, R3    \
	ADD  R5, R3, R4

#define LOAD_ROWS \
	FMOVQ.P 16(R1), F0 \
	FMOVQ.P 16(R2), F1 \
	FMOVQ.P 16(R3), F2 \
	FMOVQ.P 16(R4), F3
