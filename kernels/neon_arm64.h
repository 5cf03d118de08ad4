// Instructions that Go's assembler does not have, as words. Arguments are the
// numbers of vector registers in Go's order, destination last. The line before
// each is the same in GNU syntax; TestEncodings assembles it with binutils and
// compares.

// sdot v{d}.4s, v{n}.16b, v{m}.16b
#define SDOT(m, n, d) WORD $(0x4e809400 | (m)<<16 | (n)<<5 | (d))
// sdot v{d}.4s, v{n}.16b, v{m}.4b[0]
#define SDOT_0(m, n, d) WORD $(0x4f80e000 | (m)<<16 | (n)<<5 | (d))
// sdot v{d}.4s, v{n}.16b, v{m}.4b[1]
#define SDOT_1(m, n, d) WORD $(0x4fa0e000 | (m)<<16 | (n)<<5 | (d))
// sdot v{d}.4s, v{n}.16b, v{m}.4b[2]
#define SDOT_2(m, n, d) WORD $(0x4f80e800 | (m)<<16 | (n)<<5 | (d))
// sdot v{d}.4s, v{n}.16b, v{m}.4b[3]
#define SDOT_3(m, n, d) WORD $(0x4fa0e800 | (m)<<16 | (n)<<5 | (d))
// smmla v{d}.4s, v{n}.16b, v{m}.16b
#define SMMLA(m, n, d) WORD $(0x4e80a400 | (m)<<16 | (n)<<5 | (d))

// smull v{d}.8h, v{n}.8b, v{m}.8b
#define SMULL_B(m, n, d) WORD $(0x0e20c000 | (m)<<16 | (n)<<5 | (d))
// smull2 v{d}.8h, v{n}.16b, v{m}.16b
#define SMULL2_B(m, n, d) WORD $(0x4e20c000 | (m)<<16 | (n)<<5 | (d))
// smlal v{d}.8h, v{n}.8b, v{m}.8b
#define SMLAL_B(m, n, d) WORD $(0x0e208000 | (m)<<16 | (n)<<5 | (d))
// smlal2 v{d}.8h, v{n}.16b, v{m}.16b
#define SMLAL2_B(m, n, d) WORD $(0x4e208000 | (m)<<16 | (n)<<5 | (d))
// smull v{d}.4s, v{n}.4h, v{m}.4h
#define SMULL_H(m, n, d) WORD $(0x0e60c000 | (m)<<16 | (n)<<5 | (d))
// smlal v{d}.4s, v{n}.4h, v{m}.4h
#define SMLAL_H(m, n, d) WORD $(0x0e608000 | (m)<<16 | (n)<<5 | (d))
// smlal2 v{d}.4s, v{n}.8h, v{m}.8h
#define SMLAL2_H(m, n, d) WORD $(0x4e608000 | (m)<<16 | (n)<<5 | (d))
// smlal v{d}.4s, v{n}.4h, v{m}.h[{i}]
#define SMLAL_HI(i, m, n, d) WORD $(0x0f402000 | ((i)&1)<<20 | ((i)>>1&1)<<21 | ((i)>>2)<<11 | (m)<<16 | (n)<<5 | (d))
// smlal2 v{d}.4s, v{n}.8h, v{m}.h[{i}]
#define SMLAL2_HI(i, m, n, d) WORD $(0x4f402000 | ((i)&1)<<20 | ((i)>>1&1)<<21 | ((i)>>2)<<11 | (m)<<16 | (n)<<5 | (d))
// saddlp v{d}.4s, v{n}.8h
#define SADDLP_H(n, d) WORD $(0x4e602800 | (n)<<5 | (d))
// sadalp v{d}.4s, v{n}.8h
#define SADALP_H(n, d) WORD $(0x4e606800 | (n)<<5 | (d))
// saddlp v{d}.8h, v{n}.16b
#define SADDLP_B(n, d) WORD $(0x4e202800 | (n)<<5 | (d))
// mul v{d}.4s, v{n}.4s, v{m}.4s
#define MUL_S(m, n, d) WORD $(0x4ea09c00 | (m)<<16 | (n)<<5 | (d))
// mla v{d}.4s, v{n}.4s, v{m}.4s
#define MLA_S(m, n, d) WORD $(0x4ea09400 | (m)<<16 | (n)<<5 | (d))
// sshll v{d}.8h, v{n}.8b, #0
#define SXTL_B(n, d) WORD $(0x0f08a400 | (n)<<5 | (d))
// sshll2 v{d}.8h, v{n}.16b, #0
#define SXTL2_B(n, d) WORD $(0x4f08a400 | (n)<<5 | (d))
// sshll v{d}.4s, v{n}.4h, #0
#define SXTL_H(n, d) WORD $(0x0f10a400 | (n)<<5 | (d))
// sshll2 v{d}.4s, v{n}.8h, #0
#define SXTL2_H(n, d) WORD $(0x4f10a400 | (n)<<5 | (d))
// sshr v{d}.4s, v{n}.4s, #{i}
#define SSHR_S(i, n, d) WORD $(0x4f000400 | (64-(i))<<16 | (n)<<5 | (d))
// sshr v{d}.8h, v{n}.8h, #{i}
#define SSHR_H(i, n, d) WORD $(0x4f000400 | (32-(i))<<16 | (n)<<5 | (d))
// xtn v{d}.8b, v{n}.8h
#define XTN_H(n, d) WORD $(0x0e212800 | (n)<<5 | (d))
// xtn2 v{d}.16b, v{n}.8h
#define XTN2_H(n, d) WORD $(0x4e212800 | (n)<<5 | (d))
// xtn v{d}.4h, v{n}.4s
#define XTN_S(n, d) WORD $(0x0e612800 | (n)<<5 | (d))
// xtn2 v{d}.8h, v{n}.4s
#define XTN2_S(n, d) WORD $(0x4e612800 | (n)<<5 | (d))
// neg v{d}.4s, v{n}.4s
#define NEG_S(n, d) WORD $(0x6ea0b800 | (n)<<5 | (d))

