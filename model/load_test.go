package model

import (
	"bytes"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"cllm/gguf"
	"cllm/gguf/gguftest"
	"cllm/kernels"
	"cllm/tensor"
)

// small is the smallest of models: two layers, 64 wide, 2 heads of 32, one KV
// head, 8 tokens. Entries of change replace or (nil) remove metadata keys and
// tensors; a tensor is given by its dims, or as weights by its values.
func small(t testing.TB, arch string, change map[string]any) *gguf.File {
	t.Helper()
	return smallBuilder(arch, change).Open(t)
}

func smallBuilder(arch string, change map[string]any) *gguftest.Builder {
	entries := map[string]any{
		"general.architecture":                     arch,
		arch + ".block_count":                      uint32(2),
		arch + ".context_length":                   uint32(128),
		arch + ".embedding_length":                 uint32(64),
		arch + ".feed_forward_length":              uint32(96),
		arch + ".attention.head_count":             uint32(2),
		arch + ".attention.head_count_kv":          uint32(1),
		arch + ".attention.layer_norm_rms_epsilon": float32(1e-6),
		"tokenizer.ggml.tokens":                    []string{"a", "b", "c", "d", "e", "f", "g", "h"},
		"token_embd.weight":                        []int64{64, 8},
		"output_norm.weight":                       []int64{64},
	}
	for i := range 2 {
		for name, dims := range map[string][]int64{
			"attn_norm.weight": {64}, "attn_q.weight": {64, 64}, "attn_k.weight": {64, 32}, "attn_v.weight": {64, 32},
			"attn_q.bias": {64}, "attn_k.bias": {32}, "attn_v.bias": {32}, "attn_output.weight": {64, 64},
			"ffn_norm.weight": {64}, "ffn_gate.weight": {64, 96}, "ffn_up.weight": {64, 96}, "ffn_down.weight": {96, 64},
		} {
			entries[fmt.Sprintf("blk.%d.%s", i, name)] = dims
		}
	}
	maps.Copy(entries, change)
	b := gguftest.New()
	for _, name := range slices.Sorted(maps.Keys(entries)) {
		switch v := entries[name].(type) {
		case nil:
		case []int64:
			b.Tensor(name, gguf.F32, nil, v...)
		case weights:
			b.Tensor(name, gguf.F32, gguftest.Floats(v), int64(len(v)))
		default:
			b.Set(name, v)
		}
	}
	return b
}

type weights []float32

func TestLoadSmall(t *testing.T) {
	m, err := Load(small(t, "qwen2", nil))
	require.NoError(t, err)
	c := m.Config()
	require.Equal(t, Config{
		Arch: "qwen2", Layers: 2, Hidden: 64, Heads: 2, KVHeads: 1, HeadDim: 32, FFN: 96, Vocab: 8, Context: 128,
		RMSEps: 1e-6, RopeTheta: 10000, RopeDims: 32, Tied: true,
		RopeScale: RopeScaling{Type: "linear", Factor: 1, OrigContext: 128, AttnFactor: 1},
		Params:    c.Params, WeightBytes: 4 * c.Params,
		queryScale: 1 / math.Sqrt(32), angles: 16,
	}, c)
	require.EqualValues(t, 64*8+64+2*(2*64+2*64*64+2*32*64+64+2*32+3*64*96), c.Params)

	m, err = Load(small(t, "qwen2", map[string]any{"output.weight": []int64{64, 8}}))
	require.NoError(t, err)
	require.False(t, m.Config().Tied)
}

