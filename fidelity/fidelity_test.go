package fidelity_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"cllm/fidelity"
	"cllm/gguf"
	"cllm/gguf/gguftest"
	"cllm/kernels"
	"cllm/model"
	"cllm/tensor"
	"cllm/tokenizer"
)

const tale = "../testdata/golden/tale.txt"

// opened is a model file with what was read from it.
type opened struct {
	model     *model.Model
	tokenizer *tokenizer.Tokenizer
}

func read(t testing.TB, f *gguf.File) opened {
	t.Cleanup(func() { f.Close() })
	m, err := model.Load(f)
	require.NoError(t, err)
	tok, err := tokenizer.New(f)
	require.NoError(t, err)
	return opened{m, tok}
}

func open(t testing.TB, path string) opened {
	f, err := gguf.Open(path)
	require.NoError(t, err)
	return read(t, f)
}

// dequantized is a model file with its matrices in F32.
func dequantized(t testing.TB, path string) opened {
	f, err := gguf.Open(path)
	require.NoError(t, err)
	defer f.Close()
	b := gguftest.New()
	for _, key := range f.Keys() {
		v, ok := f.Value(key)
		require.True(t, ok, key)
		b.Set(key, v.Any)
	}
	for _, tens := range f.Tensors() {
		data, kind := tens.Data, tens.Type
		if m, err := tensor.NewMatrix(tens); err == nil {
			row := make([]float32, m.Cols)
			data, kind = nil, gguf.F32
			for i := range m.Rows {
				m.Row(row, i)
				for _, v := range row {
					data = binary.LittleEndian.AppendUint32(data, math.Float32bits(v))
				}
			}
		}
		b.Tensor(tens.Name, kind, data, tens.Dims...)
	}
	return read(t, b.Open(t))
}

func (o opened) evaluator(t testing.TB, format kernels.KVFormat, threads, window int) *fidelity.Evaluator {
	k, err := kernels.Select("")
	require.NoError(t, err)
	e, err := fidelity.NewEvaluator(o.model, k, format, threads, window)
	require.NoError(t, err)
	t.Cleanup(func() { e.Close() })
	return e
}

func (o opened) text(t testing.TB) fidelity.Text {
	raw, err := os.ReadFile(tale)
	require.NoError(t, err)
	return fidelity.Text{Tokens: o.tokenizer.Encode(nil, string(raw), false), BOS: -1}
}

// base returns a base file of a model's predictions.
func (o opened) base(t testing.TB, window int) []byte {
	var out bytes.Buffer
	_, err := o.evaluator(t, kernels.KVF32, 2, window).Perplexity(context.Background(), o.text(t), &out, nil)
	require.NoError(t, err)
	return out.Bytes()
}

func (o opened) diverge(t testing.TB, base []byte, format kernels.KVFormat) *fidelity.Divergence {
	b, err := fidelity.OpenBase(bytes.NewReader(base), int64(len(base)))
	require.NoError(t, err)
	d, err := o.evaluator(t, format, 2, b.Window).Diverge(context.Background(), b, -1, nil)
	require.NoError(t, err)
	return d
}

