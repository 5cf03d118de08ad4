package tokenizer

import (
	"slices"
	"strings"
)

// Encode appends the tokens of text to dst and returns it. User-defined tokens are found in the text
// always, control tokens (such as <|im_end|>) only if special is true; otherwise they are encoded as
// the characters they are written with. BOS and EOS are not added. Bytes that are not UTF-8 are
// encoded as U+FFFD.
func (t *Tokenizer) Encode(dst []int32, text string, special bool) []int32 {
	dst = slices.Grow(dst, len(text)/4)
	e := t.encoders.Get().(*encoder)
	tokens := t.userDefined
	if special {
		tokens = t.special
	}
	dst = e.split(dst, text, tokens)
	e.trim()
	t.encoders.Put(e)
	return dst
}

// encoder is the working memory of one Encode call.
type encoder struct {
	t       *Tokenizer
	cache   wordCache
	symbols []symbol
	queue   []uint64
}

// split cuts the text at the special tokens, longest first, each at its leftmost occurrences, and
// encodes what is between them.
func (e *encoder) split(dst []int32, text string, special []int32) []int32 {
	for i, id := range special {
		token := e.t.texts[id]
		for {
			at := strings.Index(text, token)
			if at < 0 {
				break
			}
			dst = e.split(dst, text[:at], special[i+1:])
			dst = append(dst, id)
			text = text[at+len(token):]
		}
	}
	return e.encode(dst, repair(text))
}

// encode encodes well-formed text that has no special tokens.
func (e *encoder) encode(dst []int32, text string) []int32 {
	for i := 0; i < len(text); {
		j := e.t.scan.next(text, i)
		dst = e.word(dst, text, i, j)
		i = j
	}
	return dst
}

// word encodes the word text[i:j].
func (e *encoder) word(dst []int32, text string, i, j int) []int32 {
	if j-i == 1 {
		if id := e.t.bytes[text[i]]; id >= 0 {
			dst = append(dst, id)
		}
		return dst
	}
	if j-i > maxCached {
		return e.merge(dst, text[i:j])
	}
	key := newWordKey(text, i, j)
	entry := e.cache.entry(key)
	if entry.key != key {
		start := len(dst)
		dst = e.merge(dst, text[i:j])
		entry.fill(key, dst[start:])
		return dst
	}
	return append(dst, entry.ids[:entry.n]...)
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
