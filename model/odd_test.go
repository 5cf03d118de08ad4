package model

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"cllm/gguf"
	"cllm/gguf/gguftest"
)

// odd is a demo model as a file with other metadata and tensors: edit returns
// what becomes of a key's value or a tensor, and add what more there is.
type odd struct {
	base   string
	arch   string                      // another architecture
	key    func(key string, v any) any // nil: the key is left out
	tensor func(x gguf.Tensor) *gguf.Tensor
	add    func(b *gguftest.Builder)
}

func (o odd) file(t testing.TB) *gguf.File {
	t.Helper()
	return o.builder(t).Open(t)
}

func (o odd) builder(t testing.TB) *gguftest.Builder {
	t.Helper()
	from := openFile(t, o.base)
	arch, err := from.String("general.architecture")
	require.NoError(t, err)
	b := gguftest.New()
	for _, key := range from.Keys() {
		v, ok := from.Value(key)
		require.True(t, ok)
		if o.key != nil {
			v.Any = o.key(key, v.Any)
		}
		if o.arch != "" {
			key = strings.Replace(key, arch+".", o.arch+".", 1)
			if key == "general.architecture" {
				v.Any = o.arch
			}
		}
		if v.Any != nil {
			b.Set(key, v.Any)
		}
	}
	for _, x := range from.Tensors() {
		t := &x
		if o.tensor != nil {
			t = o.tensor(x)
		}
		if t != nil {
			b.Tensor(t.Name, t.Type, t.Data, t.Dims...)
		}
	}
	if o.add != nil {
		o.add(b)
	}
	return b
}

// hashes are those of the logits of a few tokens.
func (o odd) hashes(t testing.TB) []uint64 {
	t.Helper()
	m, err := Load(o.file(t))
	require.NoError(t, err)
	return newRig(t, m, rigOptions{threads: 2, maxTokens: 64, maxOutputs: 20, blocks: 2}).alone(randomTokens(1, 20, 4096), 20, 20)
}

