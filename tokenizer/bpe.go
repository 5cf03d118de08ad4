package tokenizer

import (
	"fmt"
	"strings"

	"cllm/gguf"
)

const (
	keyPre    = "tokenizer.ggml.pre"
	keyMerges = "tokenizer.ggml.merges"
)

// byteBPEFile is what a file says of a byte-level BPE vocabulary.
type byteBPEFile struct {
	pre    string   // "" when the file does not say
	merges []string // "left right", best first
}

func (b *byteBPEFile) read(f *gguf.File, v *vocabulary) (err error) {
	if err = get(&b.pre, keyPre, f.String, false); err != nil {
		return err
	}
	if p := findPre(b.pre); p != nil {
		v.addBOS = p.addBOS
	}
	return get(&b.merges, keyMerges, f.Strings, true)
}

// byteBPE is byte-level BPE: text is split into words, a word starts as the tokens of its bytes, and
// neighbours merge by rank. Tokens are written in the byte-level alphabet.
type byteBPE struct {
	ids          *textTable
	size         int // of the vocabulary
	pre          preTokenizer
	ignoreMerges bool
	bytes        [256]int32 // the token of each single byte, -1 if there is none
	merges       *mergeTable
	// phantoms are the bytes of what merges make and the vocabulary lacks: their ids go on after its
	// tokens. They can merge on, but not come out.
	phantoms []string
}

func (b *byteBPEFile) build(t *Tokenizer) (kind, error) {
	name := b.pre
	if name == "" {
		name = preDefault.names[0]
	}
	pre := findPre(name)
	if pre == nil {
		return nil, fmt.Errorf("%s: %q is not supported; supported: %q", keyPre, b.pre, preNames())
	}
	if pre == &preDefault {
		given := "is missing"
		if b.pre != "" {
			given = fmt.Sprintf("is %q", b.pre)
		}
		t.warn("%s %s: text is split into words by llama.cpp's default rules, which are seldom the model's", keyPre, given)
	}
	if len(b.merges) > maxMerges {
		return nil, fmt.Errorf("%s: %d merges, at most %d are supported", keyMerges, len(b.merges), maxMerges)
	}
	k := &byteBPE{ids: t.ids, size: len(t.texts), pre: pre.scanner(classes()), ignoreMerges: pre.ignoreMerges}
	for c := range k.bytes {
		k.bytes[c] = t.ids.find(string(byteToRune[c]))
	}
	return k, k.setMerges(t, b.merges)
}

func (b *byteBPE) appendRaw(dst []byte, text string) []byte { return appendRaw(dst, text) }

// setMerges turns the merge rules from text to ids.
func (b *byteBPE) setMerges(t *Tokenizer, rules []string) error {
	b.merges = newMergeTable(len(rules))
	find, whole := t.ids.find, true // as long as the vocabulary has all that rules name and make
	var joined []byte
	next := int32(-1) // rules mostly come in the order of the tokens that they make
	var never []string
	for rank, rule := range rules {
		left, right, ok := cutRule(rule)
		leftID, rightID := find(left), find(right)
		if !t.joins(next, left, right) {
			joined = append(append(joined[:0], left...), right...)
			next = find(string(joined))
		}
		if whole && ok && (leftID < 0 || rightID < 0 || next < 0) {
			whole = false
			find = b.addPhantoms(t, rules)
			if b.size+len(b.phantoms) > maxTokens {
				return fmt.Errorf("%s[%d]: %q: too many merges of tokens that %s lacks", keyMerges, rank, rule, keyTokens)
			}
			leftID, rightID, next = find(left), find(right), find(left+right)
		}
		if !ok || leftID < 0 || rightID < 0 {
			never = append(never, rule)
			b.merges.skip()
			continue
		}
		b.merges.add(leftID, rightID, next)
		next++
	}
	if len(never) > 0 {
		t.warn("%s: %d of %d merges can never apply, as %q: %s lacks what they merge", keyMerges, len(never), len(rules), never[0], keyTokens)
	}
	return nil
}

// cutRule splits a merge rule, "left right"; a space may begin the left token.
func cutRule(rule string) (left, right string, ok bool) {
	cut := 1 + strings.IndexByte(rule[min(1, len(rule)):], ' ')
	if cut == 0 {
		return "", "", false
	}
	return rule[:cut], rule[cut+1:], true
}

// addPhantoms gives ids to all that merges make and single bytes that are not tokens. It returns the
// function that finds tokens and phantoms.
func (b *byteBPE) addPhantoms(t *Tokenizer, rules []string) func(string) int32 {
	ids := map[string]int32{}
	add := func(text string) {
		if _, known := ids[text]; !known && t.ids.find(text) < 0 {
			ids[text] = int32(b.size + len(b.phantoms))
			b.phantoms = append(b.phantoms, string(appendRaw(nil, text)))
		}
	}
	for c := range b.bytes {
		add(string(byteToRune[c]))
	}
	for _, rule := range rules {
		if left, right, ok := cutRule(rule); ok {
			add(left + right)
		}
	}
	find := func(text string) int32 {
		if id, phantom := ids[text]; phantom {
			return id
		}
		return t.ids.find(text)
	}
	for c := range b.bytes {
		b.bytes[c] = find(string(byteToRune[c]))
	}
	return find
}

// joins tells whether token id is left and right joined.
func (t *Tokenizer) joins(id int32, left, right string) bool {
	if id < 0 || int(id) >= len(t.texts) {
		return false
	}
	text := t.texts[id]
	return len(text) == len(left)+len(right) && text[:len(left)] == left && text[len(left):] == right
}
