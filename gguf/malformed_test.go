package gguf_test

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/bits"
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
)

var le = binary.LittleEndian

func u32(n uint32) []byte    { return le.AppendUint32(nil, n) }
func u64(n uint64) []byte    { return le.AppendUint64(nil, n) }
func str(s string) []byte    { return append(u64(uint64(len(s))), s...) }
func cat(b ...[]byte) []byte { return slices.Concat(b...) }

func header(version uint32, tensors, keys uint64) []byte {
	return cat([]byte("GGUF"), u32(version), u64(tensors), u64(keys))
}

// key is a file with one metadata key of a type, whose value is given raw.
func key(name string, t gguf.ValueType, value ...[]byte) []byte {
	return cat(header(3, 0, 1), str(name), u32(uint32(t)), cat(value...), make([]byte, 16))
}

// tensor is a file with one tensor and a data section of 64 bytes.
func tensor(name string, typ uint32, offset uint64, dims ...uint64) []byte {
	b := cat(header(3, 1, 0), str(name), u32(uint32(len(dims))))
	for _, d := range dims {
		b = append(b, u64(d)...)
	}
	b = cat(b, u32(typ), u64(offset))
	return append(b, make([]byte, (32-len(b)%32)%32+64)...)
}

// nest is an array that holds an array that holds … depth times.
func nest(depth int) []byte {
	level := cat(u32(uint32(gguf.Array)), u64(1))
	return cat(bytes.Repeat(level, depth), u32(uint32(gguf.Uint8)), u64(0))
}

type malformed struct {
	name   string
	file   []byte
	field  string
	offset int64
	want   string // part of the problem
	got    uint64
	limit  uint64
}

