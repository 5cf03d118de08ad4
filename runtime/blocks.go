package runtime

import (
	"errors"
	"fmt"

	"cllm/kernels"
)

// blockTokens is the number of positions in a block.
const blockTokens = kernels.BlockTokens

// blockPool counts the references to the blocks of the KV cache. A block is
// free, in use (by one or more sequences, which then never write it), or
// cached: without a user, but kept for its contents until the room is needed.
//
// Contents are found by [blockPool.lookup]. What a block holds depends on all
// tokens before it, so a full block's key is its own tokens and the identity
// of the block before it: equal keys mean equal prefixes, compared token by
// token. The first block of a chain has its root there, which names what else
// the contents depend on: 0 is the model by itself, [blockPool.newRoot] gives
// others. Whoever holds a block holds those before it, and lets them go last,
// so the least recently used order drops a child before its parent.
type blockPool struct {
	blocks []block
	refs   []int32 // of each block
	free   []int32 // a stack: what was used last is used next, and stays warm
	index  map[blockKey]int32
	lastID uint64
	roots  []uint64 // beside 0
	cached int      // blocks in the list of unreferenced, published ones
	// promised is the number of blocks, of those that are available, which are
	// set aside for prompts that are being read.
	promised int
	oldest   int32 // ends of that list, -1 when empty
	newest   int32
	keep     bool // whether contents are published at all
}

type block struct {
	older, newer int32
	id           uint64 // of the published contents; 0: not published
	key          blockKey
}

// blockKey names the contents of a full block.
type blockKey struct {
	parent uint64 // id of the block before, or the root of the chain
	tokens [blockTokens]int32
}

var errNoBlocks = errors.New("no free block of the KV cache")

func newBlockPool(n int, keep bool) *blockPool {
	known := 0
	if keep {
		known = n
	}
	p := &blockPool{
		blocks: make([]block, n),
		refs:   make([]int32, n),
		free:   make([]int32, n),
		index:  make(map[blockKey]int32, known),
		oldest: -1,
		newest: -1,
		keep:   keep,
	}
	for i := range p.free {
		p.free[i] = int32(n - 1 - i)
	}
	return p
}

// available is the number of blocks that alloc can give and nobody was
// promised.
func (p *blockPool) available() int { return len(p.free) + p.cached - p.promised }

// alloc takes a block with one reference, at the price of the least recently
// used cached one when none is free.
func (p *blockPool) alloc() (int32, error) {
	var b int32
	switch {
	case len(p.free) > 0:
		b = p.free[len(p.free)-1]
		p.free = p.free[:len(p.free)-1]
	case p.cached > 0:
		b = p.oldest
		p.unlink(b)
		delete(p.index, p.blocks[b].key)
		p.blocks[b].id = 0
	default:
		return -1, errNoBlocks
	}
	p.refs[b] = 1
	return b, nil
}

// retain adds a reference to a block that is in use or cached.
func (p *blockPool) retain(b int32) {
	if p.refs[b] == 0 {
		p.unlink(b)
	}
	p.refs[b]++
}

// release drops a reference. The last one makes a published block cached,
// any other free.
func (p *blockPool) release(b int32) {
	p.refs[b]--
	k := &p.blocks[b]
	switch {
	case p.refs[b] > 0:
	case k.id != 0:
		k.older, k.newer = p.newest, -1
		if p.newest >= 0 {
			p.blocks[p.newest].newer = b
		} else {
			p.oldest = b
		}
		p.newest = b
		p.cached++
	default:
		p.free = append(p.free, b)
	}
}

// unlink takes a cached block out of the list.
func (p *blockPool) unlink(b int32) {
	k := &p.blocks[b]
	if k.older >= 0 {
		p.blocks[k.older].newer = k.newer
	} else {
		p.oldest = k.newer
	}
	if k.newer >= 0 {
		p.blocks[k.newer].older = k.older
	} else {
		p.newest = k.older
	}
	p.cached--
}

// shared says whether a block has more than one user.
func (p *blockPool) shared(b int32) bool { return p.refs[b] > 1 }

// lookup finds the block that holds tokens after the block named parent. It
// takes no reference.
func (p *blockPool) lookup(parent uint64, tokens [blockTokens]int32) (int32, bool) {
	if !p.keep {
		return -1, false
	}
	b, ok := p.index[blockKey{parent, tokens}]
	return b, ok
}

// newRoot makes the root of chains that share nothing with those of others.
func (p *blockPool) newRoot() uint64 {
	p.lastID++
	p.roots = append(p.roots, p.lastID)
	return p.lastID
}

// publish makes the contents of b, which the caller holds, known under its
// key. When another block holds the same already, the caller's reference
// moves to that one. It returns the block to use and the id of its contents.
func (p *blockPool) publish(b int32, parent uint64, tokens [blockTokens]int32) (int32, uint64) {
	key := blockKey{parent, tokens}
	if same, ok := p.index[key]; ok {
		if same != b {
			p.retain(same)
			p.release(b)
		}
		return same, p.blocks[same].id
	}
	p.lastID++
	p.blocks[b].id, p.blocks[b].key = p.lastID, key
	p.index[key] = b
	return b, p.lastID
}

// check verifies that the pool's books agree with the given block tables,
// which must be all there are.
func (p *blockPool) check(tables ...[]int32) error {
	refs := make([]int32, len(p.blocks))
	for _, t := range tables {
		for _, b := range t {
			refs[b]++
		}
	}
	state := make([]string, len(p.blocks))
	for _, b := range p.free {
		if state[b] != "" || p.blocks[b].id != 0 {
			return fmt.Errorf("block %d is free twice or free and published", b)
		}
		state[b] = "free"
	}
	n := 0
	for b, older := p.oldest, int32(-1); b >= 0; older, b = b, p.blocks[b].newer {
		if state[b] != "" || p.blocks[b].id == 0 || p.blocks[b].older != older {
			return fmt.Errorf("block %d is wrongly in the list of cached blocks", b)
		}
		state[b] = "cached"
		n++
	}
	if n != p.cached {
		return fmt.Errorf("%d blocks are cached, counted %d", n, p.cached)
	}
	ids := make(map[uint64]bool, len(p.index)+1)
	ids[0] = true
	for _, root := range p.roots {
		ids[root] = true
	}
	for key, b := range p.index {
		if p.blocks[b].id == 0 || p.blocks[b].key != key {
			return fmt.Errorf("the index names block %d, which holds something else", b)
		}
		ids[p.blocks[b].id] = true
	}
	for i := range p.blocks {
		b := &p.blocks[i]
		switch {
		case p.refs[i] != refs[i]:
			return fmt.Errorf("block %d counts %d references, %d exist", i, p.refs[i], refs[i])
		case (p.refs[i] == 0) != (state[i] != ""):
			return fmt.Errorf("block %d with %d references is %q", i, p.refs[i], state[i])
		case b.id != 0 && p.index[b.key] != int32(i):
			return fmt.Errorf("published block %d is not in the index", i)
		case b.id != 0 && !ids[b.key.parent]:
			return fmt.Errorf("block %d outlived the block before it", i)
		}
	}
	return nil
}