// What the arithmetic of products and of the cache costs, on weights that are the same: the model of
// each type beside its own weights in F32. The bounds are about twice the worst that was found in a
// group. (A base file's steps alone give up to 1e-6.)
func TestDemoModelsStayNearTheirWeights(t *testing.T) {
	const window = 128
	kvTypes := []struct {
		name string
		kind kernels.KVFormat
	}{{"f32", kernels.KVF32}, {"f16", kernels.KVF16}, {"q8_0", kernels.KVQ8}}
	groups := []struct {
		types string     // that a model's name ends in
		kl    [3]float64 // by KV type, the mean
		same  float64    // share of the same likeliest token
	}{
		{"f32 f16 bf16", [3]float64{5e-6, 5e-6, 6e-5}, 0.99},
		{"q4_0 q4_1 q5_0 q5_1 q8_0 iq4_nl", [3]float64{4e-4, 4e-4, 4e-4}, 0.96}, // activations in blocks of 32
		{"", [3]float64{1.2e-3, 1.2e-3, 1.2e-3}, 0.955},                         // in blocks of 256
	}
	paths, err := filepath.Glob("../testdata/demo-*.gguf")
	require.NoError(t, err)
	if dir := os.Getenv("CLLM_TEST_MODELS"); dir != "" && !testing.Short() {
		more, err := filepath.Glob(filepath.Join(dir, "demo-*.gguf"))
		require.NoError(t, err)
		paths = append(paths, more...)
	}
	require.GreaterOrEqual(t, len(paths), 4)
	for _, path := range paths {
		name := strings.TrimSuffix(filepath.Base(path), ".gguf")
		t.Run(name, func(t *testing.T) {
			base := dequantized(t, path).base(t, window)
			o := open(t, path)
			for i, kv := range kvTypes {
				d := o.diverge(t, base, kv.kind)
				for _, g := range groups {
					if !slices.ContainsFunc(strings.Fields(g.types), func(s string) bool { return strings.HasSuffix(name, "-"+s) }) && g.types != "" {
						continue
					}
					t.Logf("KV %-4s: %d positions, mean KL %.7f ± %.7f, 99%% %.6f, same first %.4f, PPL %.4f, base %.4f", kv.name, d.Positions,
						d.KL.Mean.Value, d.KL.Mean.Error, d.KL.Quantiles["99%"], d.SameFirst.Value, d.Perplexity.Value, d.Base.Value)
					require.Less(t, math.Abs(d.KL.Mean.Value), g.kl[i], "mean KL, KV %s", kv.name)
					require.GreaterOrEqual(t, d.SameFirst.Value, g.same, "same first, KV %s", kv.name)
					require.InDelta(t, 0, d.LogRatio.Value, max(4*d.LogRatio.Error, 1e-5), "perplexity, KV %s", kv.name)
					break
				}
			}
		})
	}
}

// The record is llama.cpp's own:
//
//	llama-perplexity -m testdata/demo-qwen3-f16.gguf -f testdata/golden/tale.txt -c 8 --chunks 3 \
//	  --kl-divergence-base testdata/golden/demo-qwen3-f16.base
//
// which reported a perplexity of 40.9622 ± 40.5512.
func TestBaseOfLlamaCpp(t *testing.T) {
	theirs, err := os.ReadFile("../testdata/golden/demo-qwen3-f16.base")
	require.NoError(t, err)
	o := open(t, "../testdata/demo-qwen3-f16.gguf")
	d := o.diverge(t, theirs, kernels.KVF32)
	require.Equal(t, 3*fidelity.Counted(8), d.Positions)
	require.InDelta(t, 40.9622, d.Base.Value, 0.01)
	require.InDelta(t, 40.5512, d.Base.Error, 0.01)
	require.InDelta(t, d.Base.Value, d.Perplexity.Value, 0.02)
	require.Less(t, math.Abs(d.KL.Mean.Value), 2e-5)
	require.Equal(t, 1.0, d.SameFirst.Value)

	// Ours is the same but for the floats' last bits.
	var out bytes.Buffer
	text := o.text(t)
	text.Windows = 3
	_, err = o.evaluator(t, kernels.KVF16, 1, 8).Perplexity(context.Background(), text, &out, nil)
	require.NoError(t, err)
	ours := out.Bytes()
	require.Len(t, ours, len(theirs))
	const head = 20 + 4*3*8
	require.Equal(t, theirs[:head], ours[:head])
	row := 8 + 2*o.model.Config().Vocab
	for at := head; at < len(theirs); at += row {
		for i := range 2 {
			a := math.Float32frombits(binary.LittleEndian.Uint32(theirs[at+4*i:]))
			b := math.Float32frombits(binary.LittleEndian.Uint32(ours[at+4*i:]))
			require.InEpsilon(t, a, b, 0.01)
		}
		worst := 0
		for i := at + 8; i < at+row; i += 2 {
			a, b := int(binary.LittleEndian.Uint16(theirs[i:])), int(binary.LittleEndian.Uint16(ours[i:]))
			worst = max(worst, a-b, b-a)
		}
		require.Less(t, worst, 65536/100)
	}
}