func TestLoadRefuses(t *testing.T) {
	for _, c := range []struct {
		change map[string]any
		want   []string
	}{
		{map[string]any{"general.architecture": nil}, []string{"general.architecture is not in the file"}},
		{map[string]any{"general.architecture": "mamba"}, []string{`architecture "mamba" is not supported`, "llama, qwen2, qwen3"}},
		{map[string]any{"qwen2.block_count": nil, "qwen2.attention.layer_norm_rms_epsilon": nil},
			[]string{"lacks the metadata keys qwen2.block_count, qwen2.attention.layer_norm_rms_epsilon"}},
		{map[string]any{"qwen2.block_count": "2"}, []string{"qwen2.block_count", "string", "integer"}},
		{map[string]any{"qwen2.block_count": uint32(0)}, []string{"qwen2.block_count: 0 is outside [1, 4096]"}},
		{map[string]any{"qwen2.block_count": uint32(3000)}, []string{"blk.2.attn_norm.weight", "and", "more"}},
		{map[string]any{"qwen2.embedding_length": uint64(1) << 63}, []string{"qwen2.embedding_length: 9223372036854775808"}},
		{map[string]any{"qwen2.embedding_length": uint32(96)}, []string{"qwen2.attention.key_length", "head size is 48"}},
		{map[string]any{"qwen2.embedding_length": uint32(65)}, []string{"key_length"}},
		{map[string]any{"qwen2.context_length": uint32(0xFFFFFFFF)}, []string{"qwen2.context_length: 4294967295 is outside [1, 16777216]"}},
		{map[string]any{"qwen2.attention.head_count_kv": uint32(3)}, []string{"2 query heads", "3 key/value heads"}},
		{map[string]any{"qwen2.attention.head_count_kv": uint32(0)}, []string{"head_count_kv: 0"}},
		{map[string]any{"qwen2.attention.value_length": uint32(64)}, []string{"values of 64 and keys of 32"}},
		{map[string]any{"qwen2.rope.dimension_count": uint32(64)}, []string{"64 dimensions cannot be rotated in a head of 32"}},
		{map[string]any{"qwen2.rope.freq_base": float32(-1)}, []string{"qwen2.rope.freq_base: -1"}},
		{map[string]any{"qwen2.rope.scaling.type": "longrope"}, []string{`"longrope" is not supported`, "yarn"}},
		{map[string]any{"qwen2.rope.scaling.factor": float32(-2)}, []string{"rope.scaling.factor: -2"}},
		{map[string]any{"tokenizer.ggml.tokens": []string{"a"}}, []string{"8 rows", "1 tokens"}},
		{map[string]any{"token_embd.weight": nil}, []string{"token_embd.weight"}},
		{map[string]any{"blk.0.attn_k.weight": nil, "blk.1.ffn_up.weight": nil},
			[]string{"lacks the tensors blk.0.attn_k.weight, blk.1.ffn_up.weight"}},
		{map[string]any{"blk.1.ffn_up.weight": []int64{64, 95}}, []string{`"blk.1.ffn_up.weight" is 95 x 64, the metadata says 96 x 64`}},
		{map[string]any{"blk.1.attn_qkv.weight": []int64{64, 127}}, []string{`"blk.1.attn_qkv.weight" is 127 x 64, the metadata says 128 x 64`}},
		{map[string]any{"blk.1.attn_qkv.weight": []int64{64, 128}}, []string{"no use for the tensors blk.1.attn_k.weight, blk.1.attn_q.weight, blk.1.attn_v.weight"}},
		{map[string]any{"blk.1.ffn_norm.weight": []int64{63}}, []string{"has 63 values, the metadata says 64"}},
		{map[string]any{"blk.1.ffn_norm.weight": []int64{64, 1}}, []string{"2 dimensions, want a vector"}},
		{map[string]any{"blk.0.attn_q_norm.weight": []int64{32}}, []string{"qwen2 has no use for the tensors blk.0.attn_q_norm.weight"}},
	} {
		f := small(t, "qwen2", c.change)
		_, err := Load(f)
		require.Error(t, err)
		require.Equal(t, 1, strings.Count(err.Error(), f.Path()), "the path once: %v", err)
		require.NotContains(t, err.Error(), "\n")
		for _, want := range c.want {
			require.ErrorContains(t, err, want)
		}
	}
}

