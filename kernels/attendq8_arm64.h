// Scores of one query and a tile of sixteen positions whose keys are int8,
// [n/4][16][4]: a vector has four elements of four positions.
//
//	R0 s  R1 q  R2 dq  R3 keys  R4 their scales [n/32][16]  R5 elements left
//	V0-V3 integer sums  V8-V11 scores  V20, V21 the query's block

#define SCORES_ARGS \
	MOVD s+0(FP), R0   \
	MOVD q+8(FP), R1   \
	MOVD dq+16(FP), R2 \
	MOVD k+24(FP), R3  \
	MOVD dk+32(FP), R4 \
	MOVD n+40(FP), R5  \
	VMOVI $0, V8.B16   \
	VMOVI $0, V9.B16   \
	VMOVI $0, V10.B16  \
	VMOVI $0, V11.B16

#define BLOCK \
	FMOVQ.P 16(R1), F20 \
	FMOVQ.P 16(R1), F21 \
	VMOVI $0, V0.B16    \
	VMOVI $0, V1.B16    \
	VMOVI $0, V2.B16    \
	VMOVI $0, V3.B16

#define KEYS VLD1.P 64(R3), [V16.B16, V17.B16, V18.B16, V19.B16]

#define END_BLOCK(block) \
	FMOVS.P 4(R2), F22  \
	VLD1.P  64(R4), [V16.S4, V17.S4, V18.S4, V19.S4] \
	FMUL_0(22, 16, 16)  \
	FMUL_0(22, 17, 17)  \
	FMUL_0(22, 18, 18)  \
	FMUL_0(22, 19, 19)  \
	SCVTF(0, 0)         \
	SCVTF(1, 1)         \
	SCVTF(2, 2)         \
	SCVTF(3, 3)         \
	FMUL(16, 0, 0)      \
	FMUL(17, 1, 1)      \
	FMUL(18, 2, 2)      \
	FMUL(19, 3, 3)      \
	FADD(0, 8, 8)       \
	FADD(1, 9, 9)       \
	FADD(2, 10, 10)     \
	FADD(3, 11, 11)     \
	SUB  $32, R5        \
	CBNZ R5, block      \
	VST1 [V8.S4, V9.S4, V10.S4, V11.S4], (R0) \
	RET
