package tokenizer

import (
	"hash/maphash"
	"math/bits"
)

// Both tables are built once from a known number of entries: open addressing, linear probing, at
// most half full, and quicker to build than a map.

func slots(entries int) int { return 1 << bits.Len(uint(2*entries)) }

// textTable finds a token by its text. A slot holds 32 bits of the hash and id+1.
type textTable struct {
	seed  maphash.Seed
	texts []string
	slots []uint64
}

func newTextTable(texts []string) *textTable {
	return &textTable{seed: maphash.MakeSeed(), texts: texts, slots: make([]uint64, slots(len(texts)))}
}

// find returns the id of a text, or -1.
func (t *textTable) find(text string) int32 {
	_, id := t.probe(text)
	return id
}

// insert adds a token; it returns the id that already has this text, or -1.
func (t *textTable) insert(id int32) int32 {
	h := maphash.String(t.seed, t.texts[id])
	slot, old := t.at(h, t.texts[id])
	if old < 0 {
		t.slots[slot] = h&^0xFFFFFFFF | uint64(id+1)
	}
	return old
}

func (t *textTable) probe(text string) (int, int32) {
	return t.at(maphash.String(t.seed, text), text)
}

func (t *textTable) at(h uint64, text string) (int, int32) {
	mask := len(t.slots) - 1
	for i := int(h) & mask; ; i = (i + 1) & mask {
		slot := t.slots[i]
		if slot == 0 {
			return i, -1
		}
		if id := int32(uint32(slot)) - 1; slot>>32 == h>>32 && t.texts[id] == text {
			return i, id
		}
	}
}

// merge is what a pair of tokens becomes: its rank above, the id of the result below, so that the
// smaller merge comes first.
type merge uint64

const noMerge = ^merge(0)

func newMerge(rank int, id int32) merge { return merge(rank)<<32 | merge(uint32(id)) }

func (m merge) rank() uint32 { return uint32(m >> 32) }
func (m merge) id() int32    { return int32(uint32(m)) }

// mergeTable finds the merge of a left and a right token. Key 0 marks a free slot.
type mergeTable struct {
	shift uint
	slots []mergeSlot
}

type mergeSlot struct {
	key   uint64
	merge merge
}

func newMergeTable(merges int) *mergeTable {
	n := slots(merges)
	return &mergeTable{shift: uint(64 - bits.Len(uint(n-1))), slots: make([]mergeSlot, n)}
}

func mergeKey(left, right int32) uint64 { return uint64(uint32(left))<<32 | uint64(uint32(right)) + 1 }

// insert adds a merge; of two for one pair, the first stays.
func (t *mergeTable) insert(left, right int32, m merge) {
	key := mergeKey(left, right)
	if slot := t.at(key); slot.key == 0 {
		*slot = mergeSlot{key, m}
	}
}

// find returns the merge of a pair, or noMerge.
func (t *mergeTable) find(left, right int32) merge {
	if slot := t.at(mergeKey(left, right)); slot.key != 0 {
		return slot.merge
	}
	return noMerge
}

func (t *mergeTable) at(key uint64) *mergeSlot {
	mask := uint64(len(t.slots) - 1)
	for i := key * 0x9E3779B97F4A7C15 >> t.shift; ; i++ {
		slot := &t.slots[i&mask]
		if slot.key == key || slot.key == 0 {
			return slot
		}
	}
}
