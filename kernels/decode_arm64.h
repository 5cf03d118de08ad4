// What the decode kernels share: four rows side by side times one column.
//
//	R0 y  R1 w  R2 bytes between rows  R3 groups of four rows  R19 blocks
//	R4-R7 the four rows  R8 q  R9 d  R10 blocks left  R11-R14 their halves
//	R24 prefetched  V4 the four outputs
//
// Rows are short streams, which hardware prefetchers learn too late. So while
// four rows are multiplied, the next four, which follow them in memory, are
// prefetched as one stream. (Past the end that does nothing.)

#define ARGS \
	MOVD y+0(FP), R0         \
	MOVD w+8(FP), R1         \
	MOVD rowBytes+16(FP), R2 \
	MOVD groups+24(FP), R3   \
	MOVD blocks+32(FP), R19

#define GROUP \
	MOVD R1, R4       \
	ADD  R2, R4, R5   \
	ADD  R2, R5, R6   \
	ADD  R2, R6, R7   \
	ADD  R2, R7, R1   \
	MOVD R1, R24      \
	MOVD q+40(FP), R8 \
	MOVD d+48(FP), R9 \
	MOVD R19, R10     \
	VMOVI $0, V4.B16

// V0-V3, the running sums of SDOT, and V5, their state one block ago.
#define ZERO \
	VMOVI $0, V0.B16 \
	VMOVI $0, V1.B16 \
	VMOVI $0, V2.B16 \
	VMOVI $0, V3.B16 \
	VMOVI $0, V5.B16

#define PREFETCH_192 \
	PRFM (R24), PLDL1KEEP    \
	PRFM 64(R24), PLDL1KEEP  \
	PRFM 128(R24), PLDL1KEEP \
	ADD  $192, R24

// V22 = the halves in R11-R14 as float32.
#define HALVES \
	ORR   R12<<16, R11, R11 \
	ORR   R14<<16, R13, R13 \
	ORR   R13<<32, R11, R11 \
	FMOVD R11, F22          \
	FCVTL(22, 22)

#define NEXT(group, block) \
	SUB  $1, R10    \
	CBNZ R10, block \
	FMOVQ F4, (R0)  \
	ADD  $16, R0    \
	SUB  $1, R3     \
	CBNZ R3, group  \
	RET
