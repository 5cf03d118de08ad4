package model

import (
	"cllm/kernels"
	"cllm/tensor"
)

// attend computes attention for a set of rows, into attn.
func (r *Runner) attend(w *tensor.Worker, a *attention, s *rowSet) {
	c := &r.m.config
	segmented := false
	for i := range s.tiles {
		segmented = segmented || s.tiles[i].segments > 1
	}
	w.For(s.units, 1, func(lo, hi int) {
		t := s.tileOf(lo)
		u := lo - int(t.first)
		head, segment := u/int(t.segments)*int(t.heads), u%int(t.segments)
		l := &r.local[w.ID]
		r.loadQueries(w.Kernels, l, t, head)
		if t.segments == 1 {
			r.attendTile(w.Kernels, l, a, t, head)
		} else {
			r.attendSegment(w.Kernels, l, a, t, head, segment)
			r.storePartials(l, t, head, segment)
		}
	})
	w.Barrier()
	if !segmented {
		return
	}
	w.For(len(s.tiles)*c.KVHeads, 1, func(lo, hi int) {
		if t := &s.tiles[lo/c.KVHeads]; t.segments > 1 {
			r.foldPartials(&r.local[w.ID], t, lo%c.KVHeads)
		}
	})
	w.Barrier()
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
func (r *Runner) attendTile(k *kernels.Impl, l *local, a *attention, t *tile, head int) {
	first, last := r.firstSeen(t, a.window)/segmentTokens, r.lastPosition(t)/segmentTokens
	r.attendSegment(k, l, a, t, head, first)
	if first == last {
		r.write(l.attn, t, head)
		return
	}
	l.sum.Reset(l.attn.N)
	for s := first; s <= last; s++ {
		if s > first {
			l.attn.Reset(l.attn.N)
			r.attendSegment(k, l, a, t, head, s)
		}
		for i := range l.attn.N {
			l.sum.Fold(i, l.attn.M[i], l.attn.L[i], l.attn.Acc[i*l.attn.Head:][:l.attn.Head])
		}
	}
	r.write(l.sum, t, head)
}

// attendSegment folds the blocks of a segment into the softmax of each query,
// as far as its position sees them.
func (r *Runner) attendSegment(k *kernels.Impl, l *local, a *attention, t *tile, head, segment int) {
	c := &r.m.config
	group := c.group()
	blocks := r.spans[t.span].Blocks
	visible := l.visible[:int(t.n)*group]
	end := min((segment+1)*segmentBlocks, r.lastPosition(t)/kernels.BlockTokens+1)
	for b := max(segment*segmentBlocks, r.firstSeen(t, a.window)/kernels.BlockTokens); b < end; b++ {
		for i := range int(t.n) {
			pos := int(r.rows[int(t.row)+i].pos)
			seen := kernels.Range{Hi: inBlock(pos+1, b)}
			if a.window != everything {
				seen.Lo = inBlock(pos+1-a.window, b)
			}
			for h := range group {
				visible[i*group+h] = seen
			}
		}
		for h := range int(t.heads) {
			k.Attend[r.kv.format](&l.heads[h], r.kv.at(a.layer, blocks[b], head+h), visible)
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

// partials are the results of segments that wait to be folded.
type partials struct {
	m, l []float32 // [query]
	acc  []float32 // [query][HeadDim]
}

// partialQueries is how many such results there is room for: one sequence of
// 32 heads at 128 K positions.
const partialQueries = 8 << 10

func newPartials(c Config) partials {
	return partials{
		m: make([]float32, partialQueries), l: make([]float32, partialQueries),
		acc: make([]float32, partialQueries*c.HeadDim),
	}
}

// storePartials keeps a segment's result, foldPartials makes the result of a tile
// and KV head from those of its segments.
func (r *Runner) storePartials(l *local, t *tile, head, segment int) {
	for h := range int(t.heads) {
		a := &l.heads[h]
		at := r.partialAt(a.N, t, head+h, segment)
		copy(r.partials.m[at:], a.M)
		copy(r.partials.l[at:], a.L)
		copy(r.partials.acc[at*a.Head:], a.Acc)
	}
}

func (r *Runner) foldPartials(l *local, t *tile, head int) {
	n := int(t.n) * r.m.config.group()
	l.sum.Reset(n)
	for s := range int(t.segments) {
		at := r.partialAt(n, t, head, s)
		for i := range n {
			l.sum.Fold(i, r.partials.m[at+i], r.partials.l[at+i], r.partials.acc[(at+i)*l.sum.Head:][:l.sum.Head])
		}
	}
	r.write(l.sum, t, head)
}

func (r *Runner) partialAt(queries int, t *tile, head, segment int) int {
	return int(t.partial) + (head*int(t.segments)+segment)*queries
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
