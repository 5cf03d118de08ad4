// Super-block formats: macros of the unpacking.
//
// A format names the four quarters of its super-block at SI: x0(D) to x3(D)
// expand 64 weights each to D, in their order, as unsigned bytes. They may
// clobber Z26.
//
// unpack: 16 rows, stride bytes apart, to records of the panel (their layout
// stands with the tile). The scales of 16 rows are transposed like weights.

// Fields of six bits: X28, X29 = shuffles, X30 = shifts, X25 = rotations, X31 =
// masks, X27 = 0x30, from the table at T.
#define CONSTS_SIXBITS(T) \
	VMOVDQU64 T+0(SB), X28; \
	VMOVDQU64 T+16(SB), X29; \
	VMOVDQU64 T+32(SB), X30; \
	VMOVDQU64 T+48(SB), X25; \
	VMOVDQU64 T+64(SB), X31; \
	VPBROADCASTD ·splat+16(SB), X27

// X = sixteen fields of six bits: low bits are shuffled to their places,
// shifted and masked, and joined by the high two, shuffled and rotated. Clobbers
// X26.
#define SIXBITS(ADDR, X) \
	VMOVDQU ADDR, X; \
	VPSHUFB X29, X, X26; \
	VPSHUFB X28, X, X; \
	VPRORVD X25, X26, X26; \
	VPSRLVD X30, X, X; \
	VPANDD X27, X26, X26; \
	VPTERNLOGD $0xEA, X26, X31, X

// Row i's word of float16 d, and the one of dmin from the next, to the record.
#define PUTD(i, OFF) \
	MOVWLZX OFF(SI), AX; \
	MOVW AX, (5632+2*i)(DI)
#define PUTMIN(i, OFF) \
	MOVWLZX OFF(SI), AX; \
	MOVW AX, (5664+2*i)(DI)

// A minimum for both halves of 32 weights.
#define MINPAIR(Z, OFF) \
	VPSLLD $16, Z, Z0; \
	VPORD Z, Z0, Z0; \
	VMOVDQU64 Z0, OFF(DI)

// A pair of int16: minus the scales e and o times 1<<SHIFT. K2 = odd words,
// Z15 = 0.
#define OFFSETPAIR(SHIFT, e, o, OFF) \
	VPSLLD $SHIFT, e, Z0; \
	VPSLLD $(SHIFT+16), o, Z1; \
	VMOVDQU16 Z1, K2, Z0; \
	VPSUBW Z0, Z15, Z0; \
	VMOVDQU64 Z0, OFF(DI)

#define OFFSETPAIRS16(SHIFT) \
	VPXORQ Z15, Z15, Z15; \
	OFFSETPAIR(SHIFT, Z16, Z17, 5120); \
	OFFSETPAIR(SHIFT, Z18, Z19, 5184); \
	OFFSETPAIR(SHIFT, Z20, Z21, 5248); \
	OFFSETPAIR(SHIFT, Z22, Z23, 5312); \
	OFFSETPAIR(SHIFT, Z24, Z25, 5376); \
	OFFSETPAIR(SHIFT, Z26, Z27, 5440); \
	OFFSETPAIR(SHIFT, Z28, Z29, 5504); \
	OFFSETPAIR(SHIFT, Z30, Z31, 5568)

#define STORE16(OFF) \
	LEAQ OFF(DI), AX; \
	STORE8(AX, Z16, Z17, Z18, Z19, Z20, Z21, Z22, Z23); \
	ADDQ $512, AX; \
	STORE8(AX, Z24, Z25, Z26, Z27, Z28, Z29, Z30, Z31)

// A quarter of 16 super-blocks.
#define UNPACK64(CONSTS, ROW, OFF) \
	MOVQ BX, SI; \
	CONSTS; \
	ROWS16(ROW); \
	TRANSPOSE16; \
	STORE16(OFF)

// DI = panel, BX = w, R8 = stride, CX = super-blocks left, K1 = upper half, K2
// = odd words, R9 = the next 16 rows, of which 16·SIZE bytes are fetched with
// each super-block. SCALES transposes and stores a record's scales.
#define UNPACK(SCALES, CONSTS, ROW0, ROW1, ROW2, ROW3, SIZE) \
	MOVL $0xff00, AX; \
	KMOVW AX, K1; \
	MOVL $0xaaaaaaaa, AX; \
	KMOVD AX, K2; \
	KUNPCKDQ K2, K2, K2; \
	MOVQ R8, R9; \
	SHLQ $4, R9; \
	ADDQ BX, R9; \
super: \
	MOVQ BX, SI; \
	SCALES; \
	UNPACK64(CONSTS, ROW0, 0); \
	UNPACK64(CONSTS, ROW1, 1024); \
	UNPACK64(CONSTS, ROW2, 2048); \
	UNPACK64(CONSTS, ROW3, 3072); \
	MOVQ $(SIZE/4), DX; \
fetch: \
	PREFETCHT1 (R9); \
	ADDQ $64, R9; \
	DECQ DX; \
	JNZ fetch; \
	ADDQ $5696, DI; \
	ADDQ $SIZE, BX; \
	DECQ CX; \
	JNZ super; \
	VZEROUPPER; \
	RET

// Super-block i of a group; a row's last group may have fewer than eight, CX. The
// stream is fetched in two steps, as in block formats.
