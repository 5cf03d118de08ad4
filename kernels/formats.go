package kernels

// Formats describes every format: its layout, its activations, its reference
// decoder and, within, its generic product. A new format is a row here and the
// function that unpacks a block of it.
var Formats = [NumFormats]Info{
	F32:    floats("F32", 4, loadF32),
	F16:    floats("F16", 2, loadF16),
	BF16:   floats("BF16", 2, loadBF16),
	Q4_0:   blocks("Q4_0", 18, false, unpackQ4_0),
	Q4_1:   blocks("Q4_1", 20, true, unpackQ4_1),
	Q5_0:   blocks("Q5_0", 22, false, unpackQ5_0),
	Q5_1:   blocks("Q5_1", 24, true, unpackQ5_1),
	Q8_0:   blocks("Q8_0", 34, false, unpackQ8_0),
	Q2_K:   superBlocks("Q2_K", 84, true, unpackQ2_K),
	Q3_K:   superBlocks("Q3_K", 110, false, unpackQ3_K),
	Q4_K:   superBlocks("Q4_K", 144, true, unpackQ4_K),
	Q5_K:   superBlocks("Q5_K", 176, true, unpackQ5_K),
	Q6_K:   superBlocks("Q6_K", 210, false, unpackQ6_K),
	IQ4_NL: blocks("IQ4_NL", 18, false, unpackIQ4_NL),
	IQ4_XS: superBlocks("IQ4_XS", 136, false, unpackIQ4_XS),
}

// String is ggml's name of the format.
func (f Format) String() string {
	if f >= NumFormats {
		return "unknown format"
	}
	return Formats[f].Name
}
