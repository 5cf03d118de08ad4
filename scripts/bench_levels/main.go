// Command bench_levels measures the kernels of every level that this machine can
// run, in every format, beside the machine's own peak for that level's
// instructions, and prints Markdown tables.
//
// Decode is a product with one column, over weights that come from memory or lie in
// the second-level cache; its peak is a loop that only reads. Tiles are products
// with several columns, attention is of a group's queries over blocks that lie in
// the cache; their peak is a loop of the level's products alone, on registers. All
// figures are the best of several runs.
package main

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"cllm/kernels"
)

const (
	k         = 2048      // weights of a row
	cached    = 256 << 10 // bytes of weights in the cache
	head      = 128       // head size
	positions = 512       // that attention goes over, in the cache
	budget    = 40 * 1e6  // ns of a measurement, which has at least three runs
)

var (
	threads = flag.Int("t", 1, "threads that measure at once; figures are their sum")
	memory  = flag.Int("memory", 256, "MiB of weights that come from memory: several times the last cache")
	only    = flag.String("levels", "", "levels to measure, with commas; by default all")
	columns = []int{4, 8, 32, 512}
	queries = []int{1, 7, 63}
)

func main() {
	flag.Parse()
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "bench_levels:", err)
		os.Exit(1)
	}
}

func run() error {
	if *threads < 1 || *memory < 1 || flag.NArg() > 0 {
		return fmt.Errorf("usage: bench_levels [-t THREADS] [-memory MIB] [-levels NAME,...]")
	}
	b := &bench{memory: make([]byte, *memory<<20)}
	fill(b.memory)
	found := false
	for _, impl := range kernels.All() {
		if *only != "" && !strings.Contains(","+*only+",", ","+impl.Name+",") {
			continue
		}
		found = true
		if impl.Missing != "" {
			fmt.Printf("\n### %s: this CPU lacks %s\n", impl.Name, impl.Missing)
			continue
		}
		b.level(impl)
	}
	if !found {
		return fmt.Errorf("no level of this architecture is called %q", *only)
	}
	return nil
}

// fill makes weights of which every two bytes are a scale of common size, whatever
// the format.
func fill(w []byte) {
	x := uint64(1)
	for i := range w {
		x = x*6364136223846793005 + 1442695040888963407
		w[i] = 0x20 | byte(x>>59)
	}
}

// best runs work on all threads at once, several times, and returns the best rate:
// amount per thread and run, in billions a second.
func best(amount int, work func(thread int)) float64 {
	least := time.Duration(1 << 62)
	started := time.Now()
	for n := 0; n < 3 || time.Since(started) < budget; n++ {
		var ready, done sync.WaitGroup
		start := make(chan struct{})
		for t := range *threads {
			ready.Add(1)
			done.Go(func() {
				ready.Done()
				<-start
				work(t)
			})
		}
		ready.Wait()
		at := time.Now()
		close(start)
		done.Wait()
		least = min(least, time.Since(at))
	}
	return float64(amount**threads) / float64(least.Nanoseconds())
}

type bench struct{ memory []byte }

// share is the thread's part of the memory.
func (b *bench) share(thread int) []byte {
	n := len(b.memory) / *threads
	return b.memory[thread*n:][:n]
}

func (b *bench) level(impl *kernels.Impl) {
	p := peaks[impl.Name]
	var read, readCached, products, floats float64
	if p.read != nil {
		part := len(b.share(0)) &^ 511
		read = best(part, func(t int) { p.read(&b.share(t)[0], part) })
		readCached = best(64*cached, func(t int) {
			for range 64 {
				p.read(&b.share(t)[0], cached)
			}
		})
		const turns = 100_000
		products = best(turns*p.productMACs, func(int) { p.products(turns) })
		floats = best(turns*p.floatMACs, func(int) { p.floats(turns) })
		fmt.Printf("\n### %s, %d thread(s)\n\nReading: %.1f GB/s from memory, %.0f from the cache. Products alone: %s %.0f GMAC/s, of floats (%s) %.0f.\n",
			impl.Name, *threads, read, readCached, p.product, products, p.float, floats)
	} else {
		fmt.Printf("\n### %s, %d thread(s)\n", impl.Name, *threads)
	}

	fmt.Printf("\n| format | decode from memory, GB/s | from the cache, GB/s |")
	for _, n := range columns {
		fmt.Printf(" %d columns, GMAC/s |", n)
	}
	fmt.Printf("\n|---|---|---|%s\n", strings.Repeat("---|", len(columns)))
	for f := range kernels.NumFormats {
		peak := products
		if kernels.Formats[f].Act == kernels.ActF32 {
			peak = floats
		}
		fmt.Printf("| %s | %s | %s |", f, cell(b.decode(impl, f, false), read), cell(b.decode(impl, f, true), readCached))
		for _, n := range columns {
			fmt.Printf(" %s |", cell(b.tile(impl, f, n), peak))
		}
		fmt.Println()
	}

	fmt.Printf("\n| attention over blocks of |")
	for _, n := range queries {
		fmt.Printf(" %s, GMAC/s |", plural(n, "query", "queries"))
	}
	fmt.Printf("\n|---|%s\n", strings.Repeat("---|", len(queries)))
	for f, name := range [kernels.NumKVFormats]string{kernels.KVF16: "F16", kernels.KVF32: "F32", kernels.KVQ8: "Q8_0"} {
		fmt.Printf("| %s |", name)
		for _, n := range queries {
			fmt.Printf(" %s |", cell(attention(impl, kernels.KVFormat(f), n), floats))
		}
		fmt.Println()
	}
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprint(n, " ", many)
}

