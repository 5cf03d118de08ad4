package gguf_test

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"cllm/gguf"
	"cllm/gguf/gguftest"
)

// every has a key of each metadata type and tensors of three types.
func every() *gguftest.Builder {
	return gguftest.New().
		Set("u8", uint8(200)).Set("i8", int8(-100)).
		Set("u16", uint16(60000)).Set("i16", int16(-30000)).
		Set("u32", uint32(4e9)).Set("i32", int32(-2e9)).
		Set("u64", uint64(math.MaxUint64)).Set("i64", int64(math.MinInt64)).
		Set("f32", float32(0.1)).Set("f64", 0.1).
		Set("yes", true).Set("no", false).
		Set("text", "größe\x00\xff").Set("empty", "").
		Set("strings", []string{"a", "", "ccc"}).
		Set("ints", []int8{-1, 0, 1}).Set("longs", []uint64{1, 2}).Set("big", []uint64{math.MaxUint64}).
		Set("floats", []float32{0.5, -2}).Set("doubles", []float64{0.1}).Set("bools", []bool{true, false}).
		Set("none", []int32{}).
		Set("nested", [][]string{{"x", "y"}, {}, {"z"}}).
		Tensor("norm", gguf.F32, []byte{0, 0, 0x80, 0x3f, 0, 0, 0, 0x40}, 2).
		Tensor("matrix", gguf.Q4_0, nil, 64, 3).
		Tensor("cube", gguf.F16, nil, 2, 2, 2, 2)
}

func TestRoundTrip(t *testing.T) {
	for _, version := range []uint32{2, 3} {
		b := every()
		b.Version = version
		f, err := gguf.Open(b.Write(t, "every.gguf"))
		require.NoError(t, err)
		defer f.Close()

		require.Equal(t, version, f.Version())
		require.Equal(t, int64(len(b.Bytes())), f.Size())
		require.Len(t, f.Keys(), 23)
		require.Equal(t, []string{"u8", "i8", "u16"}, f.Keys()[:3])
		for key, want := range map[string]any{
			"u8": uint8(200), "i8": int8(-100), "u16": uint16(60000), "i16": int16(-30000),
			"u32": uint32(4e9), "i32": int32(-2e9), "u64": uint64(math.MaxUint64), "i64": int64(math.MinInt64),
			"f32": float32(0.1), "f64": 0.1, "yes": true, "no": false,
			"text": "größe\x00\xff", "empty": "", "strings": []string{"a", "", "ccc"},
			"ints": []int8{-1, 0, 1}, "longs": []uint64{1, 2}, "floats": []float32{0.5, -2},
			"doubles": []float64{0.1}, "bools": []bool{true, false}, "none": []int32{},
		} {
			v, ok := f.Value(key)
			require.True(t, ok, key)
			require.Equal(t, want, v.Any, key)
		}
		nested, ok := f.Value("nested")
		require.True(t, ok)
		require.Equal(t, "[]array", nested.TypeName())
		require.Equal(t, []gguf.Value{
			{Type: gguf.Array, Elem: gguf.String, Any: []string{"x", "y"}},
			{Type: gguf.Array, Elem: gguf.String, Any: []string{}},
			{Type: gguf.Array, Elem: gguf.String, Any: []string{"z"}},
		}, nested.Any)

		require.Len(t, f.Tensors(), 3)
		norm, ok := f.Tensor("norm")
		require.True(t, ok)
		require.Equal(t, []byte{0, 0, 0x80, 0x3f, 0, 0, 0, 0x40}, norm.Data)
		matrix, _ := f.Tensor("matrix")
		require.Equal(t, gguf.Q4_0, matrix.Type)
		require.Equal(t, []int64{64, 3}, matrix.Dims)
		require.Equal(t, int64(192), matrix.Elements())
		require.Len(t, matrix.Data, 192/32*18)
		require.Zero(t, matrix.Offset%32)
		_, ok = f.Tensor("absent")
		require.False(t, ok)
	}
}

