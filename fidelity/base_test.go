package fidelity

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

func head(window, vocab, windows uint32, tokens ...int32) []byte {
	b := []byte(baseMagic)
	for _, n := range []uint32{window, vocab, windows} {
		b = binary.LittleEndian.AppendUint32(b, n)
	}
	for _, id := range tokens {
		b = binary.LittleEndian.AppendUint32(b, uint32(id))
	}
	return b
}

func TestOpenBaseRefuses(t *testing.T) {
	for _, c := range []struct {
		name string
		data []byte
		want string
	}{
		{"nothing", nil, "does not begin"},
		{"another file", []byte("GGUF0000000000000000000000"), "does not begin"},
		{"a head cut short", head(4, 4, 1)[:15], "does not begin"},
		{"a window too short", head(3, 4, 1), "3 tokens"},
		{"no vocabulary", head(4, 0, 1), "vocabulary of 0"},
		{"no windows", head(4, 4, 0), "0 windows"},
		{"sizes below zero", head(1<<31, 1<<31, 1<<31), "2147483648 windows"},
		{"sizes that wrap", head(1<<31-1, 1<<31-1, 1<<31-1), "the file has"},
		{"more than the file", head(4, 4, 2, 0, 1, 2, 3), "the file has 36 bytes"},
		{"a token outside", append(head(4, 4, 1, 0, 1, 2, 4), make([]byte, 16)...), "token 3 of the text is 4"},
		{"a token below zero", append(head(4, 4, 1, 0, -1, 2, 3), make([]byte, 16)...), "token 1 of the text is -1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := OpenBase(bytes.NewReader(c.data), int64(len(c.data)))
			require.ErrorContains(t, err, c.want)
		})
	}
}

// What is written is read again within half a step.
func TestBaseKeepsLogProbs(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 8))
	for _, vocab := range []int{1, 2, 7, 64} {
		var out bytes.Buffer
		w, err := newBaseWriter(&out, 4, vocab, []int32{0, 0, 0, 0})
		require.NoError(t, err)
		logits := make([]float32, vocab)
		for i := range logits {
			logits[i] = float32(random.NormFloat64() * 8)
		}
		s := newSoftmax(logits)
		w.reserve(1)
		w.set(0, logits, &s)
		require.NoError(t, w.flush())

		b, err := OpenBase(&out, int64(out.Len()))
		require.NoError(t, err)
		require.NoError(t, b.next(1))
		l := b.at(0)
		for i, logit := range logits {
			want := max(-s.nll(logit), -s.nll(s.max)-baseRange)
			require.InDelta(t, want, l.of(i), baseRange/2.0/baseSteps+1e-5)
		}
	}
}

func FuzzOpenBase(f *testing.F) {
	f.Add(append(head(4, 3, 1, 0, 1, 2, 0), make([]byte, 16)...))
	f.Add(head(1<<31-1, 1<<31-1, 1<<31-1))
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := OpenBase(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			return
		}
		require.Len(t, b.Tokens, b.Window*b.Windows)
		for range b.Windows {
			require.NoError(t, b.next(Counted(b.Window)))
			b.at(0).of(b.Vocab - 1)
		}
	})
}

func TestQuantile(t *testing.T) {
	sample := []float64{5, 1, 4, 2, 3, 9, 8}
	slices.Sort(sample)
	for _, c := range []struct{ p, want float64 }{{0, 1}, {1, 9}, {0.5, 4}, {0.25, 2.5}, {0.9, 8.4}, {0.99, 8.94}} {
		require.InDelta(t, c.want, quantile(sample, c.p), 1e-12)
	}
	require.Equal(t, 3.0, quantile([]float64{3}, 0.9))
}

func TestEstimate(t *testing.T) {
	e := mean([]float64{1, 2, 3, 4})
	require.InDelta(t, 2.5, e.Value, 1e-12)
	require.InDelta(t, math.Sqrt(1.25/3), e.Error, 1e-12, "the population's deviation over the root of n-1, as llama.cpp has it")
	require.InDelta(t, math.Exp(2.5)*e.Error, e.exp().Error, 1e-12)
	require.Equal(t, Estimate{Value: 7}, mean([]float64{7}))
}

// The divergence of two distributions that are known.
func TestDivergenceOfKnown(t *testing.T) {
	p, q := []float32{0, 0}, []float32{0, float32(math.Log(3))} // a half each; a quarter and three
	var out bytes.Buffer
	w, err := newBaseWriter(&out, 4, 2, []int32{0, 0, 0, 1})
	require.NoError(t, err)
	s := newSoftmax(p)
	w.reserve(1)
	w.set(0, p, &s)
	require.NoError(t, w.flush())
	b, err := OpenBase(&out, int64(out.Len()))
	require.NoError(t, err)
	require.NoError(t, b.next(1))
	var got sample
	got.grow(1)
	got.set(0, q, b.at(0), 1)
	require.InDelta(t, 0.5*math.Log(2)+0.5*math.Log(2.0/3), got.kl[0], 1e-6)
	require.InDelta(t, 0.25, got.delta[0], 1e-6)
	require.InDelta(t, math.Log(4.0/3), got.nll[0], 1e-6)
	require.Equal(t, 0.0, got.same[0])
}
