package tokenizer

import (
	"hash/maphash"
	"math/bits"
)

// Both tables are built once from a known number of entries: open addressing with linear probing,
// smaller and quicker to build than a map.

// slots leaves between a third and two thirds of a table free.
func slots(entries int) int { return 1 << bits.Len(uint(entries+entries/2)) }

// textTable finds a token by its text. A slot holds 32 bits of the hash and id+1.
type textTable struct {
	seed    maphash.Seed
	texts   []string
	slots   []uint64
	longest int // bytes of a text
}

func newTextTable(texts []string) *textTable {
	t := &textTable{seed: maphash.MakeSeed(), texts: texts, slots: make([]uint64, slots(len(texts)))}
	for _, text := range texts {
		t.longest = max(t.longest, len(text))
	}
	return t
}

// find returns the id of a text, or -1.
func (t *textTable) find(text string) int32 {
	slot, _ := t.at(text)
	return slotID(*slot)
}

// insert adds a token; it returns the id that already has this text, or -1.
func (t *textTable) insert(id int32) int32 {
	slot, hash := t.at(t.texts[id])
	old := slotID(*slot)
	if old < 0 {
		*slot = hash>>32<<32 | uint64(id+1)
	}
	return old
}

// at returns the slot of a text, or the free one that it would get, and its hash.
func (t *textTable) at(text string) (*uint64, uint64) {
	hash := maphash.String(t.seed, text)
	mask := len(t.slots) - 1
	for i := int(hash) & mask; ; i = (i + 1) & mask {
		slot := &t.slots[i]
		if *slot == 0 || *slot>>32 == hash>>32 && t.texts[slotID(*slot)] == text {
			return slot, hash
		}
	}
}

func slotID(slot uint64) int32 { return int32(uint32(slot)) - 1 }

// mergeTable finds the rank of the merge of a left and a right token: the lower, the earlier it is
// applied. A slot is 20 bits of rank+1, 22 of the left id and 22 of the right, so that a look-up
// touches one cache line of a table of 2 MB for Qwen's 151,387 merges.
type mergeTable struct {
	shift uint
	slots []uint64
	made  []int32 // by rank: the token that the merge makes
}

const (
	idBits    = 22
	maxTokens = 1<<idBits - 1 // the id past the last one never occurs: it would equal -1
	maxMerges = 1<<(64-2*idBits) - 1
	pairMask  = 1<<(2*idBits) - 1

	noMerge = ^uint32(0)
)

func newMergeTable(merges int) *mergeTable {
	n := slots(merges)
	return &mergeTable{shift: uint(64 - bits.Len(uint(n-1))), slots: make([]uint64, n), made: make([]int32, 0, merges)}
}

// add gives a pair the next rank. Of two merges for one pair, the first counts.
func (t *mergeTable) add(left, right, made int32) {
	t.made = append(t.made, made)
	pair := pairKey(left, right)
	if slot := t.at(pair); *slot == 0 {
		*slot = uint64(len(t.made))<<(2*idBits) | pair
	}
}

// rank returns the rank of a pair, or noMerge.
func (t *mergeTable) rank(left, right int32) uint32 {
	return uint32(*t.at(pairKey(left, right))>>(2*idBits)) - 1
}

// skip leaves a rank out: its merge never applies.
func (t *mergeTable) skip() { t.made = append(t.made, -1) }

func (t *mergeTable) at(pair uint64) *uint64 {
	mask := len(t.slots) - 1
	for i := int(pair * 0x9E3779B97F4A7C15 >> t.shift); ; i++ {
		slot := &t.slots[i&mask]
		if *slot == 0 || *slot&pairMask == pair {
			return slot
		}
	}
}

func pairKey(left, right int32) uint64 {
	return uint64(uint32(left))<<idBits | uint64(uint32(right))
}
