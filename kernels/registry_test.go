package kernels

import (
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Every format has its row, its product, a record of its decoder and an entry
// for the differential tests and the benchmarks, which run over all of them.
func TestEveryFormatIsComplete(t *testing.T) {
	names := map[string]bool{}
	for f := range NumFormats {
		i := Formats[f]
		require.NotEmpty(t, i.Name, "format %d", f)
		require.False(t, names[i.Name], "%s stands twice", i.Name)
		names[i.Name] = true
		require.NotNil(t, i.Dequantize, i.Name)
		require.NotNil(t, i.mul, "%s has no generic product", i.Name)
		require.FileExists(t, goldenPath(f), "run scripts/record_dequant.py")
		require.NotEmpty(t, formatCases[f].ks, "%s is not tested", i.Name)
		for _, k := range formatCases[f].ks {
			require.Zero(t, k%i.BlockLen, "%s", i.Name)
		}
		require.Equal(t, i.BlockLen > 1, formatCases[f].scales != nil, "%s: where are its scales?", i.Name)
		require.Equal(t, map[int]ActKind{1: ActF32, 32: Act32, 256: Act256}[i.BlockLen], i.Act, i.Name)
	}
	require.Equal(t, "unknown format", NumFormats.String())
}

// fields calls do with the name of every function of k, as "Mul[Q4_K]", and
// whether it is set.
func (k *Impl) fields(do func(name string, set bool)) {
	v := reflect.ValueOf(*k)
	for i := range v.NumField() {
		name, field := v.Type().Field(i).Name, v.Field(i)
		switch {
		case field.Kind() == reflect.Func:
			do(name, !field.IsNil())
		case name == "Mul":
			for f := range NumFormats {
				do("Mul["+f.String()+"]", !field.Index(int(f)).IsNil())
			}
		case name == "Quantize": // ActF32 needs none
			do("Quantize[Act32]", k.Quantize[Act32] != nil)
			do("Quantize[Act256]", k.Quantize[Act256] != nil)
		case field.Kind() == reflect.Array:
			for f, format := range kvFormats {
				do(name+"["+format+"]", !field.Index(f).IsNil())
			}
		}
	}
}

// Every implementation can be called in every field, and no two are one.
func TestEveryImplIsComplete(t *testing.T) {
	require.Equal(t, "generic", All()[0].Name)
	names, ranks := map[string]bool{}, map[int]bool{}
	for _, k := range All() {
		require.False(t, names[k.Name] || ranks[k.Rank], "%s: name and rank %d are its own", k.Name, k.Rank)
		names[k.Name], ranks[k.Rank] = true, true
		n := 0
		k.fields(func(name string, set bool) {
			n++
			require.True(t, set, "%s.%s", k.Name, name)
		})
		require.Equal(t, int(NumFormats)+2+5+2*int(NumKVFormats), n)
	}
}

// leftToGo is what an instruction set's implementation leaves to generic Go;
// all else is assembly.
var leftToGo = map[string]string{
	"avx2":    "StoreKV[F32]",
	"avxvnni": "StoreKV[F32]",
	"avx512":  "StoreKV[F32]",
	"neon":    "Mul[F32] Mul[F16] Mul[BF16] Mul[Q4_0] Mul[Q4_1] Mul[Q5_1] Mul[Q2_K] Mul[Q3_K] Mul[Q5_K] Mul[IQ4_NL] Mul[IQ4_XS] StoreKV[F32]",
	"dotprod": "Mul[F32] Mul[F16] Mul[BF16] StoreKV[F32]",
	"i8mm":    "Mul[F32] Mul[F16] Mul[BF16] StoreKV[F32]",
}

// A format without a kernel in an instruction set is one that stands above.
func TestEveryImplIsAssembly(t *testing.T) {
	for _, k := range archImpls() {
		left := strings.Fields(leftToGo[k.Name])
		k.fields(func(name string, set bool) {
			require.True(t, set || slices.Contains(left, name), "%s has no assembly for %s", k.Name, name)
		})
	}
}

func TestSelect(t *testing.T) {
	t.Setenv(EnvKernels, "") // for it to be put back
	_, err := Select("")
	require.ErrorContains(t, err, EnvKernels+" is empty")
	require.NoError(t, os.Unsetenv(EnvKernels))
	best, err := Select("")
	require.NoError(t, err)
	for _, k := range All() {
		got, err := Select(k.Name)
		if k.Missing != "" {
			require.ErrorContains(t, err, "kernels="+k.Name+": this CPU lacks "+k.Missing)
			continue
		}
		require.NoError(t, err)
		require.Same(t, k, got)
		require.GreaterOrEqual(t, best.Rank, k.Rank)
	}
	_, err = Select("mmx")
	require.ErrorContains(t, err, "kernels=mmx: no such implementation; there are generic")

	require.NoError(t, os.Setenv(EnvKernels, "generic"))
	got, err := Select("")
	require.NoError(t, err)
	require.Same(t, All()[0], got)
	require.NoError(t, os.Setenv(EnvKernels, "mmx"))
	_, err = Select("")
	require.ErrorContains(t, err, EnvKernels+"=mmx: no such")
	_, err = Select("generic")
	require.NoError(t, err, "a name that is given goes before the environment")
}

// What is missing is filled in, what is there stays.
func TestFill(t *testing.T) {
	called := false
	k := &Impl{Name: "partial", Add: func(_, _ []float32) { called = true }}
	k.fill(generic())
	k.Add(nil, nil)
	require.True(t, called)
	require.Equal(t, float32(3), k.Max([]float32{1, 3, 2}))
	require.NotNil(t, k.Mul[Q4_K])
}

// No function allocates.
func TestNoAllocations(t *testing.T) {
	eachImpl(t, func(t *testing.T, k *Impl) {
		const n, head = 512, 64
		r := newRand(1)
		x, y := plain.floats(r, make([]float32, n)), plain.floats(r, make([]float32, n))
		out, scratch := make([]float32, 64), NewScratch(n)
		check := func(name string, run func()) {
			require.Zero(t, testing.AllocsPerRun(5, run), name)
		}
		for f := range NumFormats {
			w := make([]byte, 2*n/Formats[f].BlockLen*Formats[f].Bytes)
			for _, columns := range []int{1, 9} {
				a := NewActs(Formats[f].Act, columns, n)
				check(f.String(), func() { k.Mul[f](out, 4, w, 2, a, scratch) })
			}
			check("Dequantize "+f.String(), func() { Formats[f].Dequantize(y, w) })
		}
		for _, kind := range []ActKind{Act32, Act256} {
			a := NewActs(kind, 1, n)
			check("Quantize", func() { k.Quantize[kind](a, 0, x) })
		}
		check("RMSNorm", func() { k.RMSNorm(y, x, x, 1e-6) })
		check("Rope", func() { k.Rope(y, x[:head], x[:head]) })
		check("SiLUMul", func() { k.SiLUMul(y, x, x) })
		check("Add", func() { k.Add(y, x) })
		check("Max", func() { k.Max(x) })
		visible := []Range{{0, 3}, {5, 17}}
		for f := range NumKVFormats {
			block := make([]byte, KVBlockBytes(f, head))
			a := randomAttention(t, 1, 2, head)
			check("StoreKV", func() { k.StoreKV[f](block, 3, x[:head], x[:head]) })
			check("Attend", func() { k.Attend[f](a, block, visible) })
		}
	})
}

func TestScratchIsAligned(t *testing.T) {
	for n := range 100 {
		a := NewActs(Act256, 1, 256*n)
		require.Len(t, a.Q, 256*n)
		require.Zero(t, misalignment(a.Q)|misalignment(a.D)|misalignment(a.Sum)|misalignment(a.Start))
	}
	s := NewScratch(896)
	require.Zero(t, misalignment(s.Panel)|misalignment(s.F)|misalignment(s.I))
	at := NewAttention(3, 64)
	require.Zero(t, misalignment(at.P)|misalignment(at.F))
	require.Len(t, at.P, 3*BlockTokens)
}

// Acts are reused for other shapes.
func TestActsReset(t *testing.T) {
	for kind := range NumActKinds {
		a := NewActs(kind, 4, 512)
		a.Reset(1, 256)
		b := NewActs(kind, 1, 256)
		a.Reset(2, 1024)
		a.Reset(1, 256)
		require.Equal(t, []int{len(b.X), len(b.Q), len(b.D), len(b.Bias), len(b.Sum), len(b.Start)},
			[]int{len(a.X), len(a.Q), len(a.D), len(a.Bias), len(a.Sum), len(a.Start)})
	}
}
