//go:build amd64 && !noasm

#include "textflag.h"
#include "go_asm.h"
#include "avx2_unpack_amd64.h"

// Unpacking of the block formats; the panel stands with the tile.

#define FETCH3 \
	PREFETCHT1 (R13); \
	PREFETCHT1 64(R13); \
	PREFETCHT1 128(R13)
#define FETCH5 \
	FETCH3; \
	PREFETCHT1 192(R13); \
	PREFETCHT1 256(R13)

// The float16 at OFF of the eight rows go as they are, by ports that are idle, to
// where minimums would be, 64 bytes behind the scales; SCALES converts them when
// all are there, since a load that spans stores waits for them.
#define PUTHALVES(OFF, TO) \
	MOVWLZX OFF(SI), AX; \
	MOVWLZX OFF(SI)(R8*1), BX; \
	MOVW AX, TO(DI); \
	MOVW BX, (TO+2)(DI); \
	MOVWLZX OFF(SI)(R8*2), AX; \
	MOVWLZX OFF(SI)(R9*1), BX; \
	MOVW AX, (TO+4)(DI); \
	MOVW BX, (TO+6)(DI); \
	MOVWLZX OFF(DX), AX; \
	MOVWLZX OFF(DX)(R8*1), BX; \
	MOVW AX, (TO+8)(DI); \
	MOVW BX, (TO+10)(DI); \
	MOVWLZX OFF(DX)(R8*2), AX; \
	MOVWLZX OFF(DX)(R9*1), BX; \
	MOVW AX, (TO+12)(DI); \
	MOVW BX, (TO+14)(DI)
#define SCALES(TO, PANEL) \
scales: \
	VCVTPH2PS (TO+64)(DI), Y8; \
	VMOVUPS Y8, TO(DI); \
	ADDQ $PANEL, DI; \
	DECQ CX; \
	JNZ scales

// Scales and minimums, two float16 at OFF. Clobbers Y4, Y5 and Y8.
#define PUTBOTH(OFF) \
	DWORDS(OFF, X8, Y8); \
	TWOHALVES(Y8, Y4, X4, Y5, X5); \
	VMOVUPS Y4, 512(DI); \
	VMOVUPS Y5, 576(DI)

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
	PUTHALVES(0, 576)

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
	PUTHALVES(0, 1088)

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
	PUTHALVES(0, 1088)

// The fifth bits: Y12 and Y13 are the masks of the lower and upper four bits of a
// byte, Y14 = 16.
#define CONSTS_FIFTH \
	CONSTS_NIBBLES; \
	VPBROADCASTD ·bitMasks+0(SB), Y12; \
	VPBROADCASTD ·bitMasks+4(SB), Y13; \
	VPBROADCASTD ·splat+8(SB), Y14

// Four times byte i of each of the fifth bits Y10.
#define FIFTHBYTE(i) VPSHUFB ·fifthBytes+(32*i)(SB), Y10, Y9

// Nibbles N and 16 where the lower or upper bits of Y9 are set. Clobbers Y11.
#define PUTLOWER(i, N) \
	VPAND Y12, Y9, Y11; \
	VPCMPEQB Y12, Y11, Y11; \
	VPAND Y14, Y11, Y11; \
	VPOR N, Y11, Y11; \
	PUT(i, Y11)
#define PUTUPPER(i, N) \
	VPAND Y13, Y9, Y11; \
	VPMINUB Y14, Y11, Y11; \
	VPOR N, Y11, Y11; \
	PUT(i, Y11)

// The fifth bits at BITS, the nibbles behind them.
#define PUTFIFTH(BITS) \
	DWORDS(BITS, X10, Y10); \
	LOAD16((BITS+4)); \
	FIFTHBYTE(0); \
	LOW(Y0, Y8); \
	PUTLOWER(0, Y8); \
	LOW(Y1, Y8); \
	PUTUPPER(1, Y8); \
	FIFTHBYTE(1); \
	LOW(Y2, Y8); \
	PUTLOWER(2, Y8); \
	LOW(Y3, Y8); \
	PUTUPPER(3, Y8); \
	FIFTHBYTE(2); \
	HIGH(Y0, Y8); \
	PUTLOWER(4, Y8); \
	HIGH(Y1, Y8); \
	PUTUPPER(5, Y8); \
	FIFTHBYTE(3); \
	HIGH(Y2, Y8); \
	PUTLOWER(6, Y8); \
	HIGH(Y3, Y8); \
	PUTUPPER(7, Y8)

#define BLOCKQ5_0 \
	PUTHALVES(0, 576); \
	PUTFIFTH(2)

#define BLOCKQ5_1 \
	PUTBOTH(0); \
	PUTFIFTH(4)

// func unpackQ4_0AVX2(panel, w *byte, stride, n, ahead int)
TEXT ·unpackQ4_0AVX2(SB), NOSPLIT, $0-40
	UNPACK(CONSTS_Q4_0, BLOCKQ4_0, FETCH3, SCALES(512, const_panelSize32), 18, const_panelSize32)

// func unpackQ4_1AVX2(panel, w *byte, stride, n, ahead int)
TEXT ·unpackQ4_1AVX2(SB), NOSPLIT, $0-40
	UNPACK(CONSTS_NIBBLES, BLOCKQ4_1, FETCH3, NOTHING, 20, const_panelSize32)

// func unpackQ5_0AVX2(panel, w *byte, stride, n, ahead int)
TEXT ·unpackQ5_0AVX2(SB), NOSPLIT, $0-40
	UNPACK(CONSTS_FIFTH, BLOCKQ5_0, FETCH3, SCALES(512, const_panelSize32), 22, const_panelSize32)

// func unpackQ5_1AVX2(panel, w *byte, stride, n, ahead int)
TEXT ·unpackQ5_1AVX2(SB), NOSPLIT, $0-40
	UNPACK(CONSTS_FIFTH, BLOCKQ5_1, FETCH3, NOTHING, 24, const_panelSize32)

// func unpackQ8_0AVX2(panel, w *byte, stride, n, ahead int)
TEXT ·unpackQ8_0AVX2(SB), NOSPLIT, $0-40
	UNPACK(CONSTS_NONE, BLOCKQ8_0, FETCH5, SCALES(1024, const_panelSizeSigned32), 34, const_panelSizeSigned32)

// func unpackIQ4_NLAVX2(panel, w *byte, stride, n, ahead int)
TEXT ·unpackIQ4_NLAVX2(SB), NOSPLIT, $0-40
	UNPACK(CONSTS_IQ4, BLOCKIQ4_NL, FETCH3, SCALES(1024, const_panelSizeSigned32), 18, const_panelSizeSigned32)
