//go:build amd64 && !noasm

#include "textflag.h"
#include "avx2_unpack_amd64.h"

// Unpacking of the block formats; the panel stands with the tile.

#define FETCH3 \
	PREFETCHT0 (R13); \
	PREFETCHT0 64(R13); \
	PREFETCHT0 128(R13)
#define FETCH5 \
	FETCH3; \
	PREFETCHT0 192(R13); \
	PREFETCHT0 256(R13)

#define PUTSCALES(OFF, TO) \
	HALVES(OFF, X8, Y8); \
	VMOVUPS Y8, TO(DI)
#define PUTBOTH(OFF) \
	HALVES(OFF, X8, Y8); \
	HALVES((OFF+2), X9, Y9); \
	VMOVUPS Y8, 512(DI); \
	VMOVUPS Y9, 576(DI)

// Y15 = low nibbles.
#define CONSTS_NIBBLES VPBROADCASTD ·splat+0(SB), Y15

// Q4_0: nibbles plus 8, which makes their offset 16. Y14 = 8.
#define CONSTS_Q4_0 \
	CONSTS_NIBBLES; \
	VPBROADCASTD ·offset8(SB), Y14
#define PUTQ4_0(i, X) \
	LOW(X, Y8); \
	HIGH(X, Y9); \
	VPADDB Y14, Y8, Y8; \
	VPADDB Y14, Y9, Y9; \
	PUT(i, Y8); \
	PUT(i+4, Y9)
#define BLOCKQ4_0 \
	LOAD16(2); \
	PUTQ4_0(0, Y0); \
	PUTQ4_0(1, Y1); \
	PUTQ4_0(2, Y2); \
	PUTQ4_0(3, Y3); \
	PUTSCALES(0, 512)

#define PUTQ4_1(i, X) \
	LOW(X, Y8); \
	HIGH(X, Y9); \
	PUT(i, Y8); \
	PUT(i+4, Y9)
#define BLOCKQ4_1 \
	LOAD16(4); \
	PUTQ4_1(0, Y0); \
	PUTQ4_1(1, Y1); \
	PUTQ4_1(2, Y2); \
	PUTQ4_1(3, Y3); \
	PUTBOTH(0)

// IQ4_NL: a table of sixteen values, Y14.
#define CONSTS_IQ4 \
	CONSTS_NIBBLES; \
	VBROADCASTI128 ·valuesIQ4(SB), Y14
#define PUTIQ4(i, X) \
	LOW(X, Y8); \
	HIGH(X, Y9); \
	VPSHUFB Y8, Y14, Y8; \
	VPSHUFB Y9, Y14, Y9; \
	PUTSIGNED(0, i, Y8); \
	PUTSIGNED(0, (i+4), Y9)
#define BLOCKIQ4_NL \
	LOAD16(2); \
	PUTIQ4(0, Y0); \
	PUTIQ4(1, Y1); \
	PUTIQ4(2, Y2); \
	PUTIQ4(3, Y3); \
	PUTSCALES(0, 1024)

#define CONSTS_NONE
#define BLOCKQ8_0 \
	LOAD16(2); \
	PUTSIGNED(0, 0, Y0); \
	PUTSIGNED(0, 1, Y1); \
	PUTSIGNED(0, 2, Y2); \
	PUTSIGNED(0, 3, Y3); \
	LOAD16(18); \
	PUTSIGNED(0, 4, Y0); \
	PUTSIGNED(0, 5, Y1); \
	PUTSIGNED(0, 6, Y2); \
	PUTSIGNED(0, 7, Y3); \
	PUTSCALES(0, 1024)

// The fifth bits. Y13 = 1, 2, 4, 8 in each dword, Y12 = 16 where a byte's index is
// one of them.
#define CONSTS_FIFTH \
	CONSTS_NIBBLES; \
	VPBROADCASTD ·bitMasks(SB), Y13; \
	VBROADCASTI128 ·fifth(SB), Y12