// malformedFiles break the format, each in one way.
func malformedFiles() []malformed {
	const huge = math.MaxUint64
	swapped := header(3, 0, 0)
	le.PutUint32(swapped[4:], bits.ReverseBytes32(3))
	f32 := uint32(gguf.F32)
	files := []malformed{
		{"magic", []byte("GGML\x03\x00\x00\x00padpadpadpadpadpad"), "magic", 0, `it starts with "GGML"`, 0x4c4d4747, 0x46554747},
		{"magic with verbs", []byte("%d%s\x03\x00\x00\x00padpadpadpadpadpad"), "magic", 0, `it starts with "%d%s"`, 0x73256425, 0x46554747},
		{"version 0", header(0, 0, 0), "version", 4, "version 0 is not known", 0, 3},
		{"version 1", header(1, 0, 0), "version", 4, "version 1 is no longer supported", 1, 2},
		{"version 99", header(99, 0, 0), "version", 4, "version 99 is not known (the newest is 3)", 99, 3},
		{"big-endian", swapped, "version", 4, "the file is big-endian", 0x03000000, 3},

		{"tensors 2^31", header(3, 1<<31, 0), "tensor count", 8, "count is 2147483648, the most supported is 131072", 1 << 31, 1 << 17},
		{"tensors 2^63", header(3, 1<<63, 0), "tensor count", 8, "count is 9223372036854775808", 1 << 63, 1 << 17},
		{"tensors 2^64-1", header(3, huge, 0), "tensor count", 8, "count is 18446744073709551615", huge, 1 << 17},
		{"tensors beyond the file", cat(header(3, 3, 0), make([]byte, 51)), "tensor count", 8, "count is 3, the bytes left hold at most 2", 3, 2},
		{"keys 2^31", header(3, 0, 1<<31), "metadata count", 16, "count is 2147483648", 1 << 31, 1 << 16},
		{"keys 2^63", header(3, 0, 1<<63), "metadata count", 16, "count is 9223372036854775808", 1 << 63, 1 << 16},
		{"keys 2^64-1", header(3, 0, huge), "metadata count", 16, "count is 18446744073709551615", huge, 1 << 16},
		{"keys beyond the file", cat(header(3, 0, 2), make([]byte, 20)), "metadata count", 16, "count is 2, the bytes left hold at most 1", 2, 1},

		{"key length 2^63", cat(header(3, 0, 1), u64(1<<63), make([]byte, 16)), "metadata key 0", 24, "string length is 9223372036854775808, 16 bytes are left", 1 << 63, 16},
		{"key length 2^64-1", cat(header(3, 0, 1), u64(huge), make([]byte, 16)), "metadata key 0", 24, "string length is 18446744073709551615", huge, 16},
		{"key empty", cat(header(3, 0, 1), str(""), make([]byte, 16)), "metadata key 0", 24, "the key is empty", 0, 1},
		{"key too long", key(strings.Repeat("k", 65536), gguf.Uint8), "metadata key 0", 24, "the key has 65536 bytes, at most 65535", 65536, 65535},
		{"key twice", gguftest.New().Set("a", uint8(1)).Set("a", uint8(2)).Bytes(), "a", 38, "key 1 has the name of key 0", 1, 0},
		{"value type", key("a", 13), "a", 33, "value type 13 is not known", 13, 12},
		{"value type huge", key("a", math.MaxUint32), "a", 33, "value type 4294967295 is not known", math.MaxUint32, 12},
		{"bool of 2", key("a", gguf.Bool, []byte{2}), "a", 37, "a bool is 2", 2, 1},
		{"bool of 2 in an array", key("a", gguf.Array, u32(uint32(gguf.Bool)), u64(2), []byte{1, 2}), "a", 50, "a bool is 2", 2, 1},
		{"string length 2^31", key("a", gguf.String, u64(1<<31)), "a", 37, "string length is 2147483648, 16 bytes are left", 1 << 31, 16},
		{"string length 2^63", key("a", gguf.String, u64(1<<63)), "a", 37, "string length is 9223372036854775808", 1 << 63, 16},
		{"string length 2^64-1", key("a", gguf.String, u64(huge)), "a", 37, "string length is 18446744073709551615", huge, 16},
		{"array 2^31", key("a", gguf.Array, u32(0), u64(1<<31)), "a", 41, "count is 2147483648, the most supported is 16777216", 1 << 31, 1 << 24},
		{"array 2^63", key("a", gguf.Array, u32(0), u64(1<<63)), "a", 41, "count is 9223372036854775808", 1 << 63, 1 << 24},
		{"array 2^64-1", key("a", gguf.Array, u32(8), u64(huge)), "a", 41, "count is 18446744073709551615", huge, 1 << 24},
		{"array beyond the file", key("a", gguf.Array, u32(uint32(gguf.Uint64)), u64(3)), "a", 41, "count is 3, the bytes left hold at most 2", 3, 2},
		{"array type", key("a", gguf.Array, u32(99), u64(1)), "a", 37, "value type 99 is not known", 99, 12},
		{"token longer than the file", key("tokenizer.ggml.tokens", gguf.Array, u32(8), u64(2), str("ab"), u64(1<<31)),
			"tokenizer.ggml.tokens[1]", 79, "string length is 2147483648, 16 bytes are left", 1 << 31, 16},
		{"nested too deep", key("a", gguf.Array, nest(4)), "a", 85, "arrays are nested 5 deep, at most 4", 5, 4},
		{"nested very deep", key("a", gguf.Array, nest(100000)), "a", 85, "arrays are nested 5 deep", 5, 4},
		{"nested count", key("a", gguf.Array, u32(9), u64(1<<16+1), make([]byte, 12<<16+12)), "a", 49, "65537 arrays lie within the array", 1<<16 + 1, 1 << 16},
		{"nested beyond the file", key("a", gguf.Array, u32(9), u64(1), u32(0), u64(17)), "a", 53, "count is 17, the bytes left hold at most 16", 17, 16},

		{"alignment 0", gguftest.New().Set("general.alignment", uint32(0)).Bytes(), "general.alignment", 53, "alignment is 0, it must be a power of two", 0, 1 << 30},
		{"alignment 24", gguftest.New().Set("general.alignment", uint32(24)).Bytes(), "general.alignment", 53, "alignment is 24, it must be a power of two", 24, 1 << 30},
		{"alignment 2^63", gguftest.New().Set("general.alignment", uint64(1<<63)).Bytes(), "general.alignment", 53, "alignment is 9223372036854775808", 1 << 63, 1 << 30},
		{"alignment a string", gguftest.New().Set("general.alignment", "32").Bytes(), "general.alignment", 61, "is of type string, it must be an integer", 8, 0},

		{"tensor name length 2^63", cat(header(3, 1, 0), u64(1<<63), make([]byte, 24)), "tensor 0", 24, "string length is 9223372036854775808, 24 bytes are left", 1 << 63, 24},
		{"tensor name empty", tensor("", f32, 0, 1), "tensor 0", 24, "the name is empty", 0, 1},
		{"tensor name too long", tensor(strings.Repeat("n", 65), f32, 0, 1), "tensor 0", 24, "the name has 65 bytes, at most 64", 65, 64},
		{"tensor twice", gguftest.New().Tensor("t", gguf.I8, nil, 1).Tensor("t", gguf.I8, nil, 1).Bytes(), "t", 57, "tensor 1 has the name of tensor 0", 1, 0},
		{"dimensions 5", tensor("t", f32, 0, 1, 1, 1, 1, 1), "t", 33, "5 dimensions, at most 4", 5, 4},
		{"dimensions 0x7fffffff", cat(header(3, 1, 0), str("t"), u32(0x7fffffff), make([]byte, 64)), "t", 33, "2147483647 dimensions, at most 4", 0x7fffffff, 4},
		{"dimension 0", tensor("t", f32, 0, 4, 0), "t", 45, "dimension 1 is 0", 0, 1},
		{"dimension 2^63", tensor("t", f32, 0, 1<<63), "t", 37, "dimension 0 is 9223372036854775808", 1 << 63, 1},
		{"shape wraps to 0", tensor("t", f32, 0, 1<<32, 1<<32), "t", 45, "dimension 1 is 4294967296, with 4294967296 elements", 1 << 32, 1 << 32},
		{"shape wraps to 1", tensor("t", f32, 0, 641, 6700417, 2753074036095), "t", 53, "dimension 2 is 2753074036095", 2753074036095, 641 * 6700417},
		{"bytes wrap", tensor("t", f32, 0, 1<<62), "t", 45, "4611686018427387904 elements of F32 (4 bytes a block) are too large", 1 << 62, 4},
		{"type unknown", tensor("t", 77, 0, 32), "t", 45, "tensor type 77 is not known", 77, 42},
		{"type huge", tensor("t", math.MaxUint32, 0, 32), "t", 45, "tensor type 4294967295 is not known", math.MaxUint32, 42},
		{"type withdrawn", tensor("t", 31, 0, 32), "t", 45, "tensor type 31 (Q4_0_4_4) was withdrawn", 31, 42},
		{"row not of blocks", tensor("t", uint32(gguf.Q4_K), 0, 255), "t", 45, "a row has 255 elements, not a multiple of the 256 of a Q4_K block", 255, 256},
		{"rows, not the row, of blocks", tensor("t", uint32(gguf.Q4_0), 0, 16, 2), "t", 53, "a row has 16 elements, not a multiple of the 32", 16, 32},
		{"offset not aligned", tensor("t", f32, 4, 1), "t", 49, "data offset 4 is not a multiple of the alignment 32", 4, 32},
		{"offset past the end", tensor("t", f32, 96, 1), "t", 49, "data offset 96 lies past the end: the data section has 64 bytes", 96, 64},
		{"offset 2^64-32", tensor("t", f32, huge-31, 8), "t", 49, "data offset 18446744073709551584 lies past the end", huge - 31, 64},
		{"data past the end", tensor("t", f32, 32, 9), "t", 49, "needs 36 bytes, the file has 32 of them at data offset 32", 36, 32},
		{"data far past the end", tensor("t", f32, 0, 1<<40), "t", 49, "needs 4398046511104 bytes, the file has 64", 1 << 42, 64},
		{"directory up to the end", cat(header(3, 1, 0), str("t"), u32(1), u64(1), u32(f32), u64(0)), "t", 49, "needs 4 bytes, the file has 0", 4, 0},
	}
	overlap := gguftest.New().Tensor("a", gguf.I8, nil, 33).Tensor("b", gguf.I8, nil, 1).Bytes()
	at := strings.Index(string(overlap), "b\x01") + 17
	le.PutUint64(overlap[at:], 32)
	return append(files, malformed{"overlap", overlap, "b", int64(at), "data offset 32 lies within tensor a, which ends at 33", 32, 33})
}

