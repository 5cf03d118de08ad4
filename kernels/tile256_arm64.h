// Tiles of formats with super-blocks of 256 weights. A quad's head has, for each
// super-block, 160 bytes: the four rows' d and dmin as float32, their scales
// [4][4 rows][4] and their minimums likewise, as int8. With steps = 2 a scale is
// for 32 weights, and there are half as many scales and minimums. V8-V15 sum a
// super-block in integers; y itself sums the super-blocks.
//
//	R10 the columns' scales  R11 bytes between them
//	R14 the split sums of activations  R15 bytes between the columns'
//	R16 steps  R17 mins  R19 super-blocks left
//	R20-R22 loop counters  R23, R24 the quads' scales

#define TILE256_ARGS \
	TILE_ARGS                \
	LSR  $8, R20, R19        \
	MOVD $160, R21           \
	MADD R21, R4, R19, R5    \
	MOVD d+40(FP), R10       \
	LSR  $6, R20, R11        \
	MOVD sums+48(FP), R14    \
	MOVD steps+64(FP), R16   \
	MOVD mins+72(FP), R17    \
	MOVD $4, R15             \
	SUB  R16, R15            \
	LSL  R15, R11, R15

// The outputs start at +0.
#define ZERO_OUTPUTS \
	VMOVI $0, V16.B16        \
	VMOVI $0, V17.B16        \
	MOVD  R0, R12            \
	FSTPQ (F16, F17), (R12)  \
	ADD   R1, R12            \
	FSTPQ (F16, F17), (R12)  \
	ADD   R1, R12            \
	FSTPQ (F16, F17), (R12)  \
	ADD   R1, R12            \
	FSTPQ (F16, F17), (R12)

#define START_SUPER \
	ZERO_HIGH               \
	ADD  $32, R4, R23       \
	ADD  $32, R5, R24       \
	MOVD $8, R20            \
	LSR  R16, R20

// V24, V25 = the next scale of the quads' rows, from the words in V26, V27.
#define NEXT_SCALE \
	VSHL  $24, V26.S4, V24.S4 \
	VSHL  $24, V27.S4, V25.S4 \
	SSHR_S(24, 24, 24)        \
	SSHR_S(24, 25, 25)        \
	VUSHR $8, V26.S4, V26.S4  \
	VUSHR $8, V27.S4, V27.S4

// V28-V31 = the columns' scales, V26, V27 = the quads' d.
#define LOAD_SCALES \
	FMOVS (R10), F28 \
	ADD   R11, R10, R12 \
	FMOVS (R12), F29 \
	ADD   R11, R12   \
	FMOVS (R12), F30 \
	ADD   R11, R12   \
	FMOVS (R12), F31 \
	FMOVQ (R4), F26 \
	FMOVQ (R5), F27

// y of a column += (a, b) · (d · the column's scale).
#define ADD_COLUMN(da, a, b) \
	FLDPQ (R12), (F18, F19) \
	FMUL_0(da, 26, 16)  \
	FMUL_0(da, 27, 17)  \
	SCVTF(a, a)         \
	SCVTF(b, b)         \
	FMUL(16, a, a)      \
	FMUL(17, b, b)      \
	FADD(a, 18, 18)     \
	FADD(b, 19, 19)     \
	FSTPQ (F18, F19), (R12) \
	ADD   R1, R12

// Four minimums of the quads' rows times four of the column's sums.
#define MINS4(SDOT_I, sums, offset) \
	FMOVQ offset(R4), F24 \
	FMOVQ offset(R5), F25 \
	SDOT_I(sums, 24, 0)   \
	SDOT_I(sums, 25, 1)

// V0, V1, the products with the high bytes, get weight 128 before those with the
// low ones are added. They start at the bits of 1.5·2^23, shifted.
#define START_MINS \
	FMOVQ (R13), F20            \
	VORR V23.B16, V23.B16, V0.B16 \
	VORR V23.B16, V23.B16, V1.B16

#define HIGH_MINS \
	VSHL $7, V0.S4, V0.S4 \
	VSHL $7, V1.S4, V1.S4

// y of a column -= (V0, V1) · (dmin · the column's scale).
#define SUB_COLUMN(da) \
	FSUB(22, 0, 0)          \
	FSUB(22, 1, 1)          \
	FLDPQ (R12), (F18, F19) \
	FMUL_0(da, 26, 16)      \
	FMUL_0(da, 27, 17)      \
	FMUL(16, 0, 0)          \
	FMUL(17, 1, 1)          \
	FSUB(0, 18, 18)         \
	FSUB(1, 19, 19)         \
	FSTPQ (F18, F19), (R12) \
	ADD  R1, R12            \
	ADD  R15, R13

#define MINS8_COLUMN(da) \
	START_MINS             \
	MINS4(SDOT_2, 20, 96)  \
	MINS4(SDOT_3, 20, 112) \
	HIGH_MINS              \
	MINS4(SDOT_0, 20, 96)  \
	MINS4(SDOT_1, 20, 112) \
	SUB_COLUMN(da)

#define MINS16_COLUMN(da) \
	START_MINS             \
	FMOVQ 16(R13), F21     \
	MINS4(SDOT_0, 21, 96)  \
	MINS4(SDOT_1, 21, 112) \
	MINS4(SDOT_2, 21, 128) \
	MINS4(SDOT_3, 21, 144) \
	HIGH_MINS              \
	MINS4(SDOT_0, 20, 96)  \
	MINS4(SDOT_1, 20, 112) \
	MINS4(SDOT_2, 20, 128) \
	MINS4(SDOT_3, 20, 144) \
	SUB_COLUMN(da)

// The end of a super-block: the integer sums, of the two quads for each of four
// columns, and the minimums go into the outputs.
#define END_SUPER(super, mins16, next, a0, b0, a1, b1, a2, b2, a3, b3) \
	LOAD_SCALES              \
	MOVD R0, R12             \
	ADD_COLUMN(28, a0, b0)     \
	ADD_COLUMN(29, a1, b1)     \
	ADD_COLUMN(30, a2, b2)     \
	ADD_COLUMN(31, a3, b3)     \
	CBZ  R17, next           \
	FMOVQ 16(R4), F26        \
	FMOVQ 16(R5), F27        \
	MOVD $0x4b400000, R20    \
	VDUP R20, V22.S4         \
	VUSHR $7, V22.S4, V23.S4 \
	MOVD R0, R12             \
	MOVD R14, R13            \
	CMP  $2, R16             \
	BNE  mins16              \
	MINS8_COLUMN(28)         \
	MINS8_COLUMN(29)         \
	MINS8_COLUMN(30)         \
	MINS8_COLUMN(31)         \
	ADD  $16, R14            \
	B    next                \
mins16: \
	MINS16_COLUMN(28)        \
	MINS16_COLUMN(29)        \
	MINS16_COLUMN(30)        \
	MINS16_COLUMN(31)        \
	ADD  $32, R14            \
next: \
	ADD  $160, R4            \
	ADD  $160, R5            \
	ADD  $4, R10             \
	SUB  $1, R19             \
	CBNZ R19, super          \
	RET
