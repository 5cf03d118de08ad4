//go:build amd64 && !noasm

#include "textflag.h"
#include "go_asm.h"
#include "avx2_unpack_amd64.h"
#include "avx2_unpack256_amd64.h"

// Unpacking of the super-block formats of four to six bits.

// Q4_K and Q5_K begin with d, dmin and six-bit scales and minimums.
#define HEADERQ4_K \
	LOAD16(0); \
	TWOHALVES(Y0, Y4, X4, Y5, X5); \
	VMOVUPS Y4, 5632(DI); \
	VMOVUPS Y5, 5696(DI); \
	VPBROADCASTD ·splat+16(SB), Y13; \
	VPOR Y13, Y15, Y12; \
	VPAND Y12, Y1, Y8; \
	VPSRLD $2, Y1, Y9; \
	VPAND Y13, Y9, Y9; \
	LOW(Y3, Y4); \
	VPOR Y4, Y9, Y9; \
	VPAND Y12, Y2, Y10; \
	VPSRLD $2, Y2, Y11; \
	VPAND Y13, Y11, Y11; \
	HIGH(Y3, Y4); \
	VPOR Y4, Y11, Y11; \
	TWICE(0, 0, Y8); \
	TWICE(1, 1, Y8); \
	TWICE(2, 2, Y8); \
	TWICE(3, 3, Y8); \
	TWICE(0, 4, Y9); \
	TWICE(1, 5, Y9); \
	TWICE(2, 6, Y9); \
	TWICE(3, 7, Y9); \
	PUTMINS(0, Y10); \
	PUTMINS(1, Y11)

// Nibbles of X: slot i of the groups g and g+1.
#define NIBBLES(g, i, X) \
	LOW(X, Y8); \
	HIGH(X, Y9); \
	PUTG(g, i, Y8); \
	PUTG(g+1, i, Y9)

#define NIBBLES16(g, i, OFF) \
	LOAD16(OFF); \
	NIBBLES(g, i, Y0); \
	NIBBLES(g, (i+1), Y1); \
	NIBBLES(g, (i+2), Y2); \
	NIBBLES(g, (i+3), Y3)

#define BLOCKQ4_K \
	HEADERQ4_K; \
	NIBBLES16(0, 0, 16); \
	NIBBLES16(0, 4, 32); \
	NIBBLES16(2, 0, 48); \
	NIBBLES16(2, 4, 64); \
	NIBBLES16(4, 0, 80); \
	NIBBLES16(4, 4, 96); \
	NIBBLES16(6, 0, 112); \
	NIBBLES16(6, 4, 128)

// Q5_K: bit j of 32 bytes is the fifth bit of the j-th 32 weights.
#define HALFQ5_K(i) \
	HIGHBITS((16+4*i)); \
	LOAD16((48+4*i)); \
	JOIN16(0, i, LOW, LEFT4); \
	JOIN16(1, i, HIGH, LEFT3); \
	LOAD16((80+4*i)); \
	JOIN16(2, i, LOW, LEFT2); \
	JOIN16(3, i, HIGH, LEFT1); \
	LOAD16((112+4*i)); \
	JOIN16(4, i, LOW, STAY); \
	JOIN16(5, i, HIGH, RIGHT1); \
	LOAD16((144+4*i)); \
	JOIN16(6, i, LOW, RIGHT2); \
	JOIN16(7, i, HIGH, RIGHT3)
#define BLOCKQ5_K \
	HEADERQ4_K; \
	VPBROADCASTD ·splat+8(SB), Y14; \
	HALFQ5_K(0); \
	HALFQ5_K(4)

// Q6_K: bit pairs are the bits 4 and 5, Y14 = 0x30.
#define QUARTERQ6_K(h, i) \
	HIGHBITS((128+32*h+4*i)); \
	LOAD16((64*h+4*i)); \
	JOIN16((4*h), i, LOW, LEFT4); \
	JOIN16((4*h+2), i, HIGH, STAY); \
	LOAD16((64*h+32+4*i)); \
	JOIN16((4*h+1), i, LOW, LEFT2); \
	JOIN16((4*h+3), i, HIGH, RIGHT2)
#define BLOCKQ6_K \
	HALVES(208, X0, Y0); \
	VMOVUPS Y0, 5632(DI); \
	LOAD16(192); \
	SCALES16(SPREADSIGNED, 0, Y0); \
	SCALES16(SPREADSIGNED, 2, Y1); \
	SCALES16(SPREADSIGNED, 4, Y2); \
	SCALES16(SPREADSIGNED, 6, Y3); \
	VPBROADCASTD ·splat+16(SB), Y14; \
	QUARTERQ6_K(0, 0); \
	QUARTERQ6_K(0, 4); \
	QUARTERQ6_K(1, 0); \
	QUARTERQ6_K(1, 4)

// func unpackQ4_KAVX2(panel, w *byte, stride, n, ahead int)
TEXT ·unpackQ4_KAVX2(SB), NOSPLIT, $0-40
	UNPACK(CONSTS, BLOCKQ4_K, FETCH(18), NOTHING, 144, const_panelSize256)

// func unpackQ5_KAVX2(panel, w *byte, stride, n, ahead int)
TEXT ·unpackQ5_KAVX2(SB), NOSPLIT, $0-40
	UNPACK(CONSTS, BLOCKQ5_K, FETCH(22), NOTHING, 176, const_panelSize256)

// func unpackQ6_KAVX2(panel, w *byte, stride, n, ahead int)
TEXT ·unpackQ6_KAVX2(SB), NOSPLIT, $0-40
	UNPACK(CONSTS, BLOCKQ6_K, FETCH(27), NOTHING, 210, const_panelSize256)
