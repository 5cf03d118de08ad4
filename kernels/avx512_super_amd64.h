// Super-block formats: macros of the unpacking and of the products with one
// column.
//
// A format names the four quarters of its super-block at SI: x0(D) to x3(D)
// expand 64 weights each to D, in their order, as unsigned bytes. The same
// macros serve unpack and dots. They may clobber Z26.
//
// unpack: 16 rows, stride bytes apart, to records of the panel (their layout
// stands with the tile). The scales of 16 rows are transposed like weights.
//
// dots: each of 16 rows times one column, row after row, as one stream: the sums
// of eight super-blocks to sums [group][16 rows][8], those of the weighted
// weights and of the weighted minimums (or 0) side by side, and float16 d and
// dmin to scales [group][16 rows][8]. A second pass (sum) scales, transposes
// and adds them in the order of the super-blocks.

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

// dots: DI = sums, R15 = scales, SI = w, R8 = stride, BX = super-blocks of a
// row, DX = activations, R14 = their sums; R12, R13, CX, R9 and R10 are the same
// as they go along a row, R11 = rows left. ONE computes the sums of a
// super-block, eight and eight, in Z2, and its d and dmin in AX. It may clobber
// Z1-Z3, Z8-Z10, Z14, Z15 and Z26.
#define DOTS1(ONE, SIZE) \
	IMUL3Q $SIZE, BX, AX; \
	SUBQ AX, R8; \
	MOVL $16, R11; \
row: \
	MOVQ DX, R9; \
	MOVQ R14, R10; \
	MOVQ DI, R12; \
	MOVQ R15, R13; \
	MOVQ BX, CX; \
group: \
	DOTSUPER(ONE, SIZE, 0, Z0); \
	DOTSUPER(ONE, SIZE, 1, Z4); \
	DOTSUPER(ONE, SIZE, 2, Z5); \
	DOTSUPER(ONE, SIZE, 3, Z6); \
	DOTSUPER(ONE, SIZE, 4, Z7); \
	DOTSUPER(ONE, SIZE, 5, Z11); \
	DOTSUPER(ONE, SIZE, 6, Z12); \
	DOTSUPER(ONE, SIZE, 7, Z13); \
summed: \
	VMOVDQU64 ·blockOrder(SB), Z15; \
	SUMROWS(Z0, Z4, Z5, Z6, Z7, Z11, Z12, Z13, Z1, Z2, Z3, Z8, Z15, Z14); \
	VMOVDQU64 Z14, (R12); \
	ADDQ $1024, R12; \
	ADDQ $512, R13; \
	SUBQ $8, CX; \
	JGT group; \
	ADDQ R8, SI; \
	ADDQ $64, DI; \
	ADDQ $32, R15; \
	DECQ R11; \
	JNZ row; \
	VZEROUPPER; \
	RET

// Super-block i of a group; a row's last group may have fewer than eight, CX. The
// stream is fetched in two steps, as in block formats.
#define DOTSUPER(ONE, SIZE, i, S) \
	PREFETCHT1 16384(SI); \
	PREFETCHT0 2048(SI); \
	PREFETCHT1 16448(SI); \
	PREFETCHT0 2112(SI); \
	PREFETCHT1 16512(SI); \
	PREFETCHT0 2176(SI); \
	ONE; \
	VMOVDQA64 Z2, S; \
	MOVL AX, (4*i)(R13); \
	ADDQ $SIZE, SI; \
	ADDQ $256, R9; \
	ADDQ $32, R10; \
	CMPQ CX, $(i+1); \
	JEQ summed

// A quarter of 64 weights, which QUARTER expands, times the activations at OFF:
// sums of two, then times their scales, added to Z2. The scale of each word comes
// from the bytes in Z1 for 32 weights, from its words for 16.
#define WEIGH(QUARTER, OFF) \
	QUARTER(Z3); \
	VPMADDUBSW OFF(R9), Z3, Z3; \
	VPDPWSSD Z10, Z3, Z2
#define WEIGH32(QUARTER, OFF, IDX) \
	VPERMB.Z Z1, IDX, K2, Z10; \
	WEIGH(QUARTER, OFF)
#define WEIGH16(QUARTER, OFF, IDX) \
	VPERMW Z1, IDX, Z10; \
	WEIGH(QUARTER, OFF)

#define CONSTS_SPREAD32(T) \
	MOVL $0x55555555, AX; \
	KMOVD AX, K2; \
	KUNPCKDQ K2, K2, K2; \
	VMOVDQU64 T+0(SB), Z20; \
	VMOVDQU64 T+64(SB), Z21; \
	VMOVDQU64 T+128(SB), Z22; \
	VMOVDQU64 T+192(SB), Z23; \
	VMOVDQU64 T+256(SB), Z24
#define CONSTS_SPREAD16 \
	VMOVDQU64 ·spread16+0(SB), Z20; \
	VMOVDQU64 ·spread16+64(SB), Z21; \
	VMOVDQU64 ·spread16+128(SB), Z22; \
	VMOVDQU64 ·spread16+192(SB), Z23

// Y14, the minimums of 16 weights each, times the sums of the activations
// become the upper half of the super-block's sums Z2.
#define JOINMINS \
	VPXOR Y9, Y9, Y9; \
	VPDPWSSD (R10), Y14, Y9; \
	VEXTRACTI64X4 $1, Z2, Y3; \
	VPADDD Y3, Y2, Y2; \
	VINSERTI64X4 $1, Y9, Z2, Z2

// The weights' offset: 1<<SHIFT times the scales Y1 times the sums of the
// activations come off the super-block's sums. The upper half becomes 0.
#define TAKEOFFSET(SHIFT) \
	VPXOR Y9, Y9, Y9; \
	VPSLLW $SHIFT, Y1, Y14; \
	VPDPWSSD (R10), Y14, Y9; \
	VEXTRACTI64X4 $1, Z2, Y3; \
	VPSUBD Y9, Y2, Y2; \
	VPADDD Y3, Y2, Y2

// sum: AX = accumulators of 16 rows, DI = sums, R10 = scales, CX = columns left,
// R12 = the activations' scales. Z31 = these for a group, twice each, the second
// negative: minimums are taken off.
#define SUMSUPERS_ARGS \
	MOVQ acc+0(FP), AX; \
	MOVQ sums+8(FP), DI; \
	MOVQ scales+16(FP), R10; \
	MOVQ supers+24(FP), CX; \
	MOVQ d+32(FP), R12; \
	SHLQ $1, CX

#define SUMGROUP \
	MOVL $-1, DX; \
	LEAQ 1(CX), BX; \
	SHRQ $1, BX; \
	CMPQ BX, $8; \
	JGE 2(PC); \
	BZHIL BX, DX, DX; \
	KMOVW DX, K4; \
	VMOVDQU32.Z (R12), K4, Y31; \
	VPMOVZXDQ Y31, Z31; \
	VPSLLQ $32, Z31, Z30; \
	VPORQ Z30, Z31, Z31; \
	VPXORQ.BCST ·signOdd(SB), Z31, Z31; \
	VPXORQ Z30, Z30, Z30; \
	ROWS16(PRODUCTS); \
	TRANSPOSE16; \
	VMOVUPS (AX), Z0

#define NEXTGROUP \
	VMOVUPS Z0, (AX); \
	ADDQ $1024, DI; \
	ADDQ $512, R10; \
	ADDQ $32, R12; \
	SUBQ $16, CX; \
	JMP group; \
done: \
	VMOVUPS Z0, (AX); \
	VZEROUPPER; \
	RET