// What files of other converters have, and llama.cpp runs: it gives the same
// logits, or those of a bias that is 0.
func TestOddFilesRun(t *testing.T) {
	const q2, q3 = "demo-qwen2-q4_k_m.gguf", "demo-qwen3-f16.gguf"
	q3Biases := func(b *gguftest.Builder) {
		c := open(t, q3).Config()
		for i := range c.Layers {
			for x, heads := range map[string]int{"q": c.Heads, "k": c.KVHeads, "v": c.KVHeads} {
				b.Tensor(fmt.Sprintf("blk.%d.attn_%s.bias", i, x), gguf.F32, nil, int64(heads*c.HeadDim))
			}
		}
	}
	fused := func(base string, kinds ...string) odd {
		from := openFile(t, base)
		parts := regexp.MustCompile(`attn_[qkv](` + strings.Join(kinds, "|") + ")$")
		return odd{base: base, tensor: func(x gguf.Tensor) *gguf.Tensor {
			if parts.MatchString(x.Name) {
				return nil
			}
			return &x
		}, add: func(b *gguftest.Builder) {
			for i := range open(t, base).Config().Layers {
				for _, kind := range kinds {
					var whole gguf.Tensor
					for _, name := range []string{"q", "k", "v"} {
						x, ok := from.Tensor(fmt.Sprintf("blk.%d.attn_%s%s", i, name, kind))
						require.True(t, ok)
						if whole.Data == nil {
							whole.Type, whole.Dims = x.Type, make([]int64, len(x.Dims))
						}
						copy(whole.Dims, x.Dims[:len(x.Dims)-1])
						whole.Dims[len(x.Dims)-1] += x.Dims[len(x.Dims)-1]
						whole.Data = slices.Concat(whole.Data, x.Data)
					}
					b.Tensor(fmt.Sprintf("blk.%d.attn_qkv%s", i, kind), whole.Type, whole.Data, whole.Dims...)
				}
			}
		}}
	}
	perLayer := func(key string, v any) any {
		n := open(t, q2).Config().Layers
		for _, name := range []string{"attention.head_count", "attention.head_count_kv", "feed_forward_length"} {
			if key == "qwen2."+name {
				list := make([]uint32, n)
				for i := range list {
					list[i] = v.(uint32)
				}
				return list
			}
		}
		return v
	}
	for name, o := range map[string]odd{
		"biases of qwen3": {base: q3, add: q3Biases},
		"output.bias":     {base: q2, add: func(b *gguftest.Builder) { b.Tensor("output.bias", gguf.F32, nil, 4096) }},
		"biases of o and down": {base: q2, add: func(b *gguftest.Builder) {
			c := open(t, q2).Config()
			b.Tensor("blk.0.attn_output.bias", gguf.F32, nil, int64(c.Hidden))
			b.Tensor("blk.1.ffn_down.bias", gguf.F32, nil, int64(c.Hidden))
			b.Tensor("blk.1.ffn_up.bias", gguf.F32, nil, int64(c.FFN))
			b.Tensor("blk.0.ffn_gate.bias", gguf.F32, nil, int64(c.FFN))
		}},
		"arrays of a value for each layer": {base: q2, key: perLayer},
		"q, k and v fused":                 fused("demo-qwen2-q8_0.gguf", ".weight", ".bias"),
		"q, k and v fused, biases apart":   fused("demo-qwen2-q8_0.gguf", ".weight"),
		"q, k and v fused, no biases":      fused("demo-qwen3-f16.gguf", ".weight"),
		"tensors without effect": {base: q2, add: func(b *gguftest.Builder) {
			b.Tensor("rope_freqs.weight", gguf.F32, nil, 16).Tensor("blk.0.attn_rot_embd.weight", gguf.F32, nil, 16)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, odd{base: o.base}.hashes(t), o.hashes(t))
		})
	}
	t.Run("warning", func(t *testing.T) {
		m, err := Load(odd{base: q2, add: func(b *gguftest.Builder) {
			b.Tensor("rope_freqs.weight", gguf.F32, nil, 16).Tensor("cls.output.weight", gguf.F32, nil, 16)
		}}.file(t))
		require.NoError(t, err)
		require.Equal(t, []string{"ignored are the tensors rope_freqs.weight, cls.output.weight"}, m.Warnings())
	})
}

// A bias that the file leaves out is as one of zeros.
func TestFilesWithoutBiases(t *testing.T) {
	for _, which := range []string{".bias", "attn_k.bias", "blk.0.attn_v.bias"} {
		without := odd{base: "demo-qwen2-q4_k_m.gguf", tensor: func(x gguf.Tensor) *gguf.Tensor {
			if strings.HasSuffix(x.Name, which) {
				return nil
			}
			return &x
		}}
		zeros := odd{base: "demo-qwen2-q4_k_m.gguf", tensor: func(x gguf.Tensor) *gguf.Tensor {
			if strings.HasSuffix(x.Name, which) {
				x.Data = make([]byte, len(x.Data))
			}
			return &x
		}}
		require.Equal(t, zeros.hashes(t), without.hashes(t), which)
	}
}

// Every product takes its bias: with output.bias the logits are those without
// it, and the bias; a bias of down moves what comes after.
func TestBiasesAreAdded(t *testing.T) {
	bias := make([]float32, 4096)
	for i := range bias {
		bias[i] = float32(i%7) - 3
	}
	logits := func(o odd) [][]float32 {
		m, err := Load(o.file(t))
		require.NoError(t, err)
		var rows [][]float32
		for _, row := range newRig(t, m, rigOptions{threads: 2, maxTokens: 8, maxOutputs: 3, blocks: 1}).
			forward(Span{Tokens: []int32{1, 2, 3}, Blocks: []int32{0}, Logits: 3}) {
			rows = append(rows, append([]float32(nil), row...))
		}
		return rows
	}
	const base = "demo-qwen2-q4_k_m.gguf"
	want := logits(odd{base: base})
	got := logits(odd{base: base, add: func(b *gguftest.Builder) {
		b.Tensor("output.bias", gguf.F32, gguftest.Floats(bias), 4096)
	}})
	for r, row := range want {
		for i, x := range row {
			require.Equal(t, x+bias[i], got[r][i])
		}
	}
	c := open(t, base).Config()
	for name, n := range map[string]int{"attn_output": c.Hidden, "ffn_gate": c.FFN, "ffn_up": c.FFN, "ffn_down": c.Hidden} {
		moved := logits(odd{base: base, add: func(b *gguftest.Builder) {
			b.Tensor("blk.0."+name+".bias", gguf.F32, gguftest.Floats(bias[:n]), int64(n))
		}})
		require.NotEqual(t, want, moved, name)
	}
}

