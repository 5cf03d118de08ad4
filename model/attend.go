package model

import (
	"cllm/kernels"
	"cllm/tensor"
)

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
	part      int32 // the first of its queries among the partial results
}

// tileTokens is the number of rows in a tile: some 64 queries.
func (c Config) tileTokens() int { return max(1, min(32, 64/c.group())) }

// tileQueries is the queries that a worker has room for: a tile's of one KV head.
func (c Config) tileQueries() int { return c.tileTokens() * c.group() }

// tile adds n rows from row on to the set, as tiles.
func (r *Runner) tile(s *rowSet, span, row, out, n int) {
	s.n += n
	for size := r.m.config.tileTokens(); n > 0; n -= size {
		s.tiles = append(s.tiles, tile{span: int32(span), row: int32(row), out: int32(out), n: int32(min(n, size))})
		row, out = row+size, out+size
	}
}

// partials are the results of segments that wait to be folded.
type partials struct {
	m, l []float32 // [query]
	acc  []float32 // [query][HeadDim]
}

// partialQueries is how many such results there is room for: one sequence of
// 32 heads at 128 K positions.
const partialQueries = 8 << 10

func newPartials(c Config, threads int) partials {
	return partials{
		m: make([]float32, partialQueries), l: make([]float32, partialQueries),
		acc: make([]float32, partialQueries*c.HeadDim),
	}
}

