package tensor

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"cllm/kernels"
)

func newTestPool(t testing.TB, threads int) *Pool {
	t.Helper()
	k, err := kernels.Select("")
	require.NoError(t, err)
	p := NewPool(threads, k, 256)
	t.Cleanup(p.Close)
	return p
}

func TestForCoversEveryIndexOnce(t *testing.T) {
	for _, threads := range []int{1, 2, 3, 8} {
		p := newTestPool(t, threads)
		seen := make([]atomic.Int32, 1000)
		for range 20 {
			require.NoError(t, p.Run(func(w *Worker) {
				// More loops than there are counters, with and without barriers.
				for i := range 150 {
					w.For(len(seen), 1+i%37, func(lo, hi int) {
						for j := lo; j < hi; j++ {
							seen[j].Add(1)
						}
					})
					w.Rows(len(seen)-i, i%3*40, 16+i, func(lo, hi int) {
						for j := lo; j < hi; j++ {
							seen[j].Add(1)
						}
					})
					if i%50 == 49 {
						w.Barrier()
					}
				}
			}))
		}
		for j := range seen {
			want := 20 * 150
			for i := range 150 {
				if j < len(seen)-i {
					want += 20
				}
			}
			require.EqualValues(t, want, seen[j].Load(), "threads %d, index %d", threads, j)
		}
	}
}

func TestRowsAreWholeSteps(t *testing.T) {
	p := newTestPool(t, 2)
	require.NoError(t, p.Run(func(w *Worker) {
		w.Rows(1000, 0, 100, func(lo, hi int) {
			if lo%RowStep != 0 || hi%RowStep != 0 && hi != 1000 || hi-lo > 96 {
				panic(fmt.Sprintf("chunk [%d, %d)", lo, hi))
			}
		})
	}))
}

// A worker that is held up in its first chunk has the rest of its share done by
// the other one.
func TestRowsOfASlowWorkerAreTaken(t *testing.T) {
	const rows = 1600
	p := newTestPool(t, 2)
	var done atomic.Int64
	require.NoError(t, p.Run(func(w *Worker) {
		w.Rows(rows, 0, rows, func(lo, hi int) {
			for start := time.Now(); w.ID == 0 && int(done.Load()) < rows-(hi-lo); {
				if time.Since(start) > 10*time.Second {
					panic(fmt.Sprintf("only %d of %d rows were taken", done.Load(), rows-(hi-lo)))
				}
				runtime.Gosched()
			}
			done.Add(int64(hi - lo))
		})
		w.Barrier()
	}))
	require.EqualValues(t, rows, done.Load())
}

func TestBarrierSeparatesStages(t *testing.T) {
	for _, threads := range []int{1, 2, 5} {
		p := newTestPool(t, threads)
		in := make([]int, threads)
		require.NoError(t, p.Run(func(w *Worker) {
			for i := range 500 {
				in[w.ID] = i
				w.Barrier()
				for _, v := range in { // plain reads: the race detector checks the barrier
					if v != i {
						panic(fmt.Sprintf("stage %d sees %d", i, v))
					}
				}
				w.Barrier()
			}
		}))
	}
}

func TestPanicEndsTheRunAndThePoolGoesOn(t *testing.T) {
	for _, threads := range []int{1, 2, 4} {
		p := newTestPool(t, threads)
		for failing := range threads {
			err := p.Run(func(w *Worker) {
				w.For(10, 1, func(lo, hi int) {})
				w.Barrier()
				if w.ID == failing {
					var empty []int
					_ = empty[w.N]
				}
				w.For(10, 1, func(lo, hi int) {})
				for range 3 {
					w.Barrier()
				}
			})
			var fault *Fault
			require.ErrorAs(t, err, &fault)
			require.Equal(t, failing, fault.Worker)
			require.ErrorContains(t, err, "index out of range")
			require.NotEmpty(t, fault.Stack)

			var sum atomic.Int64
			require.NoError(t, p.Run(func(w *Worker) {
				w.For(100, 7, func(lo, hi int) { sum.Add(int64(hi - lo)) })
				w.Barrier()
			}))
			require.EqualValues(t, 100, sum.Load())
		}
	}
}

// A model file that shrinks after it was mapped gives SIGBUS on the next read
// of its pages.
func TestTruncatedMappingIsAnError(t *testing.T) {
	page := os.Getpagesize()
	data, truncate := mapTestFile(t, 4*page)
	p := newTestPool(t, 2)
	var sink atomic.Int64
	read := func(w *Worker) {
		w.For(4, 1, func(lo, hi int) { sink.Add(int64(data[lo*page])) })
		w.Barrier()
	}
	require.NoError(t, p.Run(read))
	truncate(int64(page))
	err := p.Run(read)
	require.Error(t, err)
	if runtime.GOARCH == "amd64" || !strings.Contains(err.Error(), "nil pointer") { // an emulator may not tell the address
		require.ErrorContains(t, err, "memory fault")
		require.ErrorContains(t, err, "model file")
	}
	require.NoError(t, p.Run(func(w *Worker) { w.Barrier() }))
}

func TestRunAfterClose(t *testing.T) {
	p := newTestPool(t, 2)
	p.Close()
	p.Close()
	require.ErrorContains(t, p.Run(func(*Worker) {}), "closed")
}

func TestRunDoesNotAllocate(t *testing.T) {
	p := newTestPool(t, 2)
	var sum atomic.Int64
	step := func(w *Worker) {
		for range 10 {
			w.For(100, 7, func(lo, hi int) { sum.Add(int64(hi - lo)) })
			w.Rows(100, 0, 32, func(lo, hi int) { sum.Add(int64(hi - lo)) })
			w.Barrier()
		}
	}
	require.Zero(t, testing.AllocsPerRun(100, func() { _ = p.Run(step) }))
}

// Workers that were parked wake, and crowded workers do not starve each other.
func TestCrowdedAndParkedWorkersMeet(t *testing.T) {
	p := newTestPool(t, 3*runtime.GOMAXPROCS(0))
	start := time.Now()
	for range 5 {
		require.NoError(t, p.Run(func(w *Worker) {
			for i := range 100 {
				if w.ID == i%w.N && i%25 == 0 {
					time.Sleep(time.Millisecond) // the others park
				}
				w.Barrier()
			}
		}))
		time.Sleep(time.Millisecond)
	}
	require.Less(t, time.Since(start), 10*time.Second)
}

func BenchmarkBarrier(b *testing.B) {
	for _, threads := range []int{1, 2, 4} {
		b.Run(fmt.Sprint(threads), func(b *testing.B) {
			p := newTestPool(b, threads)
			require.NoError(b, p.Run(func(w *Worker) {
				for range b.N {
					w.Barrier()
				}
			}))
		})
	}
}