func TestGetters(t *testing.T) {
	f := every().Open(t)

	for key, want := range map[string]uint64{"u8": 200, "u16": 60000, "u32": 4e9, "u64": math.MaxUint64} {
		n, err := f.Uint(key)
		require.NoError(t, err)
		require.Equal(t, want, n)
	}
	for key, want := range map[string]int64{"u8": 200, "i8": -100, "i16": -30000, "i32": -2e9, "u32": 4e9, "i64": math.MinInt64} {
		n, err := f.Int(key)
		require.NoError(t, err)
		require.Equal(t, want, n)
	}
	x, err := f.Float("f32")
	require.NoError(t, err)
	require.Equal(t, float64(float32(0.1)), x)
	x, err = f.Float("f64")
	require.NoError(t, err)
	require.Equal(t, 0.1, x)
	yes, err := f.Bool("yes")
	require.NoError(t, err)
	require.True(t, yes)
	text, err := f.String("text")
	require.NoError(t, err)
	require.Equal(t, "größe\x00\xff", text)
	ints, err := f.Ints("ints")
	require.NoError(t, err)
	require.Equal(t, []int64{-1, 0, 1}, ints)
	floats, err := f.Floats("floats")
	require.NoError(t, err)
	require.Equal(t, []float64{0.5, -2}, floats)
}

// Errors of getters name the key, what it is and what it must be.
func TestGetterErrors(t *testing.T) {
	f := every().Open(t)
	for _, c := range []struct {
		get  func() error
		want string
	}{
		{func() error { _, err := f.String("u8"); return err }, "u8 at byte 38: is of type uint8, it must be string"},
		{func() error { _, err := f.Bool("u8"); return err }, "is of type uint8, it must be bool"},
		{func() error { _, err := f.Uint("f32"); return err }, "is of type float32, it must be an integer"},
		{func() error { _, err := f.Uint("yes"); return err }, "is of type bool, it must be an integer"},
		{func() error { _, err := f.Uint("i8"); return err }, "is -100, it must be at least 0"},
		{func() error { _, err := f.Int("u64"); return err }, "is 18446744073709551615, the largest int64 is 9223372036854775807"},
		{func() error { _, err := f.Int("ints"); return err }, "is of type []int8, it must be an integer"},
		{func() error { _, err := f.Float("u8"); return err }, "is of type uint8, it must be float32 or float64"},
		{func() error { _, err := f.Strings("text"); return err }, "is of type string, it must be []string"},
		{func() error { _, err := f.Strings("nested"); return err }, "is of type []array, it must be []string"},
		{func() error { _, err := f.Ints("floats"); return err }, "is of type []float32, it must be an array of integers"},
		{func() error { _, err := f.Ints("big"); return err }, "[0] is 18446744073709551615, the largest int64 is"},
		{func() error { _, err := f.Floats("ints"); return err }, "is of type []int8, it must be []float32 or []float64"},
	} {
		err := c.get()
		require.ErrorContains(t, err, c.want)
		var format *gguf.FormatError
		require.ErrorAs(t, err, &format)
		require.Positive(t, format.Offset)
	}
	_, err := f.Uint("llama.block_count")
	require.ErrorIs(t, err, gguf.ErrMissing)
	require.ErrorContains(t, err, "llama.block_count is not in the file")
}

func TestAlignment(t *testing.T) {
	for _, alignment := range []uint32{1, 8, 64, 4096, 65536} {
		b := gguftest.New().Set("general.alignment", alignment).
			Tensor("a", gguf.I8, []byte{1, 2, 3}, 3).Tensor("b", gguf.I8, []byte{4}, 1)
		f := b.Open(t)
		for i, want := range [][]byte{{1, 2, 3}, {4}} {
			require.Equal(t, want, f.Tensors()[i].Data)
			require.Zero(t, f.Tensors()[i].Offset%int64(alignment))
		}
	}
}

func TestScalarTensor(t *testing.T) {
	f := gguftest.New().Tensor("scale", gguf.F32, nil).Open(t)
	require.Equal(t, []int64{1}, f.Tensors()[0].Dims)
	require.Len(t, f.Tensors()[0].Data, 4)
}

func TestClose(t *testing.T) {
	f, err := gguf.Open(every().Write(t, "every.gguf"))
	require.NoError(t, err)
	f.Advise()
	require.NoError(t, f.Close())
	require.NoError(t, f.Close())
	_, err = f.Uint("u8")
	require.ErrorIs(t, err, gguf.ErrMissing)
	require.Empty(t, f.Keys())
	require.Empty(t, f.Tensors())
	require.Zero(t, f.Size())
	require.Empty(t, f.Path())
}