// However many threads and whatever was computed before, the figures are the same bits.
func TestFiguresAreTheSame(t *testing.T) {
	o := open(t, "../testdata/demo-qwen2-q8_0.gguf")
	base := o.base(t, 64)
	require.Equal(t, base, o.base(t, 64))
	b, err := fidelity.OpenBase(bytes.NewReader(base), int64(len(base)))
	require.NoError(t, err)
	one, err := o.evaluator(t, kernels.KVF16, 1, 64).Diverge(context.Background(), b, -1, nil)
	require.NoError(t, err)
	require.Equal(t, one, o.diverge(t, base, kernels.KVF16))
}

func TestBOSBeginsEachWindow(t *testing.T) {
	o := open(t, "../testdata/demo-qwen2-q8_0.gguf")
	text := o.text(t)
	e := o.evaluator(t, kernels.KVF16, 2, 64)
	plain, err := e.Perplexity(context.Background(), text, nil, nil)
	require.NoError(t, err)
	text.BOS = o.tokenizer.BOS()
	var base bytes.Buffer
	with, err := e.Perplexity(context.Background(), text, &base, nil)
	require.NoError(t, err)
	require.NotEqual(t, plain, with)

	for i := 0; i < len(text.Tokens); i += 64 {
		text.Tokens[i] = text.BOS
	}
	text.BOS = -1
	same, err := e.Perplexity(context.Background(), text, nil, nil)
	require.NoError(t, err)
	require.Equal(t, same, with)

	b, err := fidelity.OpenBase(bytes.NewReader(base.Bytes()), int64(base.Len()))
	require.NoError(t, err)
	d, err := e.Diverge(context.Background(), b, o.tokenizer.BOS(), nil)
	require.NoError(t, err)
	require.InDelta(t, 0, d.KL.Mean.Value, 1e-5, "but for the steps of the file")
}

func TestRefused(t *testing.T) {
	o := open(t, "../testdata/demo-qwen2-q8_0.gguf")
	k, err := kernels.Select("")
	require.NoError(t, err)
	for _, window := range []int{-1, 3, o.model.Config().Context + 1} {
		_, err := fidelity.NewEvaluator(o.model, k, kernels.KVF16, 1, window)
		require.ErrorContains(t, err, "window of")
	}
	e := o.evaluator(t, kernels.KVF16, 1, 64)
	short := o.text(t)
	short.Tokens = short.Tokens[:127]
	_, err = e.Perplexity(context.Background(), short, nil, nil)
	require.ErrorContains(t, err, "127 tokens")
	require.ErrorContains(t, err, "at least 128")

	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = e.Perplexity(ctx, o.text(t), nil, nil)
	require.ErrorIs(t, err, context.Canceled)
	_, err = e.Perplexity(context.Background(), o.text(t), fullDisk{}, nil)
	require.ErrorIs(t, err, io.ErrShortWrite)

	base := o.base(t, 64)
	other, err := fidelity.OpenBase(bytes.NewReader(base), int64(len(base)))
	require.NoError(t, err)
	_, err = o.evaluator(t, kernels.KVF16, 1, 32).Diverge(context.Background(), other, -1, nil)
	require.ErrorContains(t, err, "windows of 64")
	_, err = open(t, "../testdata/demo-qwen3-f16.gguf").evaluator(t, kernels.KVF16, 1, 64).Diverge(context.Background(),
		&fidelity.Base{Window: 64, Vocab: 7}, -1, nil)
	require.ErrorContains(t, err, "vocabulary of 7")
}

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, io.ErrShortWrite }
