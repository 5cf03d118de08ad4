// What the tile kernels share. A tile is eight rows by four columns; the rows
// are two quads of four.
//
//	R0 y  R1 bytes between y's columns  R2, R3 weights of the quads
//	R4, R5 heads of the quads  R6-R9 the columns' activations  R20 k
//	V0-V7 integer sums  V8-V15 sums of a longer stretch
//	V16-V19 weights  V20-V23 sixteen activations of each column

#define TILE_ARGS \
	MOVD y+0(FP), R0        \
	MOVD stride+8(FP), R1   \
	LSL  $2, R1             \
	MOVD w+16(FP), R2       \
	MOVD head+24(FP), R4    \
	MOVD k+56(FP), R20      \
	ADD  R20<<2, R2, R3     \
	MOVD q+32(FP), R6       \
	ADD  R20, R6, R7        \
	ADD  R20, R7, R8        \
	ADD  R20, R8, R9

#define ZERO_LOW \
	VMOVI $0, V0.B16 \
	VMOVI $0, V1.B16 \
	VMOVI $0, V2.B16 \
	VMOVI $0, V3.B16 \
	VMOVI $0, V4.B16 \
	VMOVI $0, V5.B16 \
	VMOVI $0, V6.B16 \
	VMOVI $0, V7.B16

#define ZERO_HIGH \
	VMOVI $0, V8.B16  \
	VMOVI $0, V9.B16  \
	VMOVI $0, V10.B16 \
	VMOVI $0, V11.B16 \
	VMOVI $0, V12.B16 \
	VMOVI $0, V13.B16 \
	VMOVI $0, V14.B16 \
	VMOVI $0, V15.B16

#define LOAD_ACTS \
	FMOVQ.P 16(R6), F20 \
	FMOVQ.P 16(R7), F21 \
	FMOVQ.P 16(R8), F22 \
	FMOVQ.P 16(R9), F23

// Dot product: sixteen weights deep. The weights of a quad are [K/4][4 rows][4];
// V(2c+g) has the four rows of quad g times column c.
#define LANE(SDOT_I, wa, wb) \
	SDOT_I(20, wa, 0) \
	SDOT_I(20, wb, 1) \
	SDOT_I(21, wa, 2) \
	SDOT_I(21, wb, 3) \
	SDOT_I(22, wa, 4) \
	SDOT_I(22, wb, 5) \
	SDOT_I(23, wa, 6) \
	SDOT_I(23, wb, 7)

#define DOT16 \
	LOAD_ACTS            \
	FMOVQ (R2), F16      \
	FMOVQ (R3), F17      \
	LANE(SDOT_0, 16, 17) \
	FMOVQ 16(R2), F18    \
	FMOVQ 16(R3), F19    \
	LANE(SDOT_1, 18, 19) \
	FMOVQ 32(R2), F16    \
	FMOVQ 32(R3), F17    \
	LANE(SDOT_2, 16, 17) \
	FMOVQ 48(R2), F18    \
	FMOVQ 48(R3), F19    \
	LANE(SDOT_3, 18, 19) \
	ADD   $64, R2        \
	ADD   $64, R3

// Matrix: sixteen weights deep. The weights of a quad are [K/8][4 rows][8];
// V(2p+j) has the rows 2p and 2p+1 times the columns 2j and 2j+1.
#define MATRIX8(cols0, cols1) \
	SMMLA(cols0, 20, 0) \
	SMMLA(cols1, 20, 1) \
	SMMLA(cols0, 21, 2) \
	SMMLA(cols1, 21, 3) \
	SMMLA(cols0, 22, 4) \
	SMMLA(cols1, 22, 5) \
	SMMLA(cols0, 23, 6) \
	SMMLA(cols1, 23, 7)

#define MATRIX16 \
	LOAD_ACTS                    \
	VZIP1 V21.D2, V20.D2, V16.D2 \
	VZIP2 V21.D2, V20.D2, V17.D2 \
	VZIP1 V23.D2, V22.D2, V18.D2 \
	VZIP2 V23.D2, V22.D2, V19.D2 \
	FMOVQ (R2), F20              \
	FMOVQ 16(R2), F21            \
	FMOVQ (R3), F22              \
	FMOVQ 16(R3), F23            \
	MATRIX8(16, 18)              \
	FMOVQ 32(R2), F20            \
	FMOVQ 48(R2), F21            \
	FMOVQ 32(R3), F22            \
	FMOVQ 48(R3), F23            \
	MATRIX8(17, 19)              \
	ADD   $64, R2                \
	ADD   $64, R3