func TestMalformed(t *testing.T) {
	for _, c := range malformedFiles() {
		t.Run(c.name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			start := time.Now()
			f, err := gguf.Parse("bad.gguf", c.file)
			took := time.Since(start)
			runtime.ReadMemStats(&after)

			require.Nil(t, f)
			var format *gguf.FormatError
			require.ErrorAs(t, err, &format)
			require.Equal(t, c.field, format.Field)
			require.ErrorContains(t, err, c.want)
			require.Equal(t, c.offset, format.Offset)
			require.Equal(t, c.got, format.Got)
			require.Equal(t, c.limit, format.Limit)
			require.NotContains(t, err.Error(), "%!")
			require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(1<<20))
			require.Less(t, took, time.Second)
		})
	}
}

// A file cut at any byte is refused, up to the padding after the last tensor.
func TestCut(t *testing.T) {
	whole := every().Bytes()
	for n := range whole {
		_, err := gguf.Parse("cut.gguf", whole[:n:n])
		var format *gguf.FormatError
		require.ErrorAs(t, err, &format, "%d of %d bytes", n, len(whole))
		require.LessOrEqual(t, format.Offset, int64(n))
	}
	path := filepath.Join(t.TempDir(), "cut.gguf")
	for _, n := range []int{1, 4, 23, 24, 25, len(whole) - 1} {
		require.NoError(t, os.WriteFile(path, whole[:n], 0o600))
		_, err := gguf.Open(path)
		require.ErrorContains(t, err, path)
	}
}