func TestNotAFile(t *testing.T) {
	dir := t.TempDir()
	_, err := gguf.Open(filepath.Join(dir, "absent.gguf"))
	require.ErrorIs(t, err, os.ErrNotExist)
	_, err = gguf.Open(dir)
	require.ErrorContains(t, err, "is a folder, not a model file")
	_, err = gguf.Open(os.DevNull)
	require.ErrorContains(t, err, "not a regular file")
	empty := filepath.Join(dir, "empty.gguf")
	require.NoError(t, os.WriteFile(empty, nil, 0o600))
	_, err = gguf.Open(empty)
	require.ErrorContains(t, err, "the file has 0 bytes, the header alone takes 24")
}

// shards writes a model of n parts, each changed by edit, and returns the
// path of the first.
func shards(t *testing.T, n int, edit func(i int, b *gguftest.Builder) *gguftest.Builder) string {
	dir := t.TempDir()
	for i := range n {
		b := gguftest.New().Set("split.no", uint16(i)).Set("split.count", uint16(n))
		if i == 0 {
			b.Set("split.tensors.count", int32(n)).Set("general.name", "first")
		}
		b.Tensor(fmt.Sprint("t", i), gguf.I8, []byte{byte(i)}, 1)
		if b = edit(i, b); b != nil {
			name := fmt.Sprintf("m-%05d-of-%05d.gguf", i+1, n)
			require.NoError(t, os.WriteFile(filepath.Join(dir, name), b.Bytes(), 0o600))
		}
	}
	return filepath.Join(dir, fmt.Sprintf("m-00001-of-%05d.gguf", n))
}

func TestSplit(t *testing.T) {
	same := func(_ int, b *gguftest.Builder) *gguftest.Builder { return b }
	first := shards(t, 3, same)
	f, err := gguf.Open(first)
	require.NoError(t, err)
	defer f.Close()
	require.Len(t, f.Parts(), 3)
	require.Equal(t, first, f.Path())
	name, err := f.String("general.name")
	require.NoError(t, err)
	require.Equal(t, "first", name)
	require.Len(t, f.Tensors(), 3)
	for i, tensor := range f.Tensors() {
		require.Equal(t, i, tensor.Part)
		require.Equal(t, []byte{byte(i)}, tensor.Data)
	}

	_, err = gguf.Open(f.Parts()[1])
	require.ErrorContains(t, err, "is part 2 of 3: open the first, "+first)

	renamed := filepath.Join(t.TempDir(), "model.gguf")
	data, err := os.ReadFile(first)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(renamed, data, 0o600))
	_, err = gguf.Open(renamed)
	require.ErrorContains(t, err, "must be named like name-00001-of-00003.gguf")
	_, err = gguf.Parse("memory", data)
	require.ErrorContains(t, err, "is one of 3 parts")
}

func TestSplitErrors(t *testing.T) {
	for want, edit := range map[string]func(i int, b *gguftest.Builder) *gguftest.Builder{
		"part 2 of 3: ": func(i int, b *gguftest.Builder) *gguftest.Builder { // absent
			if i == 1 {
				return nil
			}
			return b
		},
		"is part 1 of 3, not 2 of 3": func(i int, b *gguftest.Builder) *gguftest.Builder {
			return gguftest.New().Set("split.no", uint16(0)).Set("split.count", uint16(3))
		},
		"is part 1 of 1, not 2 of 3": func(i int, b *gguftest.Builder) *gguftest.Builder {
			if i == 1 {
				return gguftest.New()
			}
			return b
		},
		"the name says 3 parts, split.count in the file says 2": func(i int, b *gguftest.Builder) *gguftest.Builder {
			return gguftest.New().Set("split.count", uint16(2))
		},
		"split.tensors.count is 3, the 3 parts hold 4 tensors": func(i int, b *gguftest.Builder) *gguftest.Builder {
			if i == 2 {
				b.Tensor("more", gguf.I8, nil, 1)
			}
			return b
		},
		"t0 at byte": func(i int, b *gguftest.Builder) *gguftest.Builder { // twice
			if i == 2 {
				return gguftest.New().Set("split.no", uint16(2)).Set("split.count", uint16(3)).Tensor("t0", gguf.I8, nil, 1)
			}
			return b
		},
		"split.count at byte": func(i int, b *gguftest.Builder) *gguftest.Builder {
			return gguftest.New().Set("split.count", "three")
		},
		"split.no at byte": func(i int, b *gguftest.Builder) *gguftest.Builder {
			return gguftest.New().Set("split.no", int16(-1)).Set("split.count", uint16(3))
		},
	} {
		_, err := gguf.Open(shards(t, 3, edit))
		require.ErrorContains(t, err, want)
	}
}