// plan cuts the tiles into units and numbers these. A tile that is much of all
// the work is cut by segment; what is still more than one worker's share by
// head.
func (r *Runner) plan(s *rowSet) {
	c := &r.m.config
	total, threads := 0, r.pool.Threads()
	for i := range s.tiles {
		total += r.cost(&s.tiles[i])
	}
	share := total * c.KVHeads / threads
	part := 0
	for i := range s.tiles {
		t := &s.tiles[i]
		t.heads, t.segments, t.first, t.part = int32(c.KVHeads), 1, int32(s.units), int32(part)
		unit := r.cost(t)
		segments := r.last(t)/segmentTokens + 1
		queries := segments * c.Heads * int(t.n)
		if threads > 1 && segments > 1 && unit*c.KVHeads > share/4 && part+queries <= partialQueries {
			t.segments = int32(segments)
			part += queries
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

// last is the highest position of a tile.
func (r *Runner) last(t *tile) int { return int(r.rows[t.row+t.n-1].pos) }

func (r *Runner) cost(t *tile) int { return int(t.n) * (r.last(t) + 1) }

// everything is the window of a layer that sees all positions up to its own.
const everything = 0

// attend computes attention for a set of rows, into attn. A row sees its own
// position and those before it, window of them in all, or everything.
func (r *Runner) attend(w *tensor.Worker, li, window int, s *rowSet) {
	c := &r.m.config
	split := false
	for i := range s.tiles {
		split = split || s.tiles[i].segments > 1
	}
	w.For(s.units, 1, func(lo, hi int) {
		t := s.find(lo)
		u := lo - int(t.first)
		head, segment := u/int(t.segments)*int(t.heads), u%int(t.segments)
		l := &r.local[w.ID]
		r.loadQueries(w.Kernels, l, t, head)
		if t.segments == 1 {
			r.attendTile(w.Kernels, l, li, window, t, head)
		} else {
			r.attendSegment(w.Kernels, l, li, window, t, head, segment)
			r.keep(l, t, head, segment)
		}
	})
	w.Barrier()
	if !split {
		return
	}
	w.For(len(s.tiles)*c.KVHeads, 1, func(lo, hi int) {
		if t := &s.tiles[lo/c.KVHeads]; t.segments > 1 {
			r.gather(&r.local[w.ID], t, lo%c.KVHeads)
		}
	})
	w.Barrier()
}

// find is the tile that a unit belongs to.
func (s *rowSet) find(unit int) *tile {
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

// loadQueries copies the queries of a tile that a unit's KV heads serve, head by
// head: the head's group of the first row, then of the next.
func (r *Runner) loadQueries(k *kernels.Impl, l *local, t *tile, head int) {
	c := &r.m.config
	a, width, n := l.attn, c.group()*c.HeadDim, int(t.n)
	a.Reset(int(t.heads) * n * c.group())
	for h := range int(t.heads) {
		for i := range n {
			copy(a.Q[(h*n+i)*width:][:width], r.qkv[(int(t.row)+i)*c.qkvWidth()+(head+h)*width:])
		}
	}
	if l.query != nil {
		l.query.Reset(a.N, c.HeadDim)
		for i := range a.N {
			k.Quantize[kernels.Act32](l.query, i, a.Q[i*c.HeadDim:][:c.HeadDim])
		}
	}
	for h := range int(t.heads) {
		a.Part(&l.heads[h], h*n*c.group(), n*c.group())
	}
}

// attendTile runs a tile over all its segments and writes its result.
func (r *Runner) attendTile(k *kernels.Impl, l *local, li, window int, t *tile, head int) {
	first, last := r.firstSeen(t, window)/segmentTokens, r.last(t)/segmentTokens
	r.attendSegment(k, l, li, window, t, head, first)
	if first == last {
		r.write(l.attn, t, head)
		return
	}
	l.sum.Reset(l.attn.N)
	for s := first; s <= last; s++ {
		if s > first {
			l.attn.Reset(l.attn.N)
			r.attendSegment(k, l, li, window, t, head, s)
		}
		for i := range l.attn.N {
			l.sum.Fold(i, l.attn.M[i], l.attn.L[i], l.attn.Acc[i*l.attn.Head:][:l.attn.Head])
		}
	}
	r.write(l.sum, t, head)
}

// attendSegment folds the blocks of a segment into the softmax of each query,
// as far as its position sees them.
func (r *Runner) attendSegment(k *kernels.Impl, l *local, li, window int, t *tile, head, segment int) {
	c := &r.m.config
	group := c.group()
	blocks := r.spans[t.span].Blocks
	visible := l.visible[:int(t.n)*group]
	end := min((segment+1)*segmentBlocks, r.last(t)/kernels.BlockTokens+1)
	for b := max(segment*segmentBlocks, r.firstSeen(t, window)/kernels.BlockTokens); b < end; b++ {
		for i := range int(t.n) {
			pos := int(r.rows[int(t.row)+i].pos)
			seen := kernels.Range{Hi: inBlock(pos+1, b)}
			if window != everything {
				seen.Lo = inBlock(pos+1-window, b)
			}
			for h := range group {
				visible[i*group+h] = seen
			}
		}
		for h := range int(t.heads) {
			k.Attend[r.kv.format](&l.heads[h], r.kv.at(li, blocks[b], head+h), visible)
		}
	}
}

// firstSeen is the lowest position that a tile's rows see.
func (r *Runner) firstSeen(t *tile, window int) int {
	if window == everything {
		return 0
	}
	return max(0, int(r.rows[t.row].pos)+1-window)
}

// inBlock is a position as an offset in block b, or the end of b that it is beyond.
func inBlock(pos, b int) int32 {
	return int32(max(0, min(pos-b*kernels.BlockTokens, kernels.BlockTokens)))
}

// keep stores a segment's result, gather folds those of a tile and KV head.
func (r *Runner) keep(l *local, t *tile, head, segment int) {
	for h := range int(t.heads) {
		a := &l.heads[h]
		at := r.partAt(a.N, t, head+h, segment)
		copy(r.part.m[at:], a.M)
		copy(r.part.l[at:], a.L)
		copy(r.part.acc[at*a.Head:], a.Acc)
	}
}

func (r *Runner) gather(l *local, t *tile, head int) {
	n := int(t.n) * r.m.config.group()
	l.sum.Reset(n)
	for s := range int(t.segments) {
		at := r.partAt(n, t, head, s)
		for i := range n {
			l.sum.Fold(i, r.part.m[at+i], r.part.l[at+i], r.part.acc[(at+i)*l.sum.Head:][:l.sum.Head])
		}
	}
	r.write(l.sum, t, head)
}

func (r *Runner) partAt(queries int, t *tile, head, segment int) int {
	return int(t.part) + (head*int(t.segments)+segment)*queries
}

// write puts the results of a tile, for the KV heads from head on, in their
// place.
func (r *Runner) write(a *kernels.Attention, t *tile, head int) {
	c := &r.m.config
	group, d, n := c.group(), c.HeadDim, int(t.n)
	for i := range a.N {
		h, row, q := head+i/(n*group), int(t.out)+i/group%n, i%group
		a.Output(r.attn[(row*c.Heads+h*group+q)*d:][:d], i)
	}
}