// The angles are those of ggml's rope for a head of 128, theta 1e6, position
// 1000; they were recorded from a port of it.
func TestRopeScaling(t *testing.T) {
	c := Config{HeadDim: 128, RopeDims: 128, RopeTheta: 1e6}
	for _, v := range []struct {
		scaling RopeScaling
		want    map[int][2]float64 // cos and sin of dimensions
	}{
		{RopeScaling{Type: "yarn", Factor: 4, OrigContext: 32768, AttnFactor: 1},
			map[int][2]float64{0: {0.64034, 0.94151}, 20: {0.81836, 0.79169}, 30: {0.55231, 0.99571}, 38: {1.13375, 0.10531}, 50: {1.13861, 0.00585}}},
		{RopeScaling{Type: "linear", Factor: 4, OrigContext: 32768, AttnFactor: 1},
			map[int][2]float64{0: {0.24099, -0.97053}, 20: {-0.98158, -0.19103}, 30: {0.92681, 0.37554}, 38: {0.99766, 0.06841}}},
		{RopeScaling{Type: "linear", Factor: 1, OrigContext: 32768, AttnFactor: 1},
			map[int][2]float64{0: {0.56238, 0.82688}, 20: {0.71872, 0.6953}, 30: {0.03087, 0.99952}, 50: {0.99979, 0.02053}}},
	} {
		c.RopeScale = v.scaling
		r := newRotation(c, neox, nil)
		cos, sin, qcos, qsin := make([]float32, 64), make([]float32, 64), make([]float32, 64), make([]float32, 64)
		r.angles(1000, 0.5, cos, sin, qcos, qsin)
		for i, want := range v.want {
			require.InDelta(t, want[0], cos[i], 2e-4, "%v cos %d", v.scaling, i)
			require.InDelta(t, want[1], sin[i], 2e-4, "%v sin %d", v.scaling, i)
			require.Equal(t, cos[i]/2, qcos[i])
			require.Equal(t, sin[i]/2, qsin[i])
		}
	}
	m, err := Load(small(t, "qwen2", map[string]any{
		"qwen2.rope.scaling.type": "yarn", "qwen2.rope.scaling.factor": float32(4),
		"qwen2.rope.scaling.original_context_length": uint32(32),
	}))
	require.NoError(t, err)
	require.Equal(t, RopeScaling{Type: "yarn", Factor: 4, OrigContext: 32, AttnFactor: 1}, m.Config().RopeScale)
}

// A model file that is cut short while it is in use fails the step, not the
// process, and the runner's pool goes on.
func TestForwardOnATruncatedFile(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("a file that is mapped cannot be cut short there")
	}
	data, err := os.ReadFile(filepath.Join("..", "testdata", "demo-qwen2-q4_k_m.gguf"))
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "model.gguf")
	require.NoError(t, os.WriteFile(path, data, 0o600))
	f, err := gguf.Open(path)
	require.NoError(t, err)
	defer f.Close()
	m, err := Load(f)
	require.NoError(t, err)
	r := newRig(t, m, rigOptions{threads: 2, maxTokens: 8, maxOutputs: 1, blocks: 1})
	span := Span{Tokens: []int32{1, 2, 3}, Blocks: []int32{0}, Logits: 1}
	want := Hash(r.forward(span)[0])

	require.NoError(t, os.Truncate(path, int64(len(data)/2)))
	_, err = r.Forward(&Batch{Spans: []Span{span}})
	var fault *tensor.Fault
	require.ErrorAs(t, err, &fault)
	if runtime.GOARCH == "amd64" || !strings.Contains(err.Error(), "nil pointer") { // an emulator may not tell the address
		require.ErrorContains(t, err, "model file was cut short")
	}

	require.NoError(t, os.WriteFile(path, data, 0o600))
	require.Equal(t, want, Hash(r.forward(span)[0]))
}

