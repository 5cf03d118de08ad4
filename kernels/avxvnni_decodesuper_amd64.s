//go:build amd64 && !noasm

#include "textflag.h"
#include "avx2_decode_amd64.h"
#include "avx2_decodesuper_amd64.h"
#include "avxvnni_amd64.h"

// One column, super-block formats, AVX-VNNI.

#define DOT2 \
	VPDPWSSD_Y(4, 2, 0); \
	VPDPWSSD_Y(5, 3, 1)

// func decodeQ2_KAVXVNNI(y *float32, w *byte, rows, n int, q *int8, d *float32, sum *int16, mem *byte)
TEXT ·decodeQ2_KAVXVNNI(SB), NOSPLIT, $0-64
	DECODEMIN(CONSTS_Q2_K, ONE_Q2_K, 84, 32)

// func decodeQ3_KAVXVNNI(y *float32, w *byte, rows, n int, q *int8, d *float32, sum *int16, mem *byte)
TEXT ·decodeQ3_KAVXVNNI(SB), NOSPLIT, $0-64
	DECODEPLAIN(CONSTS_Q3_K, ONE_Q3_K, 110)

// func decodeQ4_KAVXVNNI(y *float32, w *byte, rows, n int, q *int8, d *float32, sum *int16, mem *byte)
TEXT ·decodeQ4_KAVXVNNI(SB), NOSPLIT, $0-64
	DECODEMIN(CONSTS_Q4_K, ONE_Q4_K, 144, 16)

// func decodeQ5_KAVXVNNI(y *float32, w *byte, rows, n int, q *int8, d *float32, sum *int16, mem *byte)
TEXT ·decodeQ5_KAVXVNNI(SB), NOSPLIT, $0-64
	DECODEMIN(CONSTS_Q5_K, ONE_Q5_K, 176, 16)

// func decodeQ6_KAVXVNNI(y *float32, w *byte, rows, n int, q *int8, d *float32, sum *int16, mem *byte)
TEXT ·decodeQ6_KAVXVNNI(SB), NOSPLIT, $0-64
	DECODEPLAIN(CONSTS_Q6_K, ONE_Q6_K, 210)

// func decodeIQ4_XSAVXVNNI(y *float32, w *byte, rows, n int, q *int8, d *float32, sum *int16, mem *byte)
TEXT ·decodeIQ4_XSAVXVNNI(SB), NOSPLIT, $0-64
	DECODEPLAIN(CONSTS_IQ4_XS, ONE_IQ4_XS, 136)
