#include "textflag.h"

// Twenty-four sums, enough to hide the latency of the products.
#define SUMS24(M) \
	M(0); M(1); M(2); M(3); M(4); M(5); M(6); M(7); M(8); M(9); M(10); M(11); \
	M(12); M(13); M(14); M(15); M(16); M(17); M(18); M(19); M(20); M(21); M(22); M(23)

// The products of V30 and V31, as words: smlal .8h, sdot, smmla, fmla .4s.
#define PRODUCTNEON(d) WORD $(0x0e208000 | 31<<16 | 30<<5 | (d))
#define PRODUCTDOTPROD(d) WORD $(0x4e809400 | 31<<16 | 30<<5 | (d))
#define PRODUCTI8MM(d) WORD $(0x4e80a400 | 31<<16 | 30<<5 | (d))
#define FLOATNEON(d) WORD $(0x4e20cc00 | 31<<16 | 30<<5 | (d))
// movi v{d}.16b, #0
#define CLEAR(d) WORD $(0x4f00e400 | (d))

#define LOOP(PRODUCT) \
	MOVD turns+0(FP), R0; \
	CLEAR(30); \
	CLEAR(31); \
	SUMS24(CLEAR); \
turn: \
	SUMS24(PRODUCT); \
	SUB  $1, R0; \
	CBNZ R0, turn; \
	RET

// func productsNeon(turns int)
TEXT ·productsNeon(SB), NOSPLIT, $0-8
	LOOP(PRODUCTNEON)

// func productsDotprod(turns int)
TEXT ·productsDotprod(SB), NOSPLIT, $0-8
	LOOP(PRODUCTDOTPROD)

// func productsI8mm(turns int)
TEXT ·productsI8mm(SB), NOSPLIT, $0-8
	LOOP(PRODUCTI8MM)

// func floatsNeon(turns int)
TEXT ·floatsNeon(SB), NOSPLIT, $0-8
	LOOP(FLOATNEON)

// func readNeon(p *byte, n int)
TEXT ·readNeon(SB), NOSPLIT, $0-16
	MOVD p+0(FP), R0
	MOVD n+8(FP), R1

turn:
	VLD1.P 64(R0), [V0.B16, V1.B16, V2.B16, V3.B16]
	VLD1.P 64(R0), [V4.B16, V5.B16, V6.B16, V7.B16]
	VLD1.P 64(R0), [V0.B16, V1.B16, V2.B16, V3.B16]
	VLD1.P 64(R0), [V4.B16, V5.B16, V6.B16, V7.B16]
	SUB    $256, R1
	CBNZ   R1, turn
	RET
