package bench

import (
	"encoding/binary"
	"time"

	"cllm/tensor"
)

const (
	// leastMemory is what the reading loop wants at least, to be beyond the
	// caches; less is read again and again and shows the caches' speed.
	leastMemory = 64 << 20
	// readFor is the length of one measurement.
	readFor = 150 * time.Millisecond
	// readChunk is what a worker takes at a time, one stream each.
	readChunk = 1 << 20
)

// Bandwidth measures how fast all workers of a pool together read memory, in
// GB/s: the bound of every step that reads each weight once.
func Bandwidth(pool *tensor.Pool, memory [][]byte) (float64, error) {
	var chunks [][]byte
	total := 0
	for _, m := range memory {
		total += len(m)
		for ; len(m) > readChunk; m = m[readChunk:] {
			chunks = append(chunks, m[:readChunk])
		}
		chunks = append(chunks, m)
	}
	if total < leastMemory {
		extra := make([]byte, leastMemory)
		for i := 0; i < len(extra); i += 4096 {
			extra[i] = 1 // a page of its own, not the zero page
		}
		return Bandwidth(pool, [][]byte{extra})
	}
	var sums [64]uint64 // so that the loops are not optimized away
	best := 0.0
	for begin := clock(); clock()-begin < readFor; {
		start := clock()
		err := pool.Run(func(w *tensor.Worker) {
			w.For(len(chunks), 1, func(lo, hi int) {
				for _, c := range chunks[lo:hi] {
					sums[w.ID%len(sums)] += sum(c)
				}
			})
		})
		if err != nil {
			return 0, err
		}
		best = max(best, float64(total)/(clock()-start).Seconds()/1e9)
	}
	return best, nil
}

// sum reads everything once, a cache line at a time; a few bytes at the end
// are left out.
func sum(b []byte) uint64 {
	var s0, s1, s2, s3 uint64
	le := binary.LittleEndian
	for ; len(b) >= 64; b = b[64:] {
		s0 += le.Uint64(b[0:]) + le.Uint64(b[8:])
		s1 += le.Uint64(b[16:]) + le.Uint64(b[24:])
		s2 += le.Uint64(b[32:]) + le.Uint64(b[40:])
		s3 += le.Uint64(b[48:]) + le.Uint64(b[56:])
	}
	return s0 + s1 + s2 + s3
}