// Y10 and Y11 = the dwords at OFF and OFF+4 of the eight rows. Clobbers Y4, Y8
// and Y9.
#define LOAD8(OFF) \
	VMOVQ OFF(SI), X8; \
	VMOVQ OFF(DX), X4; \
	VMOVHPS OFF(SI)(R8*1), X8, X8; \
	VMOVHPS OFF(DX)(R8*1), X4, X4; \
	VINSERTI128 $1, X4, Y8, Y8; \
	VMOVQ OFF(SI)(R8*2), X9; \
	VMOVQ OFF(DX)(R8*2), X4; \
	VMOVHPS OFF(SI)(R9*1), X9, X9; \
	VMOVHPS OFF(DX)(R9*1), X4, X4; \
	VINSERTI128 $1, X4, Y9, Y9; \
	VSHUFPS $0x88, Y9, Y8, Y10; \
	VSHUFPS $0xdd, Y9, Y8, Y11

// Weights 4i to 4i+3 of eight rows: nibbles N plus bits 4i to 4i+3 of Y10, as 16.
// Clobbers Y9.
#define FIFTH(i, BITS, N) \
	VPSHUFB ·fifthBytes+(32*(i/2))(SB), BITS, Y9; \
	VPAND Y13, Y9, Y9; \
	VPSHUFB Y9, Y12, Y9; \
	VPOR Y9, N, N; \
	PUT(i, N)

// Y10 = the fifth bits of the eight rows, Y0-Y3 = their nibbles. Clobbers Y11.
#define PUTFIFTH \
	VPSRLD $4, Y10, Y11; \
	LOW(Y0, Y8); \
	FIFTH(0, Y10, Y8); \
	LOW(Y1, Y8); \
	FIFTH(1, Y11, Y8); \
	LOW(Y2, Y8); \
	FIFTH(2, Y10, Y8); \
	LOW(Y3, Y8); \
	FIFTH(3, Y11, Y8); \
	HIGH(Y0, Y8); \
	FIFTH(4, Y10, Y8); \
	HIGH(Y1, Y8); \
	FIFTH(5, Y11, Y8); \
	HIGH(Y2, Y8); \
	FIFTH(6, Y10, Y8); \
	HIGH(Y3, Y8); \
	FIFTH(7, Y11, Y8)

#define BLOCKQ5_0 \
	LOAD8(0); \
	LOAD16(6); \
	VPSRLD $16, Y10, Y8; \
	VPSLLD $16, Y11, Y9; \
	LOWERWORDS(Y10); \
	LOWERHALVES(X10, Y10); \
	VMOVUPS Y10, 512(DI); \
	VPOR Y8, Y9, Y10; \
	PUTFIFTH

#define BLOCKQ5_1 \
	LOAD8(0); \
	TWOHALVES(Y10, Y4, X4, Y5, X5); \
	VMOVUPS Y4, 512(DI); \
	VMOVUPS Y5, 576(DI); \
	VMOVDQU Y11, Y10; \
	LOAD16(8); \
	PUTFIFTH

// func unpackQ4_0AVX2(panel, w *byte, stride, n, ahead int)
TEXT ·unpackQ4_0AVX2(SB), NOSPLIT, $0-40
	UNPACK(CONSTS_Q4_0, BLOCKQ4_0, FETCH3, 18, 640)

// func unpackQ4_1AVX2(panel, w *byte, stride, n, ahead int)
TEXT ·unpackQ4_1AVX2(SB), NOSPLIT, $0-40
	UNPACK(CONSTS_NIBBLES, BLOCKQ4_1, FETCH3, 20, 640)

// func unpackQ5_0AVX2(panel, w *byte, stride, n, ahead int)
TEXT ·unpackQ5_0AVX2(SB), NOSPLIT, $0-40
	UNPACK(CONSTS_FIFTH, BLOCKQ5_0, FETCH3, 22, 640)

// func unpackQ5_1AVX2(panel, w *byte, stride, n, ahead int)
TEXT ·unpackQ5_1AVX2(SB), NOSPLIT, $0-40
	UNPACK(CONSTS_FIFTH, BLOCKQ5_1, FETCH3, 24, 640)

// func unpackQ8_0AVX2(panel, w *byte, stride, n, ahead int)
TEXT ·unpackQ8_0AVX2(SB), NOSPLIT, $0-40
	UNPACK(CONSTS_NONE, BLOCKQ8_0, FETCH5, 34, 1152)

// func unpackIQ4_NLAVX2(panel, w *byte, stride, n, ahead int)
TEXT ·unpackIQ4_NLAVX2(SB), NOSPLIT, $0-40
	UNPACK(CONSTS_IQ4, BLOCKIQ4_NL, FETCH3, 18, 1152)
