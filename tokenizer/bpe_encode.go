package tokenizer

import "unsafe"

// bpeEncoder encodes by byte-level BPE.
type bpeEncoder struct {
	*byteBPE
	cache   wordCache
	symbols []symbol
	queue   []uint64
	spelled []byte
}

func (b *byteBPE) newEncoder() encoder { return &bpeEncoder{byteBPE: b} }

func (e *bpeEncoder) encode(dst []int32, text string) []int32 {
	text = repair(text)
	for i := 0; i < len(text); {
		j := e.pre.next(text, i)
		dst = e.word(dst, text, i, j)
		i = j
	}
	return dst
}

// word encodes the word text[i:j].
func (e *bpeEncoder) word(dst []int32, text string, i, j int) []int32 {
	if j-i == 1 {
		return e.emit(dst, e.bytes[text[i]])
	}
	if j-i > maxCached {
		return e.fresh(dst, text[i:j])
	}
	key := newWordKey(text, i, j)
	entry := e.cache.entry(key)
	if entry.key != key {
		start := len(dst)
		dst = e.fresh(dst, text[i:j])
		entry.fill(key, dst[start:])
		return dst
	}
	return append(dst, entry.ids[:entry.n]...)
}

// fresh encodes a word that is not remembered.
func (e *bpeEncoder) fresh(dst []int32, word string) []int32 {
	if e.ignoreMerges {
		if id := e.whole(word); id >= 0 {
			return append(dst, id)
		}
	}
	return e.merge(dst, word)
}

// whole returns the token that a whole word is, or -1.
func (e *bpeEncoder) whole(word string) int32 {
	if len(word) > e.ids.longest { // a character of the alphabet has at least the one byte it stands for
		return -1
	}
	e.spelled = appendSpelled(e.spelled[:0], word)
	return e.ids.find(unsafe.String(unsafe.SliceData(e.spelled), len(e.spelled)))
}

// Words of up to maxCached bytes that become up to three tokens are remembered.
const (
	maxCached  = 15
	cacheBits  = 13
	cacheTrail = 16 // bytes that newWordKey reads at once
)

// wordKey is a word of up to 15 bytes: padded with zeros, its length in the last byte.
type wordKey [2]uint64

func newWordKey(text string, i, j int) wordKey {
	n := j - i
	if i+cacheTrail > len(text) {
		var tail [cacheTrail]byte
		copy(tail[:], text[i:j])
		return wordKey{load64(string(tail[:8])), load64(string(tail[8:])) | uint64(n)<<56}
	}
	low, high := load64(text[i:i+8]), load64(text[i+8:i+16])
	if n < 8 {
		low, high = low&(1<<(8*n)-1), 0
	} else {
		high &= 1<<(8*(n-8)) - 1
	}
	return wordKey{low, high | uint64(n)<<56}
}

// load64 compiles to one load.
func load64(s string) uint64 {
	_ = s[7]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}

// wordCache is direct-mapped: a new word takes the place of the old. It is taken on first use.
type wordCache struct {
	entries *[1 << cacheBits]wordEntry
}

type wordEntry struct {
	key wordKey
	ids [3]int32
	n   int32
}

func (c *wordCache) entry(key wordKey) *wordEntry {
	if c.entries == nil {
		c.entries = new([1 << cacheBits]wordEntry)
	}
	h := (key[0] ^ key[1]*0x9E3779B97F4A7C15) * 0xD6E8FEB86659FD93
	return &c.entries[h>>(64-cacheBits)]
}

func (w *wordEntry) fill(key wordKey, ids []int32) {
	if len(ids) <= len(w.ids) {
		w.key, w.n = key, int32(copy(w.ids[:], ids))
	}
}
