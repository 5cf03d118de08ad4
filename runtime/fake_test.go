package runtime

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"cllm/kernels"
	"cllm/model"
	"cllm/tensor"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fakeModel stands for a model where the scheduling is what is tested. Its
// cache really holds the tokens of each position, and its logits depend on all
// tokens that it reads there through the block table: whoever shares a block
// wrongly, or writes one that others read, gets another answer.
type fakeModel struct {
	cache [][blockTokens]int32
	rows  [][]float32
	// broken fails the step of any sequence that holds this token.
	broken int32
	steps  []int // tokens of each step
	trace  func(b *model.Batch)
}

const fakeVocab, fakeEnd = 24, 23

var errBroken = errors.New("a broken token")

func newFakeModel(blocks int) *fakeModel {
	return &fakeModel{cache: make([][blockTokens]int32, blocks), broken: -1}
}

func (f *fakeModel) Forward(b *model.Batch) ([][]float32, error) {
	if f.trace != nil {
		f.trace(b)
	}
	f.rows = f.rows[:0]
	tokens := 0
	for _, s := range b.Spans {
		if slices.Contains(s.Tokens, f.broken) {
			return nil, errBroken
		}
		tokens += len(s.Tokens)
		for i, id := range s.Tokens {
			p := s.Pos + i
			f.cache[s.Blocks[p/blockTokens]][p%blockTokens] = id
		}
	}
	for _, s := range b.Spans {
		for i := len(s.Tokens) - s.Logits; i < len(s.Tokens); i++ {
			seen := make([]int32, s.Pos+i+1)
			for p := range seen {
				seen[p] = f.cache[s.Blocks[p/blockTokens]][p%blockTokens]
			}
			f.rows = append(f.rows, fakeLogits(seen))
		}
	}
	f.steps = append(f.steps, tokens)
	return f.rows, nil
}

func (f *fakeModel) copy(dst, src int32) { f.cache[dst] = f.cache[src] }

// fakeLogits depend on every token; the last one makes its successor likely,
// so that texts repeat themselves and drafts are sometimes right.
func fakeLogits(tokens []int32) []float32 {
	h := uint64(14695981039346656037)
	for _, t := range tokens {
		h = (h ^ uint64(t)) * 1099511628211
	}
	row := make([]float32, fakeVocab)
	for i := range row {
		x := (h ^ uint64(i)*0x9e3779b97f4a7c15) * 0xff51afd7ed558ccd
		row[i] = float32(x>>40) / (1 << 23)
	}
	row[(tokens[len(tokens)-1]*5+1)%8] += 1.3
	row[fakeEnd] -= 1.2
	return row
}

// fakeWords are letters: token 0 is "a".
type fakeWords struct{}

func (fakeWords) Size() int                { return fakeVocab }
func (fakeWords) End(id int32) bool        { return id == fakeEnd }
func (fakeWords) EndTokens() []int32       { return []int32{fakeEnd} }
func (fakeWords) Decoder(bool) textDecoder { return fakeDecoder{} }

type fakeDecoder struct{}

func (fakeDecoder) Push(id int32) string { return string(rune('a' + id)) }
func (fakeDecoder) Flush() string        { return "" }

// rig is an engine on a fake model, stepped by hand.
type rig struct {
	*Engine
	fake *fakeModel
}

func newRig(t testing.TB, blocks int, o Options) rig {
	t.Helper()
	o.Threads = 1
	o.Logger = slog.New(slog.DiscardHandler)
	o, err := o.withDefaults()
	require.NoError(t, err)
	pool := tensor.NewPool(1, kernels.All()[0], 256)
	t.Cleanup(pool.Close)
	fake := newFakeModel(blocks)
	context := blocks * blockTokens
	if o.Context > 0 {
		context = min(context, o.Context)
	}
	plan := &MemoryPlan{Blocks: blocks, Context: context, Requests: o.RequestMemory}
	e := &Engine{}
	e.init(fake, fake.copy, fakeWords{}, &Workers{pool: pool, impl: kernels.All()[0]}, plan, o)
	e.share = 1 << 20 // nobody reads while a rig runs
	return rig{e, fake}
}

// run steps until nothing is left.
func (r rig) run(t require.TestingT) {
	for n := 0; ; n++ {
		if !r.busy() {
			return
		}
		r.turn(t)
		require.Less(t, n, 100_000, "the engine makes no progress")
	}
}

// busy takes what was submitted, and says whether there is something to do.
func (r rig) busy() bool {
	r.intake()
	return len(r.sched.running)+r.sched.waiting.n > 0
}

// settle waits until the engine knows that the context of a request has ended.
func (r rig) settle(t require.TestingT) {
	require.Eventually(t, func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		return len(r.abandoned) > 0
	}, 10*time.Second, 50*time.Microsecond)
	r.intake()
}

// turn makes one step and checks the books.
func (r rig) turn(t require.TestingT) {
	require.True(t, r.step(), "nothing was scheduled although something waits")
	require.NoError(t, r.sched.pool.check(r.sched.tables()...))
	r.intake()
	require.NoError(t, r.sched.pool.check(r.sched.tables()...))
}

// alone computes what a request must give, token by token, without an engine.
func alone(r Request, choice, limit int) (tokens []int32, reason string) {
	s := newSampler(&r.Sampling, choice)
	w := newWorkspace(fakeVocab, kernels.All()[0])
	seen := slices.Clone(r.Prompt)
	stop := newStopFilter(newStopStrings(r.Stop))
	for len(tokens) < r.generates() {
		if len(seen) >= limit {
			return tokens, FinishLength
		}
		var suppressed []int32
		if r.IgnoreEOS || len(tokens) < r.MinTokens {
			suppressed = []int32{fakeEnd}
		}
		if len(tokens) < r.MinTokens {
			suppressed = append(suppressed, r.StopTokens...)
		}
		g := guidance{history: history{prompt: seen}, biases: newBiases(fakeVocab, r.Sampling.LogitBias, suppressed...)}
		id, err := s.sample(fakeLogits(seen), g, false, w)
		if err != nil {
			return tokens, err.Error()
		}
		if id == fakeEnd || slices.Contains(r.StopTokens, id) {
			return tokens, FinishStop
		}
		tokens, seen = append(tokens, id), append(seen, id)
		if len(tokens) > r.MinTokens {
			if _, found := stop.push(string(rune('a' + id))); found {
				return tokens, FinishStop
			}
		}
	}
	return tokens, FinishLength
}

// requireAlone checks a result against what each choice gives alone.
func requireAlone(t require.TestingT, r Request, limit int, got *Result) {
	require.Len(t, got.Choices, max(r.N, 1))
	for i, c := range got.Choices {
		want, reason := alone(r, i, limit)
		require.Equal(t, fmt.Sprint(want), fmt.Sprint(c.Tokens), "choice %d", i)
		require.Equal(t, reason, c.FinishReason, "choice %d", i)
	}
}

// prompt makes n tokens that depend on a seed.
func prompt(n, seed int) []int32 {
	p := make([]int32, n)
	for i := range p {
		p[i] = int32((i*i*7 + i*(seed+3) + seed) % (fakeVocab - 1))
	}
	return p
}

func (r rig) submit1(t require.TestingT, q Request) *Stream {
	s, err := r.Submit(context.Background(), q)
	require.NoError(t, err)
	return s
}