// A name is not what makes a file a part.
func TestWholeFileWithAPartsName(t *testing.T) {
	for _, b := range []*gguftest.Builder{gguftest.New(), gguftest.New().Set("split.count", uint16(0)), gguftest.New().Set("split.count", uint16(1))} {
		f, err := gguf.Open(b.Tensor("t", gguf.I8, nil, 1).Write(t, "m-00001-of-00002.gguf"))
		require.NoError(t, err)
		require.Len(t, f.Parts(), 1)
		require.NoError(t, f.Close())
	}
}

// A file that shrinks under the mapping gives errors, not the end of the
// process.
func TestTruncatedAfterOpen(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("windows does not let a mapped file shrink")
	}
	path := gguftest.New().
		Set("words", []string{"a", "b"}).Set("name", "x").Set("count", uint32(1)).Set("list", []float32{1}).
		Tensor("a", gguf.I8, nil, 1<<20).
		Write(t, "shrinks.gguf")
	f, err := gguf.Open(path)
	require.NoError(t, err)
	defer f.Close()
	require.NoError(t, os.Truncate(path, 0))

	defer func() { // an emulator may not tell where the fault was, and it then looks like a nil pointer
		if r := recover(); r != nil {
			if _, told := r.(interface{ Addr() uintptr }); told || runtime.GOARCH == "amd64" {
				panic(r)
			}
			t.Skip("this machine does not tell the address of a fault: ", r)
		}
	}()
	sum := 0
	err = f.Guard(func() error {
		tensor, _ := f.Tensor("a")
		for _, b := range tensor.Data {
			sum += int(b)
		}
		return nil
	})
	var fault *gguf.FaultError
	require.ErrorAs(t, err, &fault)
	require.Equal(t, path, fault.Path)
	require.Equal(t, f.Tensors()[0].Offset, fault.Offset)
	require.ErrorContains(t, err, "was truncated")

	_, err = f.Strings("words")
	require.ErrorAs(t, err, &fault)
	_, err = f.String("name")
	require.ErrorAs(t, err, &fault)
	_, err = f.Uint("count")
	require.ErrorAs(t, err, &fault)
	_, err = f.Floats("list")
	require.ErrorAs(t, err, &fault)
	_, ok := f.Value("name")
	require.False(t, ok)
}

// A file rewritten under the mapping must not lead reads astray.
func TestRewrittenAfterOpen(t *testing.T) {
	data := gguftest.New().Set("words", []string{"one", "two"}).Set("lists", [][]string{{"a"}, {"b"}}).Bytes()
	f, err := gguf.Parse("memory", data)
	require.NoError(t, err)
	for i := 24; i < len(data); i++ {
		data[i] = 0xff
	}
	_, err = f.Strings("words")
	require.ErrorContains(t, err, "words at byte")
	_, ok := f.Value("lists")
	require.False(t, ok)
}

func TestGuardPassesOtherPanics(t *testing.T) {
	f := every().Open(t)
	require.PanicsWithValue(t, "other", func() { _ = f.Guard(func() error { panic("other") }) })
	require.Panics(t, func() {
		_ = f.Guard(func() error {
			var nothing *gguf.Tensor
			_ = nothing.Name
			return nil
		})
	})
}

