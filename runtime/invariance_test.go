package runtime

import (
	"context"
	"encoding/binary"
	"hash/maphash"
	"log/slog"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"cllm/gguf"
	"cllm/kernels"
	"cllm/model"
	"cllm/tokenizer"
)

// demo is a model of testdata.
type demo struct {
	m   *model.Model
	tok *tokenizer.Tokenizer
}

func openDemo(t testing.TB, name string) demo {
	t.Helper()
	if !filepath.IsAbs(name) {
		name = filepath.Join("..", "testdata", name)
	}
	f, err := gguf.Open(name)
	require.NoError(t, err)
	t.Cleanup(func() { f.Close() })
	m, err := model.Load(f)
	require.NoError(t, err)
	tok, err := tokenizer.New(f)
	require.NoError(t, err)
	return demo{m, tok}
}

func (d demo) start(t testing.TB, o Options) *Engine {
	t.Helper()
	o.Logger = slog.New(slog.DiscardHandler)
	e, err := New(d.m, d.tok, o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, e.Close()) })
	return e
}

// witness remembers the logits after every context that any engine computed,
// by hashes, and holds all to be the same bits.
type witness struct {
	mu     *sync.Mutex
	salt   int // of the model
	seed   maphash.Seed
	logits map[uint64]uint64
}

func newWitness() *witness {
	return &witness{mu: &sync.Mutex{}, seed: maphash.MakeSeed(), logits: map[uint64]uint64{}}
}

// watched is a model whose outputs the witness sees.
type watched struct {
	forwarder
	w *witness
	e *Engine
	t testing.TB
	// gate is held while requests are submitted that are to run together.
	gate sync.Mutex
}

func (w *witness) watch(t testing.TB, e *Engine) {
	// The loop reads the field when there is work; there is none yet.
	e.model = &watched{forwarder: e.model, w: w, e: e, t: t}
}

func (f *watched) Forward(b *model.Batch) ([][]float32, error) {
	func() { // waits while it is held
		f.gate.Lock()
		defer f.gate.Unlock()
	}()
	out, err := f.forwarder.Forward(b)
	if err != nil {
		return out, err
	}
	f.w.mu.Lock()
	defer f.w.mu.Unlock()
	var buf []byte
	for _, p := range f.e.sched.picks {
		q := p.seq
		tokens := slices.Concat(q.tokens.prompt, q.tokens.drawn, q.draft)
		end := q.computed + p.tokens
		for i, row := range out[p.out : p.out+p.rows] {
			buf = append(buf[:0], byte(f.w.salt))
			for _, id := range tokens[:end-p.rows+1+i] {
				buf = binary.LittleEndian.AppendUint32(buf, uint32(id))
			}
			key := maphash.Bytes(f.w.seed, buf)
			buf = buf[:0]
			for _, x := range row {
				buf = binary.LittleEndian.AppendUint32(buf, math.Float32bits(x))
			}
			value := maphash.Bytes(f.w.seed, buf)
			if old, ok := f.w.logits[key]; ok && old != value {
				f.t.Errorf("%d tokens have given other logits before", end-p.rows+1+i)
			}
			f.w.logits[key] = value
		}
	}
	return out, err
}

// tales are requests of all kinds; some share beginnings, some repeat.
func (d demo) tales(n int) []Request {
	opening := "Once upon a time there was a king who had three daughters, and the youngest was so fair that the sun himself wondered whenever he shone on her face, and the moon, who had seen her but once, came earlier every night. "
	texts := []string{
		"Once upon a time",
		"<|im_start|>user\nTell me a tale.<|im_end|>\n<|im_start|>assistant\n",
		opening + "One day",
		opening + "The eldest",
		strings.Repeat("The wolf said, Let me in. The pig said, No. ", 6),
		"The " + strings.Repeat(opening, 3),
	}
	all := make([]Request, n)
	for i := range all {
		all[i] = Request{Prompt: d.tok.Encode(nil, texts[i%len(texts)], true), MaxTokens: 24, IgnoreEOS: true}
		if i%6 < 3 {
			all[i].MaxTokens = 90 // three blocks more than at the start
		}
		if i%2 == 1 {
			all[i].Sampling = Sampling{Temperature: 0.8, TopK: 40, TopP: 0.95, RepetitionPenalty: 1.1, Seed: FixedSeed(uint64(i))}
		}
	}
	return all
}

// texts runs requests, all at once or one after another.
func texts(t *testing.T, e *Engine, all []Request, together bool) [][]int32 {
	t.Helper()
	var streams []*Stream
	var got [][]int32
	wait := func(s *Stream) {
		r, err := s.Wait()
		require.NoError(t, err)
		require.Equal(t, FinishLength, r.Choices[0].FinishReason)
		got = append(got, r.Choices[0].Tokens)
	}
	release := func() {}
	if w, ok := e.model.(*watched); ok && together {
		w.gate.Lock() // no step before all are there
		release = w.gate.Unlock
	}
	for _, q := range all {
		s, err := e.Submit(context.Background(), q)
		require.NoError(t, err)
		if !together {
			wait(s)
			continue
		}
		streams = append(streams, s)
	}
	release()
	for _, s := range streams {
		wait(s)
	}
	return got
}