// A file that shrinks between its opening and Load gives an error: norms and
// biases that are not F32 are read there.
func TestLoadOfATruncatedFile(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("windows does not let a mapped file shrink")
	}
	for _, kind := range []gguf.Type{gguf.F16, gguf.BF16} {
		data := odd{base: "demo-qwen2-q4_k_m.gguf", tensor: func(x gguf.Tensor) *gguf.Tensor {
			if len(x.Dims) == 1 {
				x.Type, x.Data = kind, nil
			}
			return &x
		}}.builder(t).Bytes()
		path := filepath.Join(t.TempDir(), "model.gguf")
		require.NoError(t, os.WriteFile(path, data, 0o600))
		f, err := gguf.Open(path)
		require.NoError(t, err)
		defer f.Close()
		_, err = Load(f)
		require.NoError(t, err)
		require.NoError(t, os.Truncate(path, int64(len(data)/2)))
		_, err = Load(f)
		var fault *gguf.FaultError
		require.ErrorAs(t, err, &fault)
		require.ErrorContains(t, err, "truncated")
	}
}

func TestLayersThatDiffer(t *testing.T) {
	for want, list := range map[string]any{
		"qwen2.attention.head_count_kv: 1 in layer 0 and 2 in layer 1: layers that differ are not supported": []int32{1, 2},
		"qwen2.attention.head_count_kv: an array of 3 values, needed is one for each of the 2 layers":        []uint32{1, 1, 1},
		"qwen2.attention.head_count_kv: an array of 0 values, needed is one for each of the 2 layers":        []uint32{},
		"qwen2.attention.head_count_kv: 0 is outside [1, 4096]":                                              []int16{-1, -1},
		"qwen2.attention.head_count_kv at byte":                                                              []string{"1", "1"},
	} {
		_, err := Load(small(t, "qwen2", map[string]any{"qwen2.attention.head_count_kv": list}))
		require.ErrorContains(t, err, want)
	}
	m, err := Load(small(t, "qwen2", map[string]any{"qwen2.attention.head_count_kv": []int32{1, 1}, "qwen2.rope.freq_base": []float32{500, 500}}))
	require.NoError(t, err)
	require.Equal(t, 1, m.Config().KVHeads)
	require.Equal(t, 500.0, m.Config().RopeTheta)
	_, err = Load(small(t, "qwen2", map[string]any{"qwen2.block_count": []uint32{2, 2}}))
	require.ErrorContains(t, err, "qwen2.block_count")
}

func TestFactorsOfFrequenciesThatAreNone(t *testing.T) {
	nan := float32(math.NaN())
	for _, bad := range []float32{0, -1, nan, float32(math.Inf(1))} {
		factors := make([]float32, 16)
		for i := range factors {
			factors[i] = 1
		}
		factors[5] = bad
		f := small(t, "llama", map[string]any{"rope_freqs.weight": weights(factors)})
		_, err := Load(f)
		require.ErrorContains(t, err, "factor 5 of the rotation's frequencies is")
	}
	_, err := Load(small(t, "llama", map[string]any{"rope_freqs.weight": make(weights, 15)}))
	require.ErrorContains(t, err, "has 15 values, the metadata says 16")
	_, err = Load(small(t, "llama", map[string]any{"llama.expert_count": uint32(8)}))
	require.ErrorContains(t, err, "llama.expert_count: 8 experts are not supported")
}
