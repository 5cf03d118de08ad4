// Q8_0 and Q5_0 times one column, four rows side by side: block by block, each
// row's dot product is left in four lanes, three ADDPs bring the four rows into
// the lanes of one vector, and conversion and scales are done once for all four.
//
// The SDOT accumulators V0-V3 run on from block to block; a block's sum is what
// its addition changed (V5 has the sums before), which is exact modulo 2^32 and
// saves four zeroings. Without SDOT the products of int8 are added in int16 as
// far as they fit and V0-V3 are set anew in each block.
//
// V20, V21 hold the activations.

// V4 += V6·(d·da), the rows' d being the halves in R11-R14.
#define ACCUMULATE \
	HALVES                \
	FMOVS.P 4(R9), F23    \
	SCVTF(6, 6)           \
	FMUL_0(23, 22, 22)    \
	FMUL(22, 6, 6)        \
	FADD(6, 4, 4)

#define Q8_0_PREFETCH \
	PRFM (R24), PLDL1KEEP   \
	PRFM 48(R24), PLDL1KEEP \
	PRFM 96(R24), PLDL1KEEP \
	ADD  $136, R24

// A block of Q5_0 is loaded while the one before it is multiplied, because a
// table lies between its fifth bits and the vectors. The table fifthBits, at R20,
// gives a byte of 0xff or 0 for each bit of a byte.
//
//	R11-R14 the first eight bytes of the rows' blocks: d, fifth bits
//	V8-V11 nibbles  V12-V15 fifth bits of weights 0-15  V16-V19 of 16-31

#define Q5_0_LOAD(row, head, fnib, flow, fhigh, low, high) \
	MOVD  (row), head           \
	FMOVQ 6(row), fnib          \
	ADD   $22, row              \
	UBFX  $16, head, $8, R15    \
	UBFX  $24, head, $8, R16    \
	UBFX  $32, head, $8, R17    \
	UBFX  $40, head, $8, R21    \
	ADD   R16<<3, R20, R16      \
	ADD   R21<<3, R20, R21      \
	FMOVD (R20)(R15<<3), flow   \
	FMOVD (R20)(R17<<3), fhigh  \
	VLD1  (R16), low.D[1]       \
	VLD1  (R21), high.D[1]

#define Q5_0_LOAD_0 Q5_0_LOAD(R4, R11, F8, F12, F16, V12, V16)
#define Q5_0_LOAD_1 Q5_0_LOAD(R5, R12, F9, F13, F17, V13, V17)
#define Q5_0_LOAD_2 Q5_0_LOAD(R6, R13, F10, F14, F18, V14, V18)
#define Q5_0_LOAD_3 Q5_0_LOAD(R7, R14, F11, F15, F19, V15, V19)

// Nibble | (fifth bit set ? 0 : 0xf0) is the weight as an int8: SLI and SRI put
// the upper halves of the table's bytes over the low and the high nibbles.
#define Q5_0_UNPACK(nib, low, high) \
	VSRI $4, nib.B16, high.B16 \
	VSLI $4, low.B16, nib.B16

#define Q5_0_START \
	PRFM  (R24), PLDL1KEEP   \
	PRFM  48(R24), PLDL1KEEP \
	ADD   $88, R24           \
	BFI   $16, R12, $16, R11 \
	BFI   $32, R13, $16, R11 \
	BFI   $48, R14, $16, R11 \
	FMOVD R11, F22           \
	FMOVQ (R8), F20          \
	FMOVQ 16(R8), F21        \
	ADD   $32, R8            \
	FCVTL(22, 22)

#define Q5_0_END \
	FMOVS.P 4(R9), F23 \
	SCVTF(6, 6)        \
	FMUL_0(23, 22, 22) \
	FMUL(22, 6, 6)     \
	FADD(6, 4, 4)

#define Q5_0_ROWS(group, block, last, ROW_0, ROW_1, ROW_2, ROW_3, REDUCE_ROWS) \
	Q5_0_LOAD_0     \
	Q5_0_LOAD_1     \
	Q5_0_LOAD_2     \
	Q5_0_LOAD_3     \
	SUB  $1, R10    \
	CBZ  R10, last  \
block: \
	Q5_0_START      \
	ROW_0           \
	Q5_0_LOAD_0     \
	ROW_1           \
	Q5_0_LOAD_1     \
	ROW_2           \
	Q5_0_LOAD_2     \
	ROW_3           \
	Q5_0_LOAD_3     \
	REDUCE_ROWS     \
	Q5_0_END        \
	SUB  $1, R10    \
	CBNZ R10, block \
last: \
	Q5_0_START      \
	ROW_0           \
	ROW_1           \
	ROW_2           \
	ROW_3           \
	REDUCE_ROWS     \
	Q5_0_END        \
	FMOVQ.P F4, 16(R0) \
	SUB  $1, R3     \
	CBNZ R3, group  \
	RET
