package runtime

import (
	"runtime/debug"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Two engines with different models, on the same workers and out of the same
// memory, give at the same time what each gives alone: the same bits. A third
// that does not fit beside them is refused with the numbers.
func TestEnginesShareWorkersAndMemory(t *testing.T) {
	two, three := openDemo(t, "demo-qwen2-q4_k_m.gguf"), openDemo(t, "demo-qwen3-f16.gguf")
	seen := newWitness()
	ask := func(d demo) []Request { return d.tales(8) }
	var want [2][][]int32
	for i, d := range []demo{two, three} {
		e := d.start(t, Options{Threads: 2, Parallel: 4})
		seen.salt = i
		seen.watch(t, e)
		want[i] = texts(t, e, ask(d), true)
		require.NoError(t, e.Close())
	}

	before := debug.SetMemoryLimit(-1)
	workers, err := NewWorkers(2, "")
	require.NoError(t, err)
	defer workers.Close()
	o := Options{Parallel: 4, Context: 1024, Workers: workers, Ledger: NewLedger(0)}
	alone, err := o.Ledger.Plan(two.m.Config(), o)
	require.NoError(t, err)
	o.Ledger = NewLedger(2*alone.Total - marginBase + 1<<20)

	var engines []*Engine
	for _, d := range []demo{two, three} {
		engines = append(engines, d.start(t, o))
	}
	require.Equal(t, engines[0].Plan().Total-marginBase, engines[1].Plan().Others)
	require.Contains(t, engines[1].Plan().String(), "other engines")
	ofGo := engines[0].Plan().goBytes() + engines[1].Plan().goBytes() - marginBase
	require.Equal(t, ofGo-ofGo/collectorSlack, debug.SetMemoryLimit(-1))
	_, err = New(two.m, two.tok, o)
	require.ErrorContains(t, err, size(o.Ledger.limit))
	require.ErrorContains(t, err, "other engines hold "+size(engines[0].Plan().Total+engines[1].Plan().Total-2*marginBase))

	for i, e := range engines {
		s := *seen
		s.salt = i
		s.watch(t, e)
	}
	var both sync.WaitGroup
	for i, d := range []demo{two, three} {
		both.Go(func() {
			for range 3 {
				if got := texts(t, engines[i], ask(d), true); !assert.ObjectsAreEqual(want[i], got) {
					t.Errorf("engine %d answers otherwise than alone", i)
				}
			}
		})
	}
	both.Wait()
	// The last event is sent before the loop has seen that nothing is left.
	require.Eventually(t, func() bool { return workers.busy.Load() == 0 }, 10*time.Second, time.Millisecond)

	require.NoError(t, engines[0].Close())
	require.Len(t, o.Ledger.Plans(), 1)
	engines = append(engines, two.start(t, o)) // there is room again
	for _, e := range engines[1:] {
		require.NoError(t, e.Close())
	}
	require.Equal(t, before, debug.SetMemoryLimit(-1))
}

// A long prompt is read in short steps while another engine on the same workers
// has something to do, though nobody disturbs in its own.
func TestOtherEnginesAreNotDisturbed(t *testing.T) {
	r := newRig(t, 256, Options{Speculate: -1})
	seconds := func(tokens int) float64 { return 0.010 + 0.001*float64(max(tokens-8, 0)) }
	r.sched.cost = trained(seconds)
	require.Greater(t, r.sched.room(0), 300)
	r.workers.busy.Add(1)
	require.LessOrEqual(t, seconds(r.sched.room(0)), 2.2*seconds(1))
	r.workers.busy.Add(-1)
}

// Chains with different roots share nothing.
func TestRootsOfChains(t *testing.T) {
	r := newRig(t, 64, Options{Speculate: -1})
	root := r.sched.pool.newRoot()
	cached := func(root uint64) int {
		q := greedy(prompt(200, 5), 2)
		s := r.submit1(t, q)
		r.inbox[0].req.root, r.inbox[0].node = root, root
		r.run(t)
		require.NoError(t, r.sched.pool.check(r.sched.tables()...))
		got, err := s.Wait()
		require.NoError(t, err)
		requireAlone(t, q, r.limit, got)
		return got.Usage.CachedTokens
	}
	require.Equal(t, []int{0, 0, 192, 192}, []int{cached(0), cached(root), cached(0), cached(root)})
}
