// The VEX forms of the dot products, which the assembler lacks. Registers by
// their numbers: of sums, of weights and of activations. See TestEncodings.

// {vex} vpdpbusd %ymm{m}, %ymm{n}, %ymm{d}
#define VPDPBUSD_Y(m, n, d) BYTE $0xc4; BYTE $(0x42 | (1-((d)>>3))<<7 | (1-((m)>>3))<<5); BYTE $(0x05 | (15-(n))<<3); BYTE $0x50; BYTE $(0xc0 | ((d)&7)<<3 | (m)&7)

// {vex} {disp32} vpdpbusd {i}(%r8), %ymm{n}, %ymm{d}
#define VPDPBUSD_R8(i, n, d) BYTE $0xc4; BYTE $(0x42 | (1-((d)>>3))<<7); BYTE $(0x05 | (15-(n))<<3); BYTE $0x50; BYTE $(0x80 | ((d)&7)<<3); LONG $(i)

// {vex} vpdpwssd %ymm{m}, %ymm{n}, %ymm{d}
#define VPDPWSSD_Y(m, n, d) BYTE $0xc4; BYTE $(0x42 | (1-((d)>>3))<<7 | (1-((m)>>3))<<5); BYTE $(0x05 | (15-(n))<<3); BYTE $0x52; BYTE $(0xc0 | ((d)&7)<<3 | (m)&7)
