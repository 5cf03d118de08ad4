// Unpacking of super-blocks; the panel stands with the tile. Y15 = 15 in bytes.
#define CONSTS VPBROADCASTD ·splat+0(SB), Y15

#define FETCH(LINES) \
	MOVQ R13, AX; \
	MOVL $LINES, BX; \
fetch: \
	PREFETCHT1 (AX); \
	ADDQ $64, AX; \
	DECL BX; \
	JNZ fetch

// Weights 4i to 4i+3 of group g.
#define PUTG(g, i, Y) VMOVDQU Y, (640*(g)+64*(i))(DI)

// Bytes 0 to 3 of the dwords of S, unsigned or signed, as two words each, to the
// addresses. Clobbers Y4.
#define SPREAD(j, S, ADDR) \
	VPSHUFB ·scaleWords+(32*j)(SB), S, Y4; \
	VMOVDQU Y4, ADDR
#define SPREADSIGNED(j, S, ADDR) \
	VPSHUFB ·scaleSigned+(32*j)(SB), S, Y4; \
	VPSRAW $8, Y4, Y4; \
	VMOVDQU Y4, ADDR

// Scales of 16 weights, groups of 32 from g on.
#define SCALES16(PUT, g, S) \
	PUT(0, S, (640*(g)+512)(DI)); \
	PUT(1, S, (640*(g)+576)(DI)); \
	PUT(2, S, (640*(g)+1152)(DI)); \
	PUT(3, S, (640*(g)+1216)(DI))

// Minimums, the bytes of S in two pairs of words. Clobbers Y4.
#define PUTMINS(i, S) \
	VPSHUFB ·minWords+0(SB), S, Y4; \
	VMOVDQU Y4, (5120+128*i)(DI); \
	VPSHUFB ·minWords+32(SB), S, Y4; \
	VMOVDQU Y4, (5184+128*i)(DI)

// Scales of 32 weights, twice.
#define TWICE(j, g, S) \
	VPSHUFB ·scaleWords+(32*j)(SB), S, Y4; \
	VMOVDQU Y4, (640*(g)+512)(DI); \
	VMOVDQU Y4, (640*(g)+576)(DI)

// Shifts of bits to where they belong.
#define LEFT4(X, D) VPSLLW $4, X, D
#define LEFT3(X, D) VPSLLW $3, X, D
#define LEFT2(X, D) VPSLLW $2, X, D
#define LEFT1(X, D) VPSLLW $1, X, D
#define STAY(X, D) VMOVDQU X, D
#define RIGHT1(X, D) VPSRLW $1, X, D
#define RIGHT2(X, D) VPSRLW $2, X, D
#define RIGHT3(X, D) VPSRLW $3, X, D
#define RIGHT4(X, D) VPSRLW $4, X, D
#define RIGHT5(X, D) VPSRLW $5, X, D

// Weights of group g: PART of X (a nibble or less) and the bits Y14 of H, moved by
// SHIFT. Clobbers Y4 and Y5.
#define JOIN(g, i, PART, X, SHIFT, H) \
	SHIFT(H, Y5); \
	VPAND Y14, Y5, Y5; \
	PART(X, Y4); \
	VPOR Y4, Y5, Y5; \
	PUTG(g, i, Y5)

// Four registers of sixteen bytes.
#define JOIN16(g, i, PART, SHIFT) \
	JOIN(g, i, PART, Y0, SHIFT, Y8); \
	JOIN(g, (i+1), PART, Y1, SHIFT, Y9); \
	JOIN(g, (i+2), PART, Y2, SHIFT, Y10); \
	JOIN(g, (i+3), PART, Y3, SHIFT, Y11)

// Y8-Y11 = the high bits in the sixteen bytes at OFF.
#define HIGHBITS(OFF) \
	LOAD16(OFF); \
	VMOVDQU Y0, Y8; \
	VMOVDQU Y1, Y9; \
	VMOVDQU Y2, Y10; \
	VMOVDQU Y3, Y11