// fadd v{d}.4s, v{n}.4s, v{m}.4s
#define FADD(m, n, d) WORD $(0x4e20d400 | (m)<<16 | (n)<<5 | (d))
// fsub v{d}.4s, v{n}.4s, v{m}.4s
#define FSUB(m, n, d) WORD $(0x4ea0d400 | (m)<<16 | (n)<<5 | (d))
// fmul v{d}.4s, v{n}.4s, v{m}.4s
#define FMUL(m, n, d) WORD $(0x6e20dc00 | (m)<<16 | (n)<<5 | (d))
// fmul v{d}.4s, v{n}.4s, v{m}.s[0]
#define FMUL_0(m, n, d) WORD $(0x4f809000 | (m)<<16 | (n)<<5 | (d))
// fdiv v{d}.4s, v{n}.4s, v{m}.4s
#define FDIV(m, n, d) WORD $(0x6e20fc00 | (m)<<16 | (n)<<5 | (d))
// fmax v{d}.4s, v{n}.4s, v{m}.4s
#define FMAX(m, n, d) WORD $(0x4e20f400 | (m)<<16 | (n)<<5 | (d))
// fmaxnm v{d}.4s, v{n}.4s, v{m}.4s
#define FMAXNM(m, n, d) WORD $(0x4e20c400 | (m)<<16 | (n)<<5 | (d))
// fmin v{d}.4s, v{n}.4s, v{m}.4s
#define FMIN(m, n, d) WORD $(0x4ea0f400 | (m)<<16 | (n)<<5 | (d))
// fmaxv s{d}, v{n}.4s
#define FMAXV(n, d) WORD $(0x6e30f800 | (n)<<5 | (d))
// fmaxnmv s{d}, v{n}.4s
#define FMAXNMV(n, d) WORD $(0x6e30c800 | (n)<<5 | (d))
// fabs v{d}.4s, v{n}.4s
#define FABS(n, d) WORD $(0x4ea0f800 | (n)<<5 | (d))
// fneg v{d}.4s, v{n}.4s
#define FNEG(n, d) WORD $(0x6ea0f800 | (n)<<5 | (d))
// fcmge v{d}.4s, v{n}.4s, v{m}.4s
#define FCMGE(m, n, d) WORD $(0x6e20e400 | (m)<<16 | (n)<<5 | (d))
// fmla v{d}.4s, v{n}.4s, v{m}.s[{i}]
#define FMLA_I(i, m, n, d) WORD $(0x4f801000 | ((i)&1)<<21 | ((i)>>1)<<11 | (m)<<16 | (n)<<5 | (d))
// scvtf v{d}.4s, v{n}.4s
#define SCVTF(n, d) WORD $(0x4e21d800 | (n)<<5 | (d))
// fcvtns v{d}.4s, v{n}.4s
#define FCVTNS(n, d) WORD $(0x4e21a800 | (n)<<5 | (d))
// fcvtl v{d}.4s, v{n}.4h
#define FCVTL(n, d) WORD $(0x0e217800 | (n)<<5 | (d))
// fcvtl2 v{d}.4s, v{n}.8h
#define FCVTL2(n, d) WORD $(0x4e217800 | (n)<<5 | (d))
// fcvtn v{d}.4h, v{n}.4s
#define FCVTN(n, d) WORD $(0x0e216800 | (n)<<5 | (d))
// fcvtn2 v{d}.8h, v{n}.4s
#define FCVTN2(n, d) WORD $(0x4e216800 | (n)<<5 | (d))
// fcmgt v{d}.4s, v{n}.4s, v{m}.4s
#define FCMGT(m, n, d) WORD $(0x6ea0e400 | (m)<<16 | (n)<<5 | (d))
// bic v{d}.16b, v{n}.16b, v{m}.16b
#define BIC(m, n, d) WORD $(0x4e601c00 | (m)<<16 | (n)<<5 | (d))
// shll v{d}.4s, v{n}.4h, #16
#define SHLL16(n, d) WORD $(0x2e613800 | (n)<<5 | (d))
// shll2 v{d}.4s, v{n}.8h, #16
#define SHLL16_2(n, d) WORD $(0x6e613800 | (n)<<5 | (d))
// ldr h{d}, [x{n}]
#define LDR_H(n, d) WORD $(0x7d400000 | (n)<<5 | (d))