// cell is a figure and its share of a peak, where there is one.
func cell(x, peak float64) string {
	if peak == 0 {
		return fmt.Sprintf("%.2f", x)
	}
	return fmt.Sprintf("%.1f (%.0f %%)", x, 100*x/peak)
}

// product returns a call of a format's product with n columns.
func product(impl *kernels.Impl, f kernels.Format, n, rows int) func(w []byte) {
	a := kernels.NewActs(kernels.Formats[f].Act, n, k)
	x := make([]float32, k)
	for c := range n {
		for i := range x {
			x[i] = float32(i%61-30) / 30
		}
		if quantize := impl.Quantize[a.Kind]; quantize != nil {
			quantize(a, c, x)
		} else {
			copy(a.X[c*k:], x)
		}
	}
	y, s := make([]float32, (rows+15)*n), kernels.NewScratch(k)
	return func(w []byte) { impl.Mul[f](y, rows, w, rows, a, s) }
}

// decode is the rate of weights in GB/s for one column, 64 rows a call.
func (b *bench) decode(impl *kernels.Impl, f kernels.Format, fromCache bool) float64 {
	const rows = 64
	call := rows * k / kernels.Formats[f].BlockLen * kernels.Formats[f].Bytes
	size, times := len(b.share(0)), 1
	if fromCache {
		size, times = max(cached, call), 16
	}
	if impl.Name == "generic" {
		size, times = min(size, 4*call), 1
	}
	calls := size / call
	mul := make([]func(w []byte), *threads)
	for t := range mul {
		mul[t] = product(impl, f, 1, rows)
	}
	return best(times*calls*call, func(t int) {
		w := b.share(t)
		for range times {
			for i := range calls {
				mul[t](w[i*call:][:call])
			}
		}
	})
}

// tile is the rate of products in GMAC/s with n columns.
func (b *bench) tile(impl *kernels.Impl, f kernels.Format, n int) float64 {
	rows := 128
	if impl.Name == "generic" {
		rows = 8
	}
	size := rows * k / kernels.Formats[f].BlockLen * kernels.Formats[f].Bytes
	mul := make([]func(w []byte), *threads)
	for t := range mul {
		mul[t] = product(impl, f, n, rows)
	}
	return best(rows*k*n, func(t int) { mul[t](b.share(t)[:size]) })
}

// attention is the rate of products with keys and values in GMAC/s, of n queries
// of a KV head.
func attention(impl *kernels.Impl, f kernels.KVFormat, n int) float64 {
	x := make([]float32, head)
	blocks := make([][]byte, positions/kernels.BlockTokens)
	for i := range blocks {
		blocks[i] = make([]byte, kernels.KVBlockBytes(f, head))
		for slot := range kernels.BlockTokens {
			for d := range x {
				x[d] = float32((i+slot+d)%17-8) / 8
			}
			impl.StoreKV[f](blocks[i], slot, x, x)
		}
	}
	visible := make([]kernels.Range, n)
	for i := range visible {
		visible[i].Hi = kernels.BlockTokens
	}
	all := make([]*kernels.Attention, *threads)
	for t := range all {
		a, q := kernels.NewAttention(n, head), kernels.NewActs(kernels.Act32, n, head)
		for i := range a.Q {
			a.Q[i] = float32(i%13-6) / 60
		}
		for i := range n {
			impl.Quantize[kernels.Act32](q, i, a.Q[i*head:][:head])
		}
		a.QQ, a.QD = q.Q, q.D
		all[t] = a
	}
	return best(2*n*head*positions, func(t int) {
		all[t].Reset(n)
		for _, block := range blocks {
			impl.Attend[f](all[t], block, visible)
		}
	})
}