// The same request gives the same tokens, from logits of the same bits, alone,
// in a batch, in chunks, after preemption, with its prefix from the cache, with
// any number of threads, and with drafts.
func TestOneAnswer(t *testing.T) {
	for _, c := range []struct {
		file   string
		format kernels.KVFormat
		n      int
	}{
		{"demo-qwen2-q4_k_m.gguf", kernels.KVF16, 32},
		{"demo-qwen2-q4_k_m.gguf", kernels.KVQ8, 6},
		{"demo-qwen3-f16.gguf", kernels.KVF32, 6},
	} {
		if testing.Short() { // one of each kind of request
			if c.n = 6; c.format != kernels.KVF16 {
				continue
			}
		}
		t.Run(c.file+" "+c.format.String(), func(t *testing.T) {
			d := openDemo(t, c.file)
			all := d.tales(c.n)
			w := newWitness()
			var want [][]int32
			block := model.BlockBytes(d.m.Config(), c.format)
			for _, way := range []struct {
				name     string
				o        Options
				together bool
				passes   int // the second finds what the first has left in the cache
				used     func(Stats) bool
			}{
				{"alone", Options{NoPrefixCache: true, Speculate: -1, Threads: 1, Parallel: 1}, false, 1, nil},
				{"batch of all", Options{NoPrefixCache: true, Speculate: -1, Threads: 2, Parallel: 32}, true, 1, nil},
				{"chunks", Options{NoPrefixCache: true, Speculate: -1, Threads: 1, Parallel: 3, StepTokens: 11}, true, 1, nil},
				{"4 threads", Options{NoPrefixCache: true, Speculate: -1, Threads: 4, Parallel: 8}, true, 1, nil},
				{"preempted", Options{NoPrefixCache: true, Speculate: -1, Threads: 2, Parallel: 8, Context: 320, KVMemory: 11 * block}, true, 1,
					func(s Stats) bool { return s.Preemptions > 0 }},
				{"cache", Options{Threads: 2, Parallel: 4, Speculate: -1}, true, 2,
					func(s Stats) bool { return s.CachedTokens > 0 }},
				{"drafts", Options{NoPrefixCache: true, Threads: 2, Parallel: 2, Speculate: 8}, true, 1,
					func(s Stats) bool { return s.AcceptedTokens > 0 }},
				{"all of it", Options{Threads: 2, Parallel: 8, Context: 320, KVMemory: 11 * block, StepTokens: 50,
					Speculate: 8}, true, 2,
					func(s Stats) bool { return s.Preemptions > 0 && s.CachedTokens > 0 }},
			} {
				way.o.KVFormat = c.format
				e := d.start(t, way.o)
				w.watch(t, e)
				if way.name == "drafts" {
					e.sched.cost = trained(func(int) float64 { return 0 }) // they always pay
				}
				happened := func() bool { return way.used == nil || way.used(e.Stats()) }
				// Again until the engine says that it happened: how requests meet is
				// the machine's, and every pass must give the same.
				for pass := 0; pass < way.passes || !happened() && pass < 20; pass++ {
					got := texts(t, e, all, way.together)
					if want == nil {
						want = got
					}
					require.Equal(t, want, got, way.name)
				}
				require.True(t, happened(), "%s: it did not happen", way.name)
				require.NoError(t, e.Close())
			}
			require.Greater(t, len(w.logits), 300)
		})
	}
}

func TestEmbed(t *testing.T) {
	d := openDemo(t, "demo-qwen2-q4_k_m.gguf")
	text := d.tok.Encode(nil, strings.Repeat("The king had a daughter. ", 20), false)
	whole := d.start(t, Options{NoPrefixCache: true, Threads: 2, Parallel: 4})
	pieces := d.start(t, Options{Threads: 1, Parallel: 2, StepTokens: 16})
	for _, pooling := range []Pooling{PoolMean, PoolLast} {
		a, err := whole.Embed(t.Context(), text, pooling)
		require.NoError(t, err)
		require.Len(t, a, d.m.Config().Hidden)
		norm := 0.0
		for _, x := range a {
			norm += float64(x) * float64(x)
		}
		require.InDelta(t, 1, norm, 1e-5)
		for range 2 { // the second time, what may come from the cache does
			b, err := pieces.Embed(t.Context(), text, pooling)
			require.NoError(t, err)
			require.Equal(t, a, b)
		}
	}
	_, err := whole.Embed(t.Context(), nil, PoolMean)
	require.Error(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = whole.Embed(ctx, text, PoolMean)
	require.ErrorIs(t, err, context.Canceled)
}

// The prompt's log-probabilities are those that the model gives when it is
// asked after each of its tokens.
func TestEchoedLogProbs(t *testing.T) {
	d := openDemo(t, "demo-qwen2-q4_k_m.gguf")
	e := d.start(t, Options{Threads: 2, Parallel: 2})
	p := d.tok.Encode(nil, "The king had a daughter, and she", false)
	s, err := e.Submit(t.Context(), Request{Prompt: p, MaxTokens: 2, Echo: true, LogProbs: true, TopLogProbs: 3, N: 2})
	require.NoError(t, err)
	r, err := s.Wait()
	require.NoError(t, err)
	for _, c := range r.Choices {
		require.Equal(t, p, c.Tokens[:len(p)])
		require.True(t, strings.HasPrefix(c.Text, "The king had a daughter, and she"))
		require.Equal(t, len(p)+2, c.LogProbs.Len())
		require.True(t, math.IsNaN(float64(c.LogProbs.At(0).LogProb)))
		for i := 1; i < len(p)+2; i++ {
			s, err := e.Submit(t.Context(), Request{Prompt: c.Tokens[:i], MaxTokens: 1, LogProbs: true, TopLogProbs: 3})
			require.NoError(t, err)
			one, err := s.Wait()
			require.NoError(t, err)
			require.Equal(t, c.Tokens[i], c.LogProbs.At(i).Token)
			require.Equal(t, one.Choices[0].LogProbs.At(0).Top, c.LogProbs.At(i).Top, "token %d", i)
		}
	}
}