func TestRunnerRefuses(t *testing.T) {
	m, err := Load(small(t, "qwen2", nil))
	require.NoError(t, err)
	c := m.Config()
	k, err := kernels.Select("")
	require.NoError(t, err)
	pool := tensor.NewPool(1, k, c.MaxK())
	defer pool.Close()

	_, err = NewKVCache(c, kernels.KVF16, 0)
	require.ErrorContains(t, err, "0 blocks")
	_, err = NewKVCache(c, kernels.KVF16, 1<<60)
	require.Error(t, err)
	_, err = NewKVCache(c, kernels.NumKVFormats, 1)
	require.ErrorContains(t, err, "KV format")

	c.KVHeads = 2
	kv, err := NewKVCache(c, kernels.KVF16, 2)
	require.NoError(t, err)
	defer kv.Close()
	_, err = NewRunner(m, kv, pool, 8, 1)
	require.ErrorContains(t, err, "the KV cache is for 2 layers of 2 heads of 32, the model has 2, 1 and 32")
	kv2, err := NewKVCache(m.Config(), kernels.KVF16, 2)
	require.NoError(t, err)
	defer kv2.Close()
	_, err = NewRunner(m, kv2, pool, 8, 9)
	require.ErrorContains(t, err, "8 tokens and give 9 outputs")
}

// Loading maps and checks; it reads no weights.
func TestLoadingARealModelIsQuick(t *testing.T) {
	open(t, "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf") // warm
	start := time.Now()
	m := open(t, "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf")
	require.Less(t, time.Since(start), 300*time.Millisecond)
	require.Equal(t, 24, m.Config().Layers)
	require.False(t, m.Config().Tied)
	require.Equal(t, "Q4_K_M", m.Config().FileType)
}

func TestScratchBytesBoundsWhatIsTaken(t *testing.T) {
	m := open(t, "demo-qwen2-q4_k_m.gguf")
	c := m.Config()
	k, err := kernels.Select("")
	require.NoError(t, err)
	for _, o := range []struct{ threads, tokens, outputs int }{{1, 8, 1}, {2, 512, 64}, {16, 64, 64}} {
		kv, err := NewKVCache(c, kernels.KVQ8, 1)
		require.NoError(t, err)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		pool := tensor.NewPool(o.threads, k, c.MaxK())
		r, err := NewRunner(m, kv, pool, o.tokens, o.outputs)
		require.NoError(t, err)
		runtime.ReadMemStats(&after)
		taken, bound := int64(after.TotalAlloc-before.TotalAlloc), ScratchBytes(c, o.threads, o.tokens, o.outputs)
		require.LessOrEqual(t, taken, bound, "%+v", o)
		require.Greater(t, taken, bound*2/3, "%+v: the bound is far off", o)
		runtime.KeepAlive(r)
		pool.Close()
		require.NoError(t, kv.Close())
	}
}

// No file ends the process: what [gguf.Parse] takes, Load takes or refuses.
// Weights are zeros, which the fuzzer need not see.
func FuzzLoad(f *testing.F) {
	zeros := make([]byte, 320<<10)
	for arch := range architectures {
		for _, change := range []map[string]any{
			nil,
			{"rope_freqs.weight": make(weights, 16), "output.bias": []int64{8}},
			{arch + ".rope.scaling.type": "yarn", arch + ".rope.scaling.factor": float32(2), "blk.0.attn_qkv.weight": []int64{64, 128}},
		} {
			f.Add(bytes.TrimRight(smallBuilder(arch, change).Bytes(), "\x00"))
		}
	}
	f.Fuzz(func(t *testing.T, header []byte) {
		file, err := gguf.Parse("fuzz.gguf", slices.Concat(header, zeros))
		if err != nil {
			return
		}
		m, err := Load(file)
		require.Equal(t, err == nil, m != nil)
	})
}
