package model

import "cllm/kernels"

// Attention is cut by position into segments of segmentTokens from 0 on. Each
// segment of a query is a running softmax of its own, over its blocks in
// order; then the segments are folded together in order (kernels.Attention's
// Fold). So a long sequence can be shared out among workers by segment, or
// walked by one of them for many queries, with the same bits.
const (
	segmentTokens = 512
	segmentBlocks = segmentTokens / kernels.BlockTokens
)

// tile is consecutive rows of one span that attend together, so that each key
// and value is loaded once for all of their heads.
//
// Its units of work are groups of KV heads, each over all segments or over one.
// Few rows take many heads at once: these lie side by side in a block, so that
// memory is read as one long stream.
type tile struct {
	span, row int32 // row is the first of the batch
	out       int32 // and its row of the result
	n         int32 // number of rows
	heads     int32 // KV heads of a unit
	segments  int32 // 1, or the number of segments when each is a unit of its own
	first     int32 // the number of the tile's first unit
	partial   int32 // the first of its queries among the partial results
}

// tileTokens is the number of rows in a tile: some 64 queries.
func (c Config) tileTokens() int { return max(1, min(32, 64/c.group())) }

// tileQueries is the queries that a worker has room for: a tile's of one KV head.
func (c Config) tileQueries() int { return c.tileTokens() * c.group() }

// addTiles adds n rows from row on to the set, as tiles.
func (r *Runner) addTiles(s *rowSet, span, row, out, n int) {
	s.n += n
	for size := r.m.config.tileTokens(); n > 0; n -= size {
		s.tiles = append(s.tiles, tile{span: int32(span), row: int32(row), out: int32(out), n: int32(min(n, size))})
		row, out = row+size, out+size
	}
}

// planUnits cuts the tiles into units and numbers these. A tile that is much of all
// the work is cut by segment; what is still more than one worker's share by
// head.
func (r *Runner) planUnits(s *rowSet) {
	c := &r.m.config
	total, threads := 0, r.pool.Threads()
	for i := range s.tiles {
		total += r.cost(&s.tiles[i])
	}
	share := total * c.KVHeads / threads
	partial := 0
	for i := range s.tiles {
		t := &s.tiles[i]
		t.heads, t.segments, t.first, t.partial = int32(c.KVHeads), 1, int32(s.units), int32(partial)
		unit := r.cost(t)
		segments := r.lastPosition(t)/segmentTokens + 1
		queries := segments * c.Heads * int(t.n)
		if threads > 1 && segments > 1 && unit*c.KVHeads > share/4 && partial+queries <= partialQueries {
			t.segments = int32(segments)
			partial += queries
			unit = int(t.n) * segmentTokens
		}
		for t.heads > 1 && (int(t.heads)*c.group()*int(t.n) > c.tileQueries() || unit*int(t.heads) > share) {
			t.heads = nextDivisor(c.KVHeads, t.heads)
		}
		s.units += int(t.segments) * c.KVHeads / int(t.heads)
	}
}

// nextDivisor is the greatest divisor of n below d.
func nextDivisor(n int, d int32) int32 {
	for d--; n%int(d) != 0; d-- {
	}
	return d
}

// lastPosition is the highest of a tile.
func (r *Runner) lastPosition(t *tile) int { return int(r.rows[t.row+t.n-1].pos) }

func (r *Runner) cost(t *tile) int { return int(t.n) * (r.lastPosition(t) + 1) }

// tileOf is the tile that a unit belongs to.
func (s *rowSet) tileOf(unit int) *tile {
	lo, hi := 0, len(s.tiles)
	for hi-lo > 1 {
		mid := (lo + hi) / 2
		if int(s.tiles[mid].first) <= unit {
			lo = mid
		} else {
			hi = mid
		}
	}
	return &s.tiles[lo]
}