func TestDemoModels(t *testing.T) {
	paths, err := filepath.Glob("../testdata/*.gguf")
	require.NoError(t, err)
	require.NotEmpty(t, paths)
	for _, path := range paths {
		f, err := gguf.Open(path)
		require.NoError(t, err)
		arch, err := f.String("general.architecture")
		require.NoError(t, err)
		require.Contains(t, []string{"qwen2", "qwen3"}, arch)
		tokens, err := f.Strings("tokenizer.ggml.tokens")
		require.NoError(t, err)
		require.Len(t, tokens, 4096)
		norm, ok := f.Tensor("output_norm.weight")
		require.True(t, ok)
		require.Equal(t, gguf.F32, norm.Type)
		require.NoError(t, f.Close())
	}
}

func realModel(tb testing.TB, name string) string {
	path := filepath.Join(os.Getenv("CLLM_TEST_MODELS"), name)
	if _, err := os.Stat(path); err != nil {
		tb.Skipf("%s is not in the folder that CLLM_TEST_MODELS names (%v)", name, err)
	}
	return path
}

func TestRealModels(t *testing.T) {
	for name, want := range map[string]struct {
		tensors int
		size    int64
		head    gguf.Type
	}{
		"qwen2.5-coder-0.5b-instruct-q4_k_m.gguf": {291, 491400064, gguf.Q8_0},
		"qwen2.5-coder-1.5b-instruct-q4_k_m.gguf": {339, 1117320768, gguf.Q6_K},
	} {
		t.Run(name, func(t *testing.T) {
			path := realModel(t, name)
			fastest := time.Hour
			for range 3 {
				start := time.Now()
				f, err := gguf.Open(path)
				fastest = min(fastest, time.Since(start))
				require.NoError(t, err)
				require.NoError(t, f.Close())
			}
			require.Less(t, fastest, 60*time.Millisecond)

			f, err := gguf.Open(path)
			require.NoError(t, err)
			defer f.Close()
			require.Equal(t, want.size, f.Size())
			require.Len(t, f.Tensors(), want.tensors)
			require.Equal(t, "Q4_K_M", f.FileType())
			head, ok := f.Tensor("output.weight")
			require.True(t, ok)
			require.Equal(t, want.head, head.Type)
			require.Equal(t, int64(151936), head.Dims[1])
			tokens, err := f.Strings("tokenizer.ggml.tokens")
			require.NoError(t, err)
			require.Len(t, tokens, 151936)
			require.Equal(t, "<|im_end|>", tokens[151645])
			merges, err := f.Strings("tokenizer.ggml.merges")
			require.NoError(t, err)
			require.Len(t, merges, 151387)
		})
	}
}

// BenchmarkOpen opens the real 0.5B model: 300,000 strings are walked over.
func BenchmarkOpen(b *testing.B) {
	path := realModel(b, "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf")
	for b.Loop() {
		f, err := gguf.Open(path)
		require.NoError(b, err)
		require.NoError(b, f.Close())
	}
}

// Tensors may stand in any order and with gaps between them.
func TestTensorOrder(t *testing.T) {
	data := gguftest.New().Tensor("a", gguf.I8, []byte{1}, 1).Tensor("b", gguf.I8, []byte{2}, 1).Bytes()
	i, j := bytes.LastIndex(data, []byte{1}), bytes.LastIndex(data, []byte{2})
	require.Equal(t, 32, j-i)
	a, b := bytes.Index(data, []byte("a\x01"))+17, bytes.Index(data, []byte("b\x01"))+17
	data[a], data[b] = 96, 32
	data = append(data, make([]byte, 64)...)
	data[i+96] = 3
	f, err := gguf.Parse("memory", data)
	require.NoError(t, err)
	require.Equal(t, []byte{3}, f.Tensors()[0].Data)
	require.Equal(t, []byte{2}, f.Tensors()[1].Data)
}

func TestWrapNamesTheFileOnce(t *testing.T) {
	f, err := gguf.Open(gguftest.New().Set("a", "x").Write(t, "m.gguf"))
	require.NoError(t, err)
	defer f.Close()
	_, wrong := f.Uint("a")
	_, missing := f.String("b")
	err = f.Wrap(errors.Join(wrong, missing, errors.New("c is odd")))
	require.ErrorIs(t, err, gguf.ErrMissing)
	require.Regexp(t, "^"+regexp.QuoteMeta(f.Path())+`: a at byte \d+: is of type string, it must be an integer; b is not in the file; c is odd$`, err.Error())
	require.NoError(t, f.Wrap(nil))
}