// Names from a file cannot steer the terminal that shows them.
func TestNamesAreQuoted(t *testing.T) {
	evil := "\x1b[2J\n\tname"
	_, err := gguf.Parse("bad.gguf", tensor(evil, 77, 0, 32))
	require.ErrorContains(t, err, `bad.gguf: "\x1b[2J\n\tname" at byte`)
	_, err = gguf.Parse("bad.gguf", key(strings.Repeat("é", 200), 99))
	require.ErrorContains(t, err, "bad.gguf: "+strings.Repeat("é", 50)+"… at byte")
	require.ErrorContains(t, err, "value type 99")

	var out strings.Builder
	f := gguftest.New().Set(evil, evil).Tensor(evil, gguf.I8, nil, 1).Open(t)
	require.NoError(t, f.WriteText(&out, true))
	require.Equal(t, 3, strings.Count(out.String(), `"\x1b[2J\n\tname"`))
	require.NotContains(t, out.String(), "\x1b")
}

// The largest metadata that is accepted, in a file of holes, neither takes
// long nor much memory; beyond it the bound is named.
func TestMetadataBound(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sparse.gguf")
	head := cat(header(3, 0, 20), str("a"), u32(uint32(gguf.Array)), u32(uint32(gguf.String)), u64(1<<24))
	second := cat(str("b"), u32(uint32(gguf.Array)), u32(uint32(gguf.String)), u64(1<<24))
	require.NoError(t, os.WriteFile(path, head, 0o600))
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	require.NoError(t, err)
	_, err = file.WriteAt(second, int64(len(head))+8<<24)
	require.NoError(t, err)
	require.NoError(t, file.Truncate(1<<33))
	require.NoError(t, file.Close())

	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err = gguf.Open(path)
	runtime.ReadMemStats(&after)
	require.ErrorContains(t, err, "of the 256 MiB that metadata may take")
	require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(1<<20))
}

// FuzzParse feeds files to everything that reads one. Nothing may panic, and
// what is accepted must be usable.
func FuzzParse(f *testing.F) {
	f.Add(every().Bytes())
	for _, c := range malformedFiles() {
		if len(c.file) < 1<<16 {
			f.Add(c.file)
		}
	}
	whole := every().Bytes()
	for n := 0; n < len(whole); n += 7 {
		f.Add(whole[:n])
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := gguf.Parse("fuzz.gguf", data)
		if err != nil {
			require.Contains(t, err.Error(), "fuzz.gguf: ")
			return
		}
		for _, tensor := range file.Tensors() {
			blocks := tensor.Elements() / int64(tensor.Type.BlockLen())
			require.Len(t, tensor.Data, int(blocks)*tensor.Type.BlockBytes())
		}
		for _, key := range file.Keys() {
			_, ok := file.Value(key)
			require.True(t, ok)
			_, _ = file.String(key)
			_, _ = file.Bool(key)
			_, _ = file.Uint(key)
			_, _ = file.Int(key)
			_, _ = file.Float(key)
			_, _ = file.Strings(key)
			_, _ = file.Ints(key)
			_, _ = file.Floats(key)
		}
	})
}
