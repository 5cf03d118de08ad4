package gguf_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"cllm/gguf"
	"cllm/gguf/gguftest"
)

// GGML_QUANT_SIZES of llama.cpp v0.5.0 (gguf-py): id, name, elements and
// bytes of a block.
const sizes = `
0 F32 1 4
1 F16 1 2
2 Q4_0 32 18
3 Q4_1 32 20
6 Q5_0 32 22
7 Q5_1 32 24
8 Q8_0 32 34
9 Q8_1 32 36
10 Q2_K 256 84
11 Q3_K 256 110
12 Q4_K 256 144
13 Q5_K 256 176
14 Q6_K 256 210
15 Q8_K 256 292
16 IQ2_XXS 256 66
17 IQ2_XS 256 74
18 IQ3_XXS 256 98
19 IQ1_S 256 50
20 IQ4_NL 32 18
21 IQ3_S 256 110
22 IQ2_S 256 82
23 IQ4_XS 256 136
24 I8 1 1
25 I16 1 2
26 I32 1 4
27 I64 1 8
28 F64 1 8
29 IQ1_M 256 56
30 BF16 1 2
34 TQ1_0 256 54
35 TQ2_0 256 66
39 MXFP4 32 17
40 NVFP4 64 36
41 Q1_0 128 18
42 Q2_0 64 18
`

func TestTypes(t *testing.T) {
	var known strings.Builder
	known.WriteString("\n")
	for id := range gguf.Type(1000) {
		if id.BlockLen() == 0 {
			require.Zero(t, id.BlockBytes())
			require.False(t, id.Quantized())
			continue
		}
		fmt.Fprintln(&known, uint32(id), id, id.BlockLen(), id.BlockBytes())
		require.Equal(t, id.BlockLen() > 1, id.Quantized())
		f := gguftest.New().Tensor("x", id, nil, int64(3*id.BlockLen()), 2).Open(t)
		require.Len(t, f.Tensors()[0].Data, 6*id.BlockBytes())
	}
	require.Equal(t, sizes, known.String())
	require.Equal(t, "type 77", gguf.Type(77).String())
	require.Equal(t, "Q4_0_4_4", gguf.Type(31).String())
}

func TestFileType(t *testing.T) {
	for want, set := range map[string]any{"Q4_K_M": uint32(15), "F32": uint8(0), "": "x"} {
		require.Equal(t, want, gguftest.New().Set("general.file_type", set).Open(t).FileType())
	}
	for _, unknown := range []uint64{5, 42, 1024, 1 << 63} {
		require.Empty(t, gguftest.New().Set("general.file_type", unknown).Open(t).FileType())
	}
	require.Empty(t, gguftest.New().Open(t).FileType())
}

// Every number type comes back from an array as it went in.
func TestArrays(t *testing.T) {
	for _, list := range []any{
		[]uint8{0, 255}, []int8{-128, 127}, []uint16{0, 65535}, []int16{-32768, 32767},
		[]uint32{0, 1<<32 - 1}, []int32{-1 << 31, 1<<31 - 1}, []uint64{0, 1 << 63}, []int64{-1 << 63, 1<<63 - 1},
		[]float32{1e-45, 3e38}, []float64{5e-324, 1e308}, []bool{false, true}, []string{"", "x"},
	} {
		f := gguftest.New().Set("list", list).Open(t)
		v, ok := f.Value("list")
		require.True(t, ok)
		require.Equal(t, list, v.Any)
		require.Equal(t, fmt.Sprintf("%T", list), v.TypeName())
	}
}
