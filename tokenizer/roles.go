package tokenizer

import "slices"

// endKeys are the keys of the tokens that end a generation, with the texts by which such a token is
// known when its key is absent.
var endKeys = []struct {
	key   string
	texts []string
}{
	{keyEOS, nil},
	{"tokenizer.ggml.eot_token_id", nil},
	{"tokenizer.ggml.eom_token_id", nil},
	{"tokenizer.ggml.fim_pad_token_id", []string{"<|fim_pad|>", "<fim-pad>", "<fim_pad>", "<PAD>", "[PAD]"}},
	{"tokenizer.ggml.fim_rep_token_id", []string{"<|fim_repo|>", "<|repo_name|>", "<fim-repo>", "<REPO>", "<reponame>"}},
	{"tokenizer.ggml.fim_sep_token_id", []string{"<|file_sep|>"}},
}

// tokenKeys are the keys whose value is the id of a token.
func tokenKeys() []string {
	keys := []string{keyBOS}
	for _, role := range endKeys {
		keys = append(keys, role.key)
	}
	return keys
}

// endTexts end a generation in whatever vocabulary they are found, as in llama.cpp.
var endTexts = []string{
	"<|eot_id|>", "<|im_end|>", "<|end|>", "<|return|>", "<|call|>", "<|flush|>", "<|calls|>",
	"<end_of_turn>", "<|endoftext|>", "</s>", "<|eom_id|>", "<EOT>", "_<EOT>", "[EOT]", "[EOS]",
	"<|end_of_text|>", "<end_of_utterance>", "<eos>", "<turn|>", "<|tool_response>",
	"<｜end▁of▁sentence｜>", "[e~[",
}

// controlTexts are control tokens even in files that call them normal or user-defined.
var controlTexts = []string{
	"<|fim_prefix|>", "<fim-prefix>", "<fim_prefix>", "<｜fim▁begin｜>", "<PRE>", "▁<PRE>", "<|code_prefix|>", "<|prefix|>",
	"<|fim_suffix|>", "<fim-suffix>", "<fim_suffix>", "<｜fim▁hole｜>", "<SUF>", "▁<SUF>", "<|code_suffix|>", "<|suffix|>",
	"<|fim_middle|>", "<fim-middle>", "<fim_middle>", "<｜fim▁end｜>", "<MID>", "▁<MID>", "<|code_middle|>", "<|middle|>",
}

// setRoles finds BOS, EOS and the end tokens, and marks control tokens that the file calls otherwise.
// As in llama.cpp, an id outside the vocabulary is as good as none.
func (t *Tokenizer) setRoles(v *vocabulary) {
	role := func(key string) (int32, bool) {
		id, given := v.ids[key]
		if given && (id < 0 || id >= int64(len(t.texts))) {
			t.warn("%s: %d is outside the vocabulary of %d tokens, and taken as absent", key, id, len(t.texts))
			return -1, false
		}
		if !given {
			return -1, false
		}
		return int32(id), true
	}
	t.bos, _ = role(keyBOS)
	if t.addBOS = v.addBOS && t.bos >= 0; v.addBOS && !t.addBOS {
		t.warn("%s: prompts should begin with BOS, but %s names no token", keyAddBOS, keyBOS)
	}
	for _, text := range controlTexts {
		t.markControl(t.ids.find(text))
	}
	for _, end := range endKeys {
		id, given := role(end.key)
		if end.key == keyEOS {
			t.eos = id
		}
		if given {
			t.ends = append(t.ends, id)
			continue
		}
		for _, text := range end.texts {
			if id := t.ids.find(text); id >= 0 {
				t.markControl(id)
				t.ends = append(t.ends, id)
				break
			}
		}
	}
	for _, text := range endTexts {
		if id := t.ids.find(text); id >= 0 {
			t.markControl(id)
			t.ends = append(t.ends, id)
		}
	}
	if t.addEOS = v.addEOS && t.eos >= 0; v.addEOS && !t.addEOS {
		t.warn("%s: texts should end with EOS, but %s names no token", keyAddEOS, keyEOS)
	}
	slices.Sort(t.ends)
	t.ends = slices.Compact(t.ends)
}

func (t *Tokenizer) markControl(id int32) {
	if id >= 0 {
		t.types[id] = typeControl
	}
}
